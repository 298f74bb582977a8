//! The bodies of `/start`, `/stop` and `POST /v1/targets`: an order in harmless
//! characters, or an id, or a 400.
#![no_main]

use dynamic_access::api;
use dynamic_access::error::Error;
use dynamic_access::secret::Secret;
use dynamic_access::webhook::body::{parse_start, parse_stop};
use libfuzzer_sys::fuzz_target;

fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"\"'`$\\".contains(&byte))
}

fuzz_target!(|body: &[u8]| {
    match parse_start(body) {
        Ok(order) => {
            let url = order.service_url.as_deref().expect("a URL");
            assert!(url.bytes().all(|byte| byte.is_ascii_graphic()));
            assert!(is_word(order.activation_token().expect("a token").expose()));
            assert!(is_word(&order.environment_id));
        }
        Err(error) => assert_eq!(Error::from(error).status(), 400),
    }
    match parse_stop(body) {
        Ok(id) => assert!(id.as_str().len() == 64 && is_word(id.as_str())),
        Err(error) => assert_eq!(Error::from(error).status(), 400),
    }
    match api::body::parse_start(Secret::new("key"), body) {
        Ok(order) => {
            assert!(is_word(&order.environment_id) && order.secrets.len() <= 8);
            for secret in &order.secrets {
                let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
                assert!(secret.name.bytes().all(is_name) && secret.name.len() <= 64);
            }
        }
        Err(error) => assert_eq!(Error::from(error).status(), 400),
    }
});
