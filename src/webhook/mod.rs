//! The contract of BastionZero's Dynamic Access Configurations: routes, request
//! bodies and answers.
//!
//! It does not check who calls, and does not carry out any webhook.

pub mod answer;
pub mod body;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Uri};

use crate::error::Error;

/// A webhook that can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Webhook {
    /// `POST /start`
    Start,
    /// `POST /stop`
    Stop,
    /// `GET /health`
    Health,
    /// `POST /reap`, which is called by an operator's scheduler instead of
    /// BastionZero
    Reap {
        /// `?dry_run=1`: containers are only named, not removed.
        dry_run: bool,
    },
}

impl Webhook {
    /// The path of this webhook.
    pub fn path(self) -> &'static str {
        match self {
            Self::Start => "/start",
            Self::Stop => "/stop",
            Self::Health => "/health",
            Self::Reap { .. } => "/reap",
        }
    }
}

/// The path of `uri`, if it is that of a webhook.
pub fn known_path(uri: &Uri) -> Option<&'static str> {
    ["/start", "/stop", "/health", "/reap"]
        .into_iter()
        .find(|path| *path == uri.path())
}

/// The webhook that a request calls.
///
/// # Errors
///
/// What is wrong with the path, the method, the query, or the type of the body.
pub fn route(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Webhook, Error> {
    let path = known_path(uri).ok_or(Error::UnknownPath)?;
    let allow = if path == "/health" { "GET" } else { "POST" };
    if method.as_str() != allow {
        return Err(Error::WrongMethod { allow });
    }
    match (path, uri.query()) {
        ("/health", _) => Ok(Webhook::Health),
        ("/reap", None) => Ok(Webhook::Reap { dry_run: false }),
        ("/reap", Some("dry_run=1")) => Ok(Webhook::Reap { dry_run: true }),
        // Any other query may be a misspelt dry run, which must not remove anything.
        ("/reap", Some(_)) => Err(Error::BadQuery),
        _ if !is_json(headers) => Err(Error::NotJson),
        ("/stop", _) => Ok(Webhook::Stop),
        _ => Ok(Webhook::Start),
    }
}

/// Whether the body's type is `application/json` or `application/…+json`, with or
/// without parameters. A missing type counts as JSON, because the contract does
/// not require one.
fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(first), None) = (types.next(), types.next()) else {
        return !headers.contains_key(CONTENT_TYPE);
    };
    let essence = first
        .to_str()
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(content_types: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for content_type in content_types {
            headers.append(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        headers
    }

    #[track_caller]
    fn check_route(method: &str, uri: &str, expected: Result<Webhook, Error>) {
        let method = method.parse().expect("a method");
        let uri = uri.parse().expect("a uri");
        assert_eq!(route(&method, &uri, &HeaderMap::new()), expected);
    }

    #[test]
    fn each_webhook_has_one_path_and_one_method() {
        for (webhook, right, wrong) in [
            (Webhook::Start, "POST", ["GET", "PUT"]),
            (Webhook::Stop, "POST", ["HEAD", "DELETE"]),
            (Webhook::Health, "GET", ["POST", "HEAD"]),
            (Webhook::Reap { dry_run: false }, "POST", ["GET", "DELETE"]),
        ] {
            check_route(right, webhook.path(), Ok(webhook));
            for method in wrong {
                let allow = right;
                check_route(method, webhook.path(), Err(Error::WrongMethod { allow }));
            }
        }
    }

    #[test]
    fn a_reap_is_real_only_without_a_query() {
        check_route(
            "POST",
            "/reap?dry_run=1",
            Ok(Webhook::Reap { dry_run: true }),
        );
        for query in [
            "",
            "dry_run",
            "dry_run=true",
            "dry_run=0",
            "dry-run=1",
            "dry_run=1&x",
        ] {
            check_route("POST", &format!("/reap?{query}"), Err(Error::BadQuery));
        }
        check_route("POST", "/start?a=b", Ok(Webhook::Start));
    }

    #[test]
    fn any_other_path_is_unknown() {
        for path in [
            "/", "/Start", "/start/", "//start", "/start/x", "/%73tart", "/x",
        ] {
            check_route("POST", path, Err(Error::UnknownPath));
        }
    }

    #[test]
    fn a_body_is_json_unless_its_type_says_otherwise() {
        for (types, expected) in [
            (&[][..], true),
            (&["application/json"], true),
            (&["Application/JSON; charset=utf-8"], true),
            (&["application/problem+json"], true),
            (&["text/plain"], false),
            (&["application/x-www-form-urlencoded"], false),
            (&[""], false),
            (&["application/json", "application/json"], false),
        ] {
            assert_eq!(is_json(&headers(types)), expected, "{types:?}");
        }
    }
}
