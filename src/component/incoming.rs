//! Requests to us, and our answers.

use std::time::Duration;

use http::{HeaderValue, Method, StatusCode};
use wasip2::http::types::{
    Fields, IncomingRequest, Method as WasiMethod, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

use super::streams::{self, Deadline, Halt};
use crate::platform::{BodyError, HttpResponse, REQUEST_HEADERS};

/// How long the caller may take to send a body of 64 KiB at most, or to take
/// an answer that is smaller still.
const CALLER_WAIT: Duration = Duration::from_secs(10);

/// The request without its body; `None` if it is none that HTTP knows.
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
    let headers = head.headers_mut()?;
    let fields = request.headers();
    for name in REQUEST_HEADERS {
        for value in fields.get(name.as_str()) {
            headers.append(&name, HeaderValue::try_from(value).ok()?);
        }
    }
    Some(head.body(()).ok()?.into_parts().0)
}

/// Reads the body, of at most `limit` bytes.
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

/// The answer to what is no request of HTTP's.
pub fn bad_request() -> HttpResponse {
    let mut response = HttpResponse::default();
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

/// Sends the answer. A caller who has gone is nothing to act on: what was
/// done stays done, and a repeated request finds it.
pub fn respond(out: ResponseOutparam, response: HttpResponse) {
    let (head, content) = response.into_parts();
    let fields = Fields::new();
    for (name, value) in &head.headers {
        // Only names that WASI reserves for itself are refused.
        let _ = fields.append(name.as_str(), value.as_bytes());
    }
    let length = content.len().to_string();
    let _ = fields.append("content-length", length.as_bytes());
    let response = OutgoingResponse::new(fields);
    let _ = response.set_status_code(head.status.as_u16());
    let body = response.body();
    ResponseOutparam::set(out, Ok(response));
    let Ok(body) = body else { return };
    if let Ok(stream) = body.write() {
        let _ = streams::write(&stream, &content, &Deadline::after(CALLER_WAIT));
    }
    let _ = OutgoingBody::finish(body, None);
}
