//! Who calls: checks the secret in the request's credentials.
//!
//! BastionZero sends `Authorization: Basic <text>` with every webhook, where the
//! text is exactly what the administrator typed. It is not the base64 of
//! `user:password` as in RFC 7617, so it is compared without decoding. The
//! contract also calls the header `Authentication`, so both names are accepted.
//!
//! A browser does send the base64 of `user:password`, so `operator_secret` has that form.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};

use crate::caller::{Caller, Role};
use crate::config::Variables;
use crate::error::CallerError;
use crate::platform::{AUTHENTICATION, IDEMPOTENCY_KEY};
use crate::secret::Secret;

/// The shortest accepted secret: 16 characters of base64 are 96 bits, too many to guess.
const SECRET_CHARS_MIN: usize = 16;

/// The shortest password in `operator_secret`: 22 characters of base64 are 128 bits. A
/// dialog asks people to type it, so they may choose one that is not random.
const PASSWORD_CHARS_MIN: usize = 22;

/// The schemes of credentials (RFC 9110, section 11.1): their case does not count.
const BASIC: &str = "basic";
const BEARER: &str = "bearer";

/// Secrets that are printed in public documentation.
const WELL_KNOWN: [&str; 1] = ["Y29vbGJlYW5z"];

/// The accepted secrets: one of each variable, or several during a rotation.
#[derive(Debug, Clone)]
pub struct Secrets(Vec<(Caller, Secret)>);

impl Secrets {
    pub(crate) fn read(variables: &impl Variables) -> Result<Self, String> {
        let read = |role: Role| {
            let name = role.variable();
            let text = variables.value(name);
            text.map_err(|problem| format!("{name} {problem}"))
        };
        let [webhook, api, operator] = Role::ALL.map(read);
        Self::parse(&webhook?, &api?, &operator?)
    }

    /// Parses the texts of the three variables: secrets separated by spaces.
    ///
    /// Refuses, without showing the text: an empty `webhook`, a weak secret, and one that
    /// two variables share. The server then refuses everything, which is safer than to
    /// accept a weak secret, or one that opens more than it should.
    pub fn parse(webhook: &str, api: &str, operator: &str) -> Result<Self, String> {
        let mut known: Vec<(Caller, Secret)> = Vec::new();
        for (role, text) in Role::ALL.into_iter().zip([webhook, api, operator]) {
            let problem = |problem: String| format!("{} {problem}", role.variable());
            let secrets: Vec<&str> = text.split_ascii_whitespace().collect();
            if secrets.is_empty() && role == Role::Webhook {
                let what = "is empty; set it to BastionZero's shared secret";
                return Err(problem(what.to_owned()));
            }
            for (index, secret) in secrets.into_iter().enumerate() {
                check(role, secret).map_err(problem)?;
                let is_same = |(caller, known): &&(Caller, Secret)| {
                    caller.role != role && known.expose() == secret
                };
                if let Some((other, _)) = known.iter().find(is_same) {
                    return Err(problem(format!(
                        "shares a secret with {}; each opens other routes, so make one for each",
                        other.role.variable()
                    )));
                }
                let position = index + 1;
                known.push((Caller { role, position }, Secret::new(secret)));
            }
        }
        Ok(Self(known))
    }

    pub(crate) fn has(&self, role: Role) -> bool {
        self.0.iter().any(|(caller, _)| caller.role == role)
    }

    /// Returns who calls, if the request carries one of the secrets.
    ///
    /// BastionZero's contract has only `Basic`, so `webhook_secret` is accepted in no
    /// other scheme. Programs and Prometheus may also send the other two as `Bearer`.
    ///
    /// A refused caller does not learn the reason; the log has it.
    pub fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, CallerError> {
        let (scheme, given) = credentials(headers)?;
        // Compares every secret: the duration of a refusal then reveals nothing.
        let mut caller = None;
        for (known, secret) in &self.0 {
            if bool::from(secret.ct_eq(given)) {
                caller = Some(*known);
            }
        }
        let caller = caller.ok_or(CallerError::Unauthorized("the secret is wrong"))?;
        if scheme != BASIC && caller.role == Role::Webhook {
            return Err(CallerError::Unauthorized(
                "webhook_secret is accepted only as Basic",
            ));
        }
        Ok(caller)
    }
}

/// The texts in a request's headers that may be secrets, right or wrong: the credentials
/// and the `Idempotency-Key`.
pub fn given(headers: &HeaderMap) -> Vec<Secret> {
    let names = [AUTHORIZATION, AUTHENTICATION, IDEMPOTENCY_KEY];
    let values = names.iter().flat_map(|name| headers.get_all(name));
    let texts = values.filter_map(|value| std::str::from_utf8(value.as_bytes()).ok());
    // A scheme is no secret.
    let texts = texts.map(|text| text.split_once(' ').map_or(text, |(_, text)| text));
    texts.map(|text| Secret::new(text.trim())).collect()
}

/// Checks that a secret is hard to guess and can be sent.
fn check(role: Role, secret: &str) -> Result<(), String> {
    const MAKE_ONE: &str = "make one with `openssl rand -base64 32`";
    if WELL_KNOWN.contains(&secret) {
        return Err(format!("is a published example; {MAKE_ONE}"));
    }
    if secret.len() < SECRET_CHARS_MIN {
        return Err(format!(
            "has a secret shorter than {SECRET_CHARS_MIN} characters; {MAKE_ONE}"
        ));
    }
    if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!(
            "has a character that is not allowed in a header; {MAKE_ONE}"
        ));
    }
    if role == Role::Operator && !is_user_and_password(secret) {
        return Err(format!(
            "is not the base64 of user:password with at least {PASSWORD_CHARS_MIN} characters of password; make one with `printf 'operator:%s' \"$(openssl rand -base64 32)\" | base64 -w 0`"
        ));
    }
    Ok(())
}

/// Whether a browser can send `secret` once a person has typed a user and a password into
/// its dialog (RFC 7617, section 2).
fn is_user_and_password(secret: &str) -> bool {
    let decoded = STANDARD.decode(secret).ok();
    let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    let Some((user, password)) = text.as_deref().and_then(|text| text.split_once(':')) else {
        return false;
    };
    let is_typed = |text: &str| !text.chars().any(char::is_control);
    !user.is_empty()
        && is_typed(user)
        && is_typed(password)
        && password.chars().count() >= PASSWORD_CHARS_MIN
}

/// The scheme in lower case and the text after it, from the one header that is there, or
/// from both if they are equal.
fn credentials(headers: &HeaderMap) -> Result<(&'static str, &str), CallerError> {
    let wrong = |what| Err(CallerError::Unauthorized(what));
    let authorization = single(headers, &AUTHORIZATION)?;
    let authentication = single(headers, &AUTHENTICATION)?;
    let value = match (authorization, authentication) {
        (Some(one), Some(other)) if one != other => {
            return wrong("the headers Authorization and Authentication differ");
        }
        (Some(value), _) | (None, Some(value)) => value,
        (None, None) => return wrong("there are no credentials"),
    };
    let Some((scheme, text)) = scheme_and_text(value) else {
        return wrong("the credentials have no scheme or no text");
    };
    match scheme.to_ascii_lowercase().as_str() {
        BASIC => Ok((BASIC, text)),
        BEARER => Ok((BEARER, text)),
        _ => wrong("the credentials are neither Basic nor Bearer"),
    }
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a [u8]>, CallerError> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(CallerError::Unauthorized("the credentials are given twice"));
    }
    Ok(first.map(http::HeaderValue::as_bytes))
}

/// The parts of `<scheme> <text>`: a scheme without regard to case, spaces, and
/// the text (RFC 9110, section 11.4).
fn scheme_and_text(value: &[u8]) -> Option<(&str, &str)> {
    let (scheme, text) = std::str::from_utf8(value).ok()?.split_once(' ')?;
    let text = text.trim_matches(' ');
    let is_text = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_text.then_some((scheme, text))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const SECRET: &str = "c29tZSBnb29kIHNlY3JldA==";
    const OTHER: &str = "YW5vdGhlciBnb29kIG9uZQ==";
    pub(crate) const API: &str = "YSBwcm9ncmFtJ3Mgc2VjcmV0";
    // operator:0123456789abcdef0123456789
    pub(crate) const OPERATOR: &str = "b3BlcmF0b3I6MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODk=";

    fn secrets() -> Secrets {
        Secrets::parse(&format!("{SECRET} {OTHER}"), API, OPERATOR).expect("good secrets")
    }

    #[test]
    fn a_caller_is_known_by_variable_and_position_and_bastionzero_by_basic_alone() {
        for (secret, name) in [
            (SECRET, "webhook_secret 1"),
            (OTHER, "webhook_secret 2"),
            (API, "api_secret 1"),
            (OPERATOR, "operator_secret 1"),
        ] {
            for scheme in ["Basic", "Bearer"] {
                let value = format!("{scheme} {secret}");
                let mut headers = HeaderMap::new();
                headers.insert(AUTHORIZATION, value.parse().expect("a value"));
                let caller = secrets().authenticate(&headers).ok();
                let is_known = scheme == "Basic" || !name.starts_with("webhook_secret");
                let known = caller.map(|caller| caller.to_string());
                assert_eq!(known.as_deref(), is_known.then_some(name), "{scheme}");
            }
        }
    }

    #[test]
    fn no_secret_is_in_two_variables() {
        for (webhook, api, operator, named) in [
            (SECRET, SECRET, "", "api_secret"),
            (OPERATOR, "", OPERATOR, "operator_secret"),
            (SECRET, OPERATOR, OPERATOR, "operator_secret"),
        ] {
            let problem = Secrets::parse(webhook, api, operator).expect_err(named);
            assert!(problem.starts_with(named), "{problem}");
        }
        Secrets::parse(&format!("{SECRET} {SECRET}"), API, OPERATOR).expect("one twice");
    }

    #[test]
    fn an_operators_secret_is_what_a_browser_sends() {
        for (text, is_right) in [
            ("a:0123456789012345678901", true),
            ("\u{e9}:0123456789 01234567890\u{e9}", true),
            ("a:b:0123456789012345678901", true),
            ("a:012345678901234567890", false),
            (":0123456789012345678901", false),
            ("0123456789012345678901234", false),
            ("a:0123456789012345678901\n", false),
        ] {
            let parsed = Secrets::parse(SECRET, "", &STANDARD.encode(text));
            assert_eq!(parsed.is_ok(), is_right, "{text}");
        }
        for text in [&OPERATOR[..OPERATOR.len() - 1], "cGxhbnRlZA-_cGxhbnRlZA"] {
            let problem = Secrets::parse(SECRET, "", text).expect_err(text);
            assert!(!problem.contains(text), "{problem}");
        }
    }
}
