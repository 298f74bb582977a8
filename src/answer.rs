//! The common parts of all answers, and the answer to a failed request.

use http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::json;

use crate::error::{CallerError, Error, RequestError};
use crate::platform::HttpResponse;

pub fn json_answer(status: StatusCode, body: &serde_json::Value) -> HttpResponse {
    answer(status, "application/json", body.to_string().into_bytes())
}

pub fn answer(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> HttpResponse {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// An answer that no browser or proxy may cache, because it is only true now.
pub fn not_stored(mut response: HttpResponse) -> HttpResponse {
    let value = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, value);
    response
}

/// An answer as it is sent: with the length of its body, and without the body if the
/// method is `HEAD`.
pub fn sent(mut response: HttpResponse, method: &Method) -> HttpResponse {
    // RFC 9110, section 8.6: this status has no body, so no length.
    if response.status() != StatusCode::NO_CONTENT {
        let length = HeaderValue::from(response.body().len());
        response.headers_mut().insert(CONTENT_LENGTH, length);
    }
    if method == Method::HEAD {
        response.body_mut().clear();
    }
    response
}

/// The answer to a failed request: the members of RFC 9457, and `ErrorMessage`,
/// which BastionZero shows to the person who is connecting.
pub fn failed(error: &Error, request_id: &str, content_type: &'static str) -> HttpResponse {
    let status = error.status();
    let body = json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "detail": error.message(),
        "instance": format!("urn:uuid:{request_id}"),
        "ErrorMessage": error.message(),
    });
    let mut response = answer(status, content_type, body.to_string().into_bytes());
    let headers = response.headers_mut();
    match error {
        Error::Caller(CallerError::Unauthorized(_)) => {
            // RFC 7617, section 2. The challenge is the same whatever is wrong.
            let challenge = r#"Basic realm="dynamic-access", charset="UTF-8""#;
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        Error::Request(RequestError::WrongMethod(allow)) => {
            let allow = HeaderValue::try_from(allow).expect("methods are words");
            headers.insert(ALLOW, allow);
        }
        Error::Request(RequestError::EncodedBody) => {
            // RFC 9110, section 12.5.3.
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        _ => {}
    }
    with_retry_after(response, error)
}

pub fn with_retry_after(mut response: HttpResponse, error: &Error) -> HttpResponse {
    if let Some(seconds) = error.retry_after_seconds() {
        let seconds = HeaderValue::from(seconds);
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::TargetError;

    #[test]
    fn a_failure_carries_the_problem_members_and_error_message() {
        let error = Error::Misconfigured("docker_url is planted".to_owned());
        let response = failed(&error, "id", "application/problem+json");
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        let body: serde_json::Value = serde_json::from_slice(response.body()).expect("json");
        let expected = json!({
            "type": "about:blank",
            "title": "Internal Server Error",
            "status": 500,
            "detail": error.message(),
            "instance": "urn:uuid:id",
            "ErrorMessage": error.message(),
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn headers_tell_the_caller_what_to_do_next() {
        let unauthorized = Error::from(CallerError::Unauthorized("x"));
        let challenge = r#"Basic realm="dynamic-access", charset="UTF-8""#;
        let encoded = Error::from(RequestError::EncodedBody);
        let wrong_method = Error::from(RequestError::WrongMethod("GET".to_owned()));
        let in_progress = Error::from(TargetError::InProgress);
        for (error, name, value) in [
            (unauthorized, WWW_AUTHENTICATE, challenge),
            (encoded, ACCEPT_ENCODING, "identity"),
            (wrong_method, ALLOW, "GET"),
            (in_progress, RETRY_AFTER, "30"),
        ] {
            let response = failed(&error, "id", "application/json");
            assert_eq!(response.headers()[&name], value);
            let has_time = response.headers().contains_key(RETRY_AFTER);
            assert_eq!(has_time, name == RETRY_AFTER, "{error:?}");
        }
    }
}
