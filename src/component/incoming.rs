//! Incoming requests, and the answers to them.

use std::time::Duration;

use http::{Method, StatusCode};
use wasip2::http::types::{
    Fields, IncomingRequest, Method as WasiMethod, OutgoingResponse, ResponseOutparam,
};

use super::headers;
use super::streams::{self, Deadline, Halt};
use crate::platform::{BodyError, HttpResponse, REQUEST_HEADERS};

/// How long the caller may take to send a body of at most 640 KiB, or to receive an
/// answer.
const CALLER_WAIT: Duration = Duration::from_secs(10);

/// The request without its body; `None` if it is not valid HTTP.
pub fn head(request: &IncomingRequest) -> Option<http::request::Parts> {
    let method = match request.method() {
        WasiMethod::Get => Method::GET,
        WasiMethod::Head => Method::HEAD,
        WasiMethod::Post => Method::POST,
        WasiMethod::Put => Method::PUT,
        WasiMethod::Delete => Method::DELETE,
        WasiMethod::Connect => Method::CONNECT,
        WasiMethod::Options => Method::OPTIONS,
        WasiMethod::Trace => Method::TRACE,
        WasiMethod::Patch => Method::PATCH,
        WasiMethod::Other(other) => Method::from_bytes(other.as_bytes()).ok()?,
    };
    let uri = request.path_with_query().unwrap_or_else(|| "/".to_owned());
    let mut head = http::Request::builder().method(method).uri(uri);
    *head.headers_mut()? = headers::from_wasi(&request.headers(), &REQUEST_HEADERS)?;
    Some(head.body(()).ok()?.into_parts().0)
}

/// Reads the body, which may have at most `limit` bytes.
pub fn body(request: &IncomingRequest, limit: usize) -> Result<Vec<u8>, BodyError> {
    let body = request.consume().map_err(|()| BodyError::CutOff)?;
    let stream = body.stream().map_err(|()| BodyError::CutOff)?;
    let read = streams::read(&stream, limit, &Deadline::after(CALLER_WAIT));
    read.map_err(|halt| match halt {
        Halt::TimedOut => BodyError::TooSlow,
        Halt::Closed => BodyError::CutOff,
        Halt::TooMany => BodyError::TooLarge,
    })
}

pub fn bad_request() -> HttpResponse {
    let mut response = HttpResponse::default();
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

/// Sends the answer. Ignores a caller that has gone: a repeated request finds the result
/// of this one.
pub fn respond(out: ResponseOutparam, response: HttpResponse) {
    let (head, content) = response.into_parts();
    // WASI refuses only a few reserved names, which no answer has.
    let fields = headers::to_wasi(&head.headers).unwrap_or_else(Fields::new);
    let response = OutgoingResponse::new(fields);
    let _ = response.set_status_code(head.status.as_u16());
    // HEAD opens no body: the host would notice that the announced bytes are missing.
    let body = (!content.is_empty()).then(|| response.body());
    let hand_over = || ResponseOutparam::set(out, Ok(response));
    match body {
        Some(Ok(body)) => {
            let deadline = Deadline::after(CALLER_WAIT);
            let _ = streams::send(body, &content, &deadline, hand_over);
        }
        Some(Err(())) | None => hand_over(),
    }
}
