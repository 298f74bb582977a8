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
    /// The value of the header.
    pub header: HeaderValue,
    /// The text after the scheme.
    pub credentials: Secret,
}

impl DockerAuthorization {
    /// Parses a scheme and its credentials (RFC 9110, section 11.6.2), such as
    /// `Bearer 0123…`. An empty text means that there are none.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        if text.is_empty() {
            return Ok(None);
        }
        let of_scheme = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let parts = text.split_once(' ').filter(|(scheme, credentials)| {
            !scheme.is_empty()
                && scheme.bytes().all(of_scheme)
                && credentials.bytes().all(|byte| byte.is_ascii_graphic())
                && (CREDENTIALS_CHARS_MIN..=CHARS_MAX).contains(&credentials.len())
        });
        let (_, credentials) = parts.ok_or_else(|| {
            format!(
                "must be a scheme, a space and credentials of at least {CREDENTIALS_CHARS_MIN} characters, such as Bearer and the output of `openssl rand -hex 32`"
            )
        })?;
        let mut header = HeaderValue::try_from(text).expect("it has only printable ASCII");
        header.set_sensitive(true);
        let credentials = Secret::new(credentials);
        Ok(Some(Self {
            header,
            credentials,
        }))
    }
}
