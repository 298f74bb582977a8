//! The bodies of the webhooks.

use super::*;

/// Whether `text` has only letters, digits and `marks`.
fn is_made_of(text: &str, marks: &str) -> bool {
    text.chars()
        .all(|letter| letter.is_ascii_alphanumeric() || marks.contains(letter))
}

#[test]
fn a_body_is_an_order_of_harmless_characters_or_an_error_that_shows_none() {
    for_all(bodies(), |body| check_body(&body));
}

/// Checks what each webhook reads from a body.
pub fn check_body(body: &[u8]) {
    match parse_start(body) {
        Ok(order) => {
            assert!(body.trim_ascii_start().starts_with(b"{"));
            let url = order.service_url.as_deref().expect("a URL");
            let url = url.to_ascii_lowercase();
            assert!(url.starts_with("http://") || url.starts_with("https://"));
            assert!(is_made_of(&url, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"));
            assert!(url.len() <= 2048);
            let secret = order.activation_token().expect("a token");
            let token = secret.expose();
            for (word, length_max) in [(token, 4096), (&order.environment_id, 128)] {
                assert!((1..=length_max).contains(&word.len()));
                assert!(is_made_of(word, "-._~+/=:"));
                assert!(is_made_of(&word[..1], ""));
            }
            let shown = format!("{secret:?}");
            assert!(!shown.contains(token) || "[redacted]".contains(token));
        }
        Err(error) => check_bad_body(&error.into()),
    }
    match parse_stop(body) {
        Ok(id) => {
            assert!(is_id(id.as_str()));
            let body: Value = serde_json::from_slice(body).expect("JSON");
            assert_eq!(body["uniqueId"], id.as_str());
        }
        Err(error) => check_bad_body(&error.into()),
    }
    match api::body::parse_start(Secret::new("key"), body) {
        Ok(order) => {
            assert!(is_made_of(&order.environment_id, "-._~+/=:"));
            assert!(order.secrets.len() <= 8);
            for secret in &order.secrets {
                assert!(is_made_of(&secret.name, "-") && secret.name.len() <= 64);
            }
        }
        Err(error) => assert_eq!(Error::from(error).status(), StatusCode::BAD_REQUEST),
    }
}

fn check_bad_body(error: &Error) {
    assert_eq!(error.status(), StatusCode::BAD_REQUEST);
    assert!(hides(&error.to_string(), &[PLANTED]), "{error}");
    assert!(hides(&format!("{error:?}"), &[PLANTED]), "{error:?}");
}
