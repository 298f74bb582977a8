//! `docker_authorization`: the credentials for a proxy in front of the Engine.

use http::HeaderValue;

use crate::secret::Secret;

/// The longest credentials: what servers commonly accept in one header.
const CHARS_MAX: usize = 8 * 1024;

/// The shortest credentials. They give control over the Engine, so they must be as
/// hard to guess as a webhook's secret.
const CREDENTIALS_CHARS_MIN: usize = 16;

/// The `Authorization` header of every request to the Engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DockerAuthorization {
    scheme: String,
    /// The text after the scheme.
    pub credentials: Secret,
}

impl DockerAuthorization {
    /// Parses a scheme and its credentials (RFC 9110, section 11.6.2), such as
    /// `Bearer 0123…`. An empty text means that there are none.
    ///
    /// # Errors
    ///
    /// What the text must be.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        if text.is_empty() {
            return Ok(None);
        }
        let parts = text.split_once(' ').filter(|(scheme, credentials)| {
            let is_scheme = !scheme.is_empty()
                && scheme
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            let are_credentials = credentials.bytes().all(|byte| byte.is_ascii_graphic());
            is_scheme
                && are_credentials
                && (CREDENTIALS_CHARS_MIN..=CHARS_MAX).contains(&credentials.len())
        });
        match parts {
            Some((scheme, credentials)) => Ok(Some(Self {
                scheme: scheme.to_owned(),
                credentials: Secret::new(credentials),
            })),
            None => Err(format!(
                "must be a scheme, a space and credentials of at least {CREDENTIALS_CHARS_MIN} characters, such as Bearer and the output of `openssl rand -hex 32`"
            )),
        }
    }

    /// The value of the header.
    pub fn header(&self) -> HeaderValue {
        let text = format!("{} {}", self.scheme, self.credentials.expose());
        let mut value = HeaderValue::try_from(text).expect("parse accepts only printable ASCII");
        value.set_sensitive(true);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_the_variable_as_it_was_typed() {
        assert_eq!(DockerAuthorization::parse(""), Ok(None));
        for text in [
            "Bearer 0123456789abcdef",
            "Basic dXNlcjpwYXNzd29yZA==",
            "token ~!#$%^&*()_+{}|:",
        ] {
            let parsed = DockerAuthorization::parse(text).expect(text).expect(text);
            assert_eq!(parsed.header(), text);
            assert!(!format!("{parsed:?}").contains(&text[8..]), "{parsed:?}");
        }
    }

    #[test]
    fn credentials_without_a_scheme_short_or_of_several_words_are_refused() {
        for text in [
            " ",
            "0123456789abcdef",
            "Bearer",
            "Bearer ",
            "Bearer 0123456789abcde",
            "Bearer  0123456789abcdef",
            " Bearer 0123456789abcdef",
            "Bearer 0123456789abcdef ",
            "Bearer 0123456789abcdef\n",
            "Bearer 0123456789\r\nabcdef",
            "Bearer 0123456789abcdefé",
            "Bearer: 0123456789abcdef",
            &format!("Bearer {}", "0".repeat(8193)),
        ] {
            let problem = DockerAuthorization::parse(text).expect_err(text);
            assert!(!problem.contains("0123456789"), "{problem}");
        }
    }
}
