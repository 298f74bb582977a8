//! Who may call: checks the shared secret in the request's credentials.
//!
//! BastionZero sends `Authorization: Basic <text>` with every webhook, where the
//! text is exactly what the administrator typed. It is not the base64 of
//! `user:password` as in RFC 7617, so it is compared without decoding. The
//! contract also calls the header `Authentication`, so both names are accepted.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use subtle::Choice;

use crate::error::Error;
use crate::platform::AUTHENTICATION;
use crate::secret::Secret;

/// The shortest secret that is accepted: 16 characters of base64 are 96 bits,
/// too many to guess.
pub const SECRET_CHARS_MIN: usize = 16;

/// Secrets that are printed in public documentation.
const WELL_KNOWN: [&str; 1] = ["Y29vbGJlYW5z"];

/// The accepted secrets: one, or several during a rotation.
#[derive(Debug, Clone)]
pub struct Secrets(Vec<Secret>);

impl Secrets {
    /// Parses `webhook_secret`: secrets separated by spaces.
    ///
    /// # Errors
    ///
    /// What is wrong, without the text, if there is no secret or if any of them
    /// is weak. The server then refuses everything, which is safer than to accept
    /// a weak secret.
    pub fn parse(text: &str) -> Result<Self, String> {
        let secrets: Vec<&str> = text.split_ascii_whitespace().collect();
        if secrets.is_empty() {
            return Err("is empty; set it to the shared secret that BastionZero has".to_owned());
        }
        for secret in &secrets {
            if WELL_KNOWN.contains(secret) {
                return Err(
                    "is a published example; make your own with `openssl rand -base64 32`"
                        .to_owned(),
                );
            }
            if secret.len() < SECRET_CHARS_MIN {
                return Err(format!(
                    "has a secret shorter than {SECRET_CHARS_MIN} characters; make one with `openssl rand -base64 32`"
                ));
            }
            if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err("has a character that is not allowed in a header; make a secret with `openssl rand -base64 32`".to_owned());
            }
        }
        Ok(Self(secrets.into_iter().map(Secret::new).collect()))
    }

    /// Accepts the request if it carries one of the secrets.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthorized`]. The caller cannot tell what is wrong; the log can.
    pub fn authenticate(&self, headers: &HeaderMap) -> Result<(), Error> {
        let given = credentials(headers)?;
        // Every secret is compared, so that the duration reveals nothing.
        let known = self
            .0
            .iter()
            .fold(Choice::from(0), |known, secret| known | secret.ct_eq(given));
        if bool::from(known) {
            Ok(())
        } else {
            Err(Error::Unauthorized("the secret is wrong"))
        }
    }
}

/// The text after `Basic` in the one header, or in both if they are equal.
fn credentials(headers: &HeaderMap) -> Result<&str, Error> {
    let authorization = single(headers, &AUTHORIZATION)?;
    let authentication = single(headers, &AUTHENTICATION)?;
    let value = match (authorization, authentication) {
        (Some(one), Some(other)) if one != other => {
            return Err(Error::Unauthorized(
                "the headers Authorization and Authentication differ",
            ));
        }
        (Some(value), _) | (None, Some(value)) => value,
        (None, None) => return Err(Error::Unauthorized("there are no credentials")),
    };
    basic(value).ok_or(Error::Unauthorized("the credentials are not Basic"))
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a [u8]>, Error> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Error::Unauthorized("the credentials are given twice"));
    }
    Ok(first.map(http::HeaderValue::as_bytes))
}

/// The text of `Basic <text>`: a case-insensitive scheme, spaces, and the text
/// (RFC 9110, section 11.4).
fn basic(value: &[u8]) -> Option<&str> {
    let value = std::str::from_utf8(value).ok()?;
    let (scheme, text) = value.split_once(' ')?;
    let text = text.trim_matches(' ');
    let well_formed = scheme.eq_ignore_ascii_case("basic")
        && !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    well_formed.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "c29tZSBnb29kIHNlY3JldA==";
    const OTHER: &str = "YW5vdGhlciBnb29kIG9uZQ==";

    #[track_caller]
    fn check(headers: &[(&str, &str)], allowed: bool) {
        let secrets = Secrets::parse(&format!("{SECRET} {OTHER}")).expect("good secrets");
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::try_from(*name).expect("a name");
            map.append(name, value.parse().expect("a value"));
        }
        assert_eq!(
            secrets.authenticate(&map).is_ok(),
            allowed,
            "{headers:?} with {secrets:?}"
        );
    }

    fn right() -> String {
        format!("Basic {SECRET}")
    }

    #[test]
    fn each_configured_secret_opens_in_either_header() {
        for secret in [SECRET, OTHER] {
            check(&[("authorization", &format!("Basic {secret}"))], true);
            check(&[("authentication", &format!("Basic {secret}"))], true);
        }
    }

    #[test]
    fn the_scheme_is_read_without_regard_to_case() {
        for scheme in ["basic", "BASIC", "bAsIc"] {
            check(&[("authorization", &format!("{scheme} {SECRET}"))], true);
        }
    }

    #[test]
    fn both_headers_open_only_when_equal() {
        let other = format!("Basic {OTHER}");
        check(
            &[("authorization", &right()), ("authentication", &right())],
            true,
        );
        check(
            &[("authorization", &right()), ("authentication", &other)],
            false,
        );
    }

    #[test]
    fn a_header_given_twice_is_refused_even_when_equal() {
        for name in ["authorization", "authentication"] {
            check(&[(name, &right()), (name, &right())], false);
        }
    }

    #[test]
    fn anything_but_the_secret_itself_is_refused() {
        check(&[], false);
        for value in [
            "",
            "Basic",
            "Basic ",
            "Basic  ",
            SECRET,
            &format!("Bearer {SECRET}"),
            &format!("Basic{SECRET}"),
            &format!("Basic\t{SECRET}"),
            &format!("Basic {SECRET} {OTHER}"),
            &format!("Basic {SECRET},"),
            &format!("Basic {}", &SECRET[1..]),
            &format!("Basic {}", SECRET.trim_end_matches('=')),
            &format!("Basic {}", SECRET.to_lowercase()),
        ] {
            check(&[("authorization", value)], false);
        }
    }

    #[test]
    fn a_weak_secret_is_refused_in_any_position_and_never_shown() {
        for text in [
            "",
            "   ",
            "tooshort",
            "Y29vbGJlYW5z",
            &format!("{SECRET} tooshort"),
            &format!("{SECRET} Y29vbGJlYW5z"),
            "sixteen-chars-\u{e9}\u{e9}",
        ] {
            let problem = Secrets::parse(text).expect_err(text);
            for word in text.split_whitespace() {
                assert!(!problem.contains(word), "{problem}");
            }
        }
    }
}
