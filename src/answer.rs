//! What answers of all routes have in common, and the answer to a failed request.

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;

use crate::error::Error;
use crate::platform::HttpResponse;

/// An answer with a JSON body.
pub fn json_answer(status: StatusCode, body: &serde_json::Value) -> HttpResponse {
    answer(status, "application/json", body.to_string().into_bytes())
}

/// An answer with a body of that type.
pub fn answer(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> HttpResponse {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// An answer that neither a browser nor a proxy keeps, since it is only true now.
pub fn not_stored(mut response: HttpResponse) -> HttpResponse {
    let value = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, value);
    response
}

/// The answer to a failed request: the members of RFC 9457, and `ErrorMessage`,
/// which BastionZero shows to the person who is connecting.
pub fn failed(error: &Error, request_id: &str) -> HttpResponse {
    let status = error.status();
    let mut response = json_answer(
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Problems;

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
