//! `registry_auth`: what the Engine shows a registry.

use crate::secret::Secret;

/// What the header takes at most, with room for a token of an identity
/// provider's.
const CHARS_MAX: usize = 16 * 1024;

/// Parses the value of `X-Registry-Auth`: base64url, with padding, of a JSON
/// object (Engine API, "Authentication").
///
/// An Engine passes over what it cannot decode in silence and pulls as nobody,
/// so what can be told from the text alone is: base64 of a `{` begins with e.
///
/// # Errors
///
/// Says what it must be.
pub fn parse(text: &str) -> Result<Option<Secret>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let digits = text.trim_end_matches('=');
    let is_base64url = text.len().is_multiple_of(4)
        && text.len() - digits.len() <= 2
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if is_base64url && text.starts_with('e') && text.len() <= CHARS_MAX {
        Ok(Some(Secret::new(text)))
    } else {
        Err("is not the base64url, with padding, of a JSON object such as {\"username\":…,\"password\":…,\"serveraddress\":…}".to_owned())
    }
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
            "eyJ1c2VybmFtZSI6InUiLCJwYXNzd29yZCI6Ij8+fiJ9",
            " e30",
            "e30\n",
        ] {
            let problem = parse(text).expect_err(text);
            assert!(!problem.contains(text.trim()), "{problem}");
        }
    }
}
