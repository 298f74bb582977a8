//! Secrets as the operator writes them, and credentials as a caller sends
//! them: whatever opens ends with one of the secrets.
#![no_main]

use dynamic_access::auth::Secrets;
use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;

const SECRET: &str = "c29tZSBnb29kIHNlY3JldA==";

fn check(secrets: &str, headers: &HeaderMap) {
    let Ok(parsed) = Secrets::parse(secrets, "", "") else {
        return;
    };
    if parsed.authenticate(headers, false).is_ok() {
        let given = headers.values().next().expect("credentials");
        let given = given.to_str().expect("text").trim_end();
        let is_known = |secret: &str| given.ends_with(secret) && given.len() > 5 + secret.len();
        assert!(secrets.split_ascii_whitespace().any(is_known));
    }
}

fuzz_target!(|input: (&str, Vec<(bool, &[u8])>)| {
    let (secrets, given) = input;
    let mut headers = HeaderMap::new();
    for (is_other, value) in given {
        let name = if is_other {
            "authentication"
        } else {
            "authorization"
        };
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(HeaderName::from_static(name), value);
        }
    }
    check(SECRET, &headers);
    check(secrets, &headers);
});
