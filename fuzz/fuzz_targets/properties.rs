//! Any property of `fuzz/properties`, with libFuzzer's bytes as the seed of its input.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| dynamic_access_properties::check_any(bytes));
