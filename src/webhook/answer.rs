//! The answers to webhooks.

use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;

use crate::docker::ContainerId;
use crate::error::Error;
use crate::platform::HttpResponse;
use crate::reaper::{Reason, Report};

/// The answer to a successful start.
pub fn started(id: &ContainerId) -> HttpResponse {
    answer(StatusCode::OK, &json!({"uniqueId": id.as_str()}))
}

/// The answer to a successful stop or health check.
pub fn done() -> HttpResponse {
    answer(StatusCode::OK, &json!({}))
}

/// The answer to a reap: what was removed, or would be removed, and why.
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
    // The Engine's message about a failure is only for the log.
    let failed = report.failed.iter();
    let failed = failed.map(|(id, reason, _)| entry(id, reason));
    let body = json!({
        "dryRun": dry_run,
        "found": report.found,
        "left": report.left,
        "removed": removed.collect::<Vec<_>>(),
        "failed": failed.collect::<Vec<_>>(),
    });
    answer(StatusCode::OK, &body)
}

/// The answer to a failed request: the members of RFC 9457, and `ErrorMessage`,
/// which BastionZero shows to the person who is connecting.
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
            // RFC 7617, section 2. The same challenge, whatever is wrong.
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
    use crate::fault::Fault;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn a_reap_reports_what_was_removed_and_why() {
        let id = ContainerId::parse(ID).expect("an id");
        let report = Report {
            removed: vec![
                (id.clone(), Reason::NeverStarted),
                (id.clone(), Reason::Ended { exit_code: Some(3) }),
            ],
            failed: vec![(id, Reason::Expired, Fault::Broken("planted".to_owned()))],
            found: 4,
            left: 1,
        };
        let body: serde_json::Value =
            serde_json::from_slice(reaped(&report, true).body()).expect("json");
        let expected = json!({
            "dryRun": true,
            "found": 4,
            "left": 1,
            "removed": [
                {"uniqueId": ID, "reason": "never started"},
                {"uniqueId": ID, "reason": "ended with exit code 3", "exitCode": 3},
            ],
            "failed": [{"uniqueId": ID, "reason": "past its lifetime"}],
        });
        assert_eq!(body, expected);
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
