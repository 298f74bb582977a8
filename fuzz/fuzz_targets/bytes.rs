//! libFuzzer's bytes as they are: as the body of a request, and as a reply of the Engine.
#![no_main]

use dynamic_access_properties::{check_body, check_reply};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u16, &str, &[u8])| {
    let (status, date, body) = input;
    check_body(body);
    check_reply(100 + status % 900, date, body.to_vec());
});
