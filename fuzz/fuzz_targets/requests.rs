//! A whole webhook, with an Engine that replies anything.
#![no_main]

use dynamic_access_properties::check_served;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (bool, &str, Vec<u8>, Vec<(u16, u16, Vec<u8>)>)| {
    let (is_get, uri, body, mut replies) = input;
    for (_, status, _) in &mut replies {
        *status = 100 + *status % 900;
    }
    let method = if is_get { "GET" } else { "POST" };
    check_served(method, uri, body, replies);
});
