//! `registry_auth`: the Engine's credentials for a registry.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE;
use serde_json::{Map, Value};

use crate::secret::Secret;

/// The longest value, with room for the token of an identity provider.
const CHARS_MAX: usize = 16 * 1024;

/// Parses the value of `X-Registry-Auth`: base64url, with padding, of a JSON
/// object (Engine API, "Authentication"). An empty text means that there is none.
///
/// An Engine ignores a value that it cannot decode and pulls without credentials,
/// so such a value is refused here.
///
/// # Errors
///
/// What the text must be.
pub fn parse(text: &str) -> Result<Option<Secret>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() <= CHARS_MAX && is_json_object(text) {
        Ok(Some(Secret::new(text)))
    } else {
        Err("must be the base64url, with padding, of a JSON object such as {\"username\":…,\"password\":…,\"serveraddress\":…}".to_owned())
    }
}

fn is_json_object(base64url: &str) -> bool {
    BASE64_URL_SAFE
        .decode(base64url)
        .is_ok_and(|json| serde_json::from_slice::<Map<String, Value>>(&json).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_what_the_engine_can_decode() {
        assert_eq!(parse(""), Ok(None));
        // {"username":"u","password":"?>~"} and {}
        for text in ["eyJ1c2VybmFtZSI6InUiLCJwYXNzd29yZCI6Ij8-fiJ9", "e30="] {
            assert_eq!(parse(text), Ok(Some(Secret::new(text))));
        }
        for text in [
            "user:password",
            "e30",
            "{}",
            "e===",
            "W10=",
            // The beginning of an object.
            "eyJ1",
            "eyJ1c2VybmFtZSI6InUiLCJwYXNzd29yZCI6Ij8+fiJ9",
            " e30",
            "e30\n",
        ] {
            let problem = parse(text).expect_err(text);
            assert!(!problem.contains(text.trim()), "{problem}");
        }
    }
}
