//! The contract: routes, bodies in, answers out.
//!
//! Knows neither who is allowed nor what a webhook does. The contract is that
//! of BastionZero's Dynamic Access Configurations.

use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::docker::ContainerId;
use crate::error::Error;
use crate::platform::HttpResponse;
use crate::reaper::{Reason, Report};
use crate::secret::Secret;
use crate::target::StartOrder;

/// The longest body that is read: the three fields take a few hundred bytes,
/// and their own limits add up to less than 8 KiB.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// The longest `activationToken`: BastionZero's are 36 characters, and a
/// signed token of another caller's may take a few thousand.
const TOKEN_CHARS_MAX: usize = 4096;

/// The longest `serviceUrl`: what browsers and proxies take.
const URL_CHARS_MAX: usize = 2048;

/// The longest `environmentId`: BastionZero's are 36 characters.
const ENVIRONMENT_CHARS_MAX: usize = 128;

/// What a caller can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Webhook {
    /// `POST /start`
    Start,
    /// `POST /stop`
    Stop,
    /// `GET /health`
    Health,
    /// `POST /reap`, not called by BastionZero but by an operator's scheduler
    Reap {
        /// `?dry_run=1`: nothing is removed, only named.
        dry_run: bool,
    },
}

impl Webhook {
    /// Its path.
    pub fn path(self) -> &'static str {
        match self {
            Self::Start => "/start",
            Self::Stop => "/stop",
            Self::Health => "/health",
            Self::Reap { .. } => "/reap",
        }
    }
}

/// The path of the webhook at `uri`, if there is one.
pub fn known_path(uri: &Uri) -> Option<&'static str> {
    ["/start", "/stop", "/health", "/reap"]
        .into_iter()
        .find(|path| *path == uri.path())
}

/// The webhook that a request's head asks for.
///
/// # Errors
///
/// What is wrong with the path, the method, or the type of the body.
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
        // Anything else may be meant as a dry run, and must not be a real one.
        ("/reap", Some(_)) => Err(Error::BadQuery),
        _ if !is_json(headers) => Err(Error::NotJson),
        ("/stop", _) => Ok(Webhook::Stop),
        _ => Ok(Webhook::Start),
    }
}

/// `application/json` and its like, with or without parameters; no type at
/// all counts as JSON, since the contract does not name one.
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

/// Reads the body of `/start`.
///
/// # Errors
///
/// [`Error::BadBody`], which names the field and never shows its value.
pub fn parse_start(body: &[u8]) -> Result<StartOrder, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct StartBody {
        service_url: String,
        activation_token: String,
        environment_id: String,
    }
    let body: StartBody = parse(body)?;
    if !is_service_url(&body.service_url) {
        return Err(bad_field("serviceUrl is not an http or https URL"));
    }
    if !is_word(&body.activation_token, TOKEN_CHARS_MAX) {
        return Err(bad_field("activationToken is not a token"));
    }
    if !is_word(&body.environment_id, ENVIRONMENT_CHARS_MAX) {
        return Err(bad_field("environmentId is not an id"));
    }
    Ok(StartOrder {
        service_url: body.service_url,
        activation_token: Secret::new(body.activation_token),
        environment_id: body.environment_id,
    })
}

/// Reads the body of `/stop`.
///
/// # Errors
///
/// [`Error::BadBody`] and [`Error::BadUniqueId`].
pub fn parse_stop(body: &[u8]) -> Result<ContainerId, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct StopBody {
        unique_id: String,
    }
    let body: StopBody = parse(body)?;
    ContainerId::parse(&body.unique_id).ok_or(Error::BadUniqueId)
}

/// Members that the contract does not name are left for its next version; a
/// named member that stands twice is an error, as no reading of it is right.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| {
        // serde's own message may quote the value that does not fit.
        let what = match error.classify() {
            serde_json::error::Category::Data => "a field is missing, given twice or not text",
            _ => "not JSON",
        };
        Error::BadBody(format!(
            "{what} (line {}, column {})",
            error.line(),
            error.column()
        ))
    })
}

fn bad_field(problem: &str) -> Error {
    Error::BadBody(problem.to_owned())
}

/// Letters, digits and the punctuation of tokens and ids; the first character
/// is no dash, which a program would take for an option.
fn is_word(text: &str, chars_max: usize) -> bool {
    text.len() <= chars_max
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=:".contains(&byte))
}

fn is_service_url(text: &str) -> bool {
    let parsed = text.parse::<Uri>().ok();
    text.len() <= URL_CHARS_MAX
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && parsed.is_some_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.host().is_some_and(|host| !host.is_empty())
        })
}

/// The answer to a start that succeeded.
pub fn started(id: &ContainerId) -> HttpResponse {
    answer(StatusCode::OK, &json!({"uniqueId": id.as_str()}))
}

/// The answer to a stop or a health check that succeeded.
pub fn done() -> HttpResponse {
    answer(StatusCode::OK, &json!({}))
}

/// The answer to a reap: what was removed, or would be, and why.
pub fn reaped(report: &Report, dry_run: bool) -> HttpResponse {
    let entry = |id: &ContainerId, reason: &Reason| {
        let mut entry = json!({"uniqueId": id.as_str(), "reason": reason.to_string()});
        if let Reason::Ended {
            exit_code: Some(code),
        } = reason
        {
            entry["exitCode"] = json!(code);
        }
        entry
    };
    let removed = report.removed.iter().map(|(id, reason)| entry(id, reason));
    // What the Engine said of a failure is for the log alone.
    let failed = report
        .failed
        .iter()
        .map(|(id, reason, _)| entry(id, reason));
    let body = json!({
        "dryRun": dry_run,
        "found": report.found,
        "removed": removed.collect::<Vec<_>>(),
        "failed": failed.collect::<Vec<_>>(),
    });
    answer(StatusCode::OK, &body)
}

/// The answer to a request that did not succeed: the members of RFC 9457, and
/// `ErrorMessage`, which BastionZero shows to the person who is connecting.
pub fn failed(error: &Error, request_id: &str) -> HttpResponse {
    let status = error.status();
    let mut response = answer(
        status,
        &json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or_default(),
            "status": status.as_u16(),
            "detail": error.message(),
            "instance": format!("urn:uuid:{request_id}"),
            "ErrorMessage": error.message(),
        }),
    );
    let headers = response.headers_mut();
    if let Some(seconds) = error.retry_after_seconds() {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    match error {
        Error::Unauthorized(_) => {
            // RFC 7617, section 2: the one challenge for whatever was wrong.
            let challenge = r#"Basic realm="dynamic-access", charset="UTF-8""#;
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        Error::WrongMethod { allow } => {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        _ => {}
    }
    response
}

fn answer(status: StatusCode, body: &serde_json::Value) -> HttpResponse {
    let mut response = Response::new(body.to_string().into_bytes());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Problems;
    use crate::engine::Fault;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

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
    fn a_reap_tells_what_went_and_why() {
        let id = ContainerId::parse(ID).expect("an id");
        let report = Report {
            removed: vec![
                (id.clone(), Reason::NeverStarted),
                (id.clone(), Reason::Ended { exit_code: Some(3) }),
            ],
            failed: vec![(id, Reason::Expired, Fault::Broken("planted".to_owned()))],
            found: 4,
        };
        let body: serde_json::Value =
            serde_json::from_slice(reaped(&report, true).body()).expect("json");
        let expected = json!({
            "dryRun": true,
            "found": 4,
            "removed": [
                {"uniqueId": ID, "reason": "never started"},
                {"uniqueId": ID, "reason": "ended with exit code 3", "exitCode": 3},
            ],
            "failed": [{"uniqueId": ID, "reason": "past its lifetime"}],
        });
        assert_eq!(body, expected);
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

    fn start_body(changes: &[(&str, serde_json::Value)]) -> Vec<u8> {
        let mut body = json!({
            "serviceUrl": "https://cloud.bastionzero.com/",
            "activationToken": "4b6f52b5-4f2b-4d55-8a0e-2f1c7a3a9d10",
            "environmentId": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
        });
        for (field, value) in changes {
            body[*field] = value.clone();
        }
        body.to_string().into_bytes()
    }

    #[test]
    fn a_start_is_read_whole() {
        let body = start_body(&[("later", json!({"version": [1]}))]);
        let order = parse_start(&body).expect("an order");
        assert_eq!(order.service_url, "https://cloud.bastionzero.com/");
        assert_eq!(
            order.activation_token.expose(),
            "4b6f52b5-4f2b-4d55-8a0e-2f1c7a3a9d10"
        );
        assert_eq!(order.environment_id, "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0");
    }

    #[test]
    fn a_field_that_a_shell_or_a_flag_parser_could_misread_is_refused() {
        for field in ["serviceUrl", "activationToken", "environmentId"] {
            for value in [
                json!(""),
                json!(" "),
                json!("-registrationKey"),
                json!("x -registrationKey y"),
                json!("$(reboot)"),
                json!("a\u{0}b"),
                json!("a\nb"),
                json!("é"),
                json!("x".repeat(5000)),
                json!(null),
                json!(7),
                json!(["x"]),
            ] {
                let body = start_body(&[(field, value.clone())]);
                let error = parse_start(&body).expect_err(field);
                assert!(matches!(error, Error::BadBody(_)), "{field} {value}");
            }
        }
        for url in ["ftp://host", "//host", "/path", "https://", "https:host"] {
            let body = start_body(&[("serviceUrl", json!(url))]);
            parse_start(&body).expect_err(url);
        }
    }

    #[test]
    fn what_is_wrong_with_a_body_is_said_without_quoting_it() {
        for body in [
            r#"{"serviceUrl":"planted","activationToken":"planted","environmentId":"planted"}"#,
            r#"{"serviceUrl":"https://host","activationToken":{"planted":1}}"#,
            r#"{"activationToken":"planted","activationToken":"planted"}"#,
            r#""planted""#,
            "planted",
        ] {
            let error = parse_start(body.as_bytes()).expect_err(body);
            assert!(!error.to_string().contains("planted"), "{error}");
        }
    }

    #[test]
    fn a_body_that_is_not_an_object_with_each_field_once_is_refused() {
        let deep = "[".repeat(60_000);
        let twice = format!(r#"{{"uniqueId":"{ID}","uniqueId":"{ID}"}}"#);
        let unfinished = format!(r#"{{"uniqueId":"{ID}""#);
        for body in [
            "",
            "null",
            "[]",
            "{}",
            "{",
            "\0",
            &deep,
            &twice,
            &unfinished,
        ] {
            let error = parse_stop(body.as_bytes()).expect_err("an error");
            assert!(matches!(error, Error::BadBody(_)), "{error}");
        }
        parse_stop(&[0xff, 0xfe]).expect_err("an error");
    }

    #[test]
    fn a_stop_takes_full_ids_alone() {
        let body = format!(r#"{{"uniqueId":"{ID}"}}"#);
        assert_eq!(parse_stop(body.as_bytes()).expect("an id").as_str(), ID);
        for id in ["", "0123", "../containers", "some-name", &ID.to_uppercase()] {
            let body = json!({"uniqueId": id}).to_string();
            assert_eq!(parse_stop(body.as_bytes()), Err(Error::BadUniqueId));
        }
    }

    #[test]
    fn success_is_exactly_what_the_contract_says() {
        let id = ContainerId::parse(ID).expect("an id");
        let expected = format!(r#"{{"uniqueId":"{ID}"}}"#);
        assert_eq!(started(&id).body(), expected.as_bytes());
        assert_eq!(started(&id).status(), StatusCode::OK);
        assert_eq!(done().body(), b"{}");
        assert_eq!(done().status(), StatusCode::OK);
        assert_eq!(done().headers()[CONTENT_TYPE], "application/json");
    }

    #[test]
    fn a_failure_carries_the_problem_members_and_error_message() {
        let error = Error::Misconfigured(Problems::one("docker_url", "is planted"));
        let response = failed(&error, "id");
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
        let body: serde_json::Value = serde_json::from_slice(response.body()).expect("json");
        assert_eq!(
            body,
            json!({
                "type": "about:blank",
                "title": "Internal Server Error",
                "status": 500,
                "detail": error.message(),
                "instance": "urn:uuid:id",
                "ErrorMessage": error.message(),
            })
        );
    }

    #[test]
    fn headers_tell_the_caller_what_to_do_next() {
        let unauthorized = failed(&Error::Unauthorized("x"), "id");
        let challenge = &unauthorized.headers()[WWW_AUTHENTICATE];
        assert_eq!(
            challenge,
            r#"Basic realm="dynamic-access", charset="UTF-8""#
        );
        let wrong = failed(&Error::WrongMethod { allow: "GET" }, "id");
        assert_eq!(wrong.headers()[ALLOW], "GET");
        let busy = failed(&Error::InProgress, "id");
        assert_eq!(busy.headers()[RETRY_AFTER], "30");
        assert!(!wrong.headers().contains_key(RETRY_AFTER));
    }
}
