//! The shell: Spin's variables, WASI's HTTP, clock and randomness.
//!
//! Knows nothing of Docker or of the webhooks. It never answers with an error
//! of WASI's own, whose text would reach the caller.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingRequest, Method as WasiMethod, OutgoingBody,
    OutgoingResponse, ResponseOutparam,
};
use wstd::future::FutureExt;
use wstd::http::Client;
use wstd::http::body::util::{BodyExt, LengthLimitError, Limited};
use wstd::io::{AsyncInputStream, AsyncOutputStream};

use crate::platform::{
    BodyError, HttpRequest, HttpResponse, Platform, REPLY_BYTES_MAX, TransportError,
};
use crate::server;

/// How long the caller may take to send a body of 64 KiB at most.
const BODY_WAIT: Duration = Duration::from_secs(10);

/// How long a connection to the Engine may take to come about: its host is
/// near, and one that drops packets is found out early.
const CONNECT_WAIT: Duration = Duration::from_secs(5);

struct Component;

wasip2::http::proxy::export!(Component);

impl Guest for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        wstd::runtime::block_on(async {
            let Some(head) = head(&request) else {
                return respond(out, bad_request()).await;
            };
            let read_body = async |limit| body(request, limit).await;
            let answer = server::serve(&Wasi, &variable, &head, read_body).await;
            respond(out, answer.response).await;
            eprintln!("{}", answer.line);
        });
    }
}

fn variable(name: &'static str) -> Result<String, String> {
    // Spin's own message may hold what a provider of variables said.
    spin_sdk::variables::get(name).map_err(|_| "cannot be read; is it in spin.toml?".to_owned())
}

/// The request without its body; `None` if it is none that HTTP knows.
fn head(request: &IncomingRequest) -> Option<http::request::Parts> {
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
    for (name, value) in request.headers().entries() {
        headers.append(
            HeaderName::try_from(name).ok()?,
            HeaderValue::try_from(value).ok()?,
        );
    }
    Some(head.body(()).ok()?.into_parts().0)
}

/// Reads a body of at most `limit` bytes.
async fn body(request: IncomingRequest, limit: usize) -> Result<Vec<u8>, BodyError> {
    let body = request.consume().map_err(|()| BodyError::CutOff)?;
    let read = read_to_end(&body, limit).timeout(wstd::time::Duration::from(BODY_WAIT));
    read.await.unwrap_or(Err(BodyError::TooSlow))
}

async fn read_to_end(body: &IncomingBody, limit: usize) -> Result<Vec<u8>, BodyError> {
    let stream = body.stream().map_err(|()| BodyError::CutOff)?;
    let stream = AsyncInputStream::new(stream);
    let mut read = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        match stream.read(&mut chunk).await {
            Ok(0) => return Ok(read),
            Ok(count) if read.len() + count > limit => return Err(BodyError::TooLarge),
            Ok(count) => read.extend_from_slice(&chunk[..count]),
            Err(_) => return Err(BodyError::CutOff),
        }
    }
}

fn bad_request() -> HttpResponse {
    let mut response = HttpResponse::default();
    *response.status_mut() = http::StatusCode::BAD_REQUEST;
    response
}

/// Sends the answer. A caller who has gone is nothing to act on: what was
/// done stays done, and a repeated request finds it.
async fn respond(out: ResponseOutparam, response: HttpResponse) {
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
        let stream = AsyncOutputStream::new(stream);
        let _ = stream.write_all(&content).await;
        let _ = stream.flush().await;
    }
    let _ = OutgoingBody::finish(body, None);
}

/// The platform that WASI 0.2 is.
struct Wasi;

impl Platform for Wasi {
    async fn send(
        &self,
        request: HttpRequest,
        limit: Duration,
    ) -> Result<HttpResponse, TransportError> {
        let mut client = Client::new();
        client.set_connect_timeout(CONNECT_WAIT.min(limit));
        client.set_first_byte_timeout(limit);
        client.set_between_bytes_timeout(limit);
        let exchange = async {
            let response = client.send(request).await.map_err(lost)?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body.into_boxed_body(), REPLY_BYTES_MAX);
            let body = body.collect().await.map_err(cut_off)?.to_bytes();
            Ok(HttpResponse::from_parts(head, body.to_vec()))
        };
        let exchange = exchange.timeout(wstd::time::Duration::from(limit));
        exchange.await.unwrap_or(Err(TransportError::TimedOut))
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(wasip2::clocks::monotonic_clock::now())
    }

    async fn sleep(&self, duration: Duration) {
        wstd::task::sleep(wstd::time::Duration::from(duration)).await;
    }

    fn random(&self) -> u128 {
        let (high, low) = (
            wasip2::random::random::get_random_u64(),
            wasip2::random::random::get_random_u64(),
        );
        u128::from(high) << 64 | u128::from(low)
    }
}

/// What an exchange that brought no reply says of its effect.
fn lost(error: wstd::http::Error) -> TransportError {
    match error.downcast_ref::<ErrorCode>() {
        Some(
            code @ (ErrorCode::DnsTimeout
            | ErrorCode::DnsError(_)
            | ErrorCode::DestinationNotFound
            | ErrorCode::DestinationUnavailable
            | ErrorCode::DestinationIpProhibited
            | ErrorCode::DestinationIpUnroutable
            | ErrorCode::ConnectionRefused
            | ErrorCode::ConnectionLimitReached
            | ErrorCode::TlsProtocolError
            | ErrorCode::TlsCertificateError
            | ErrorCode::TlsAlertReceived(_)
            | ErrorCode::HttpRequestDenied),
        ) => TransportError::Unreachable(named(code)),
        Some(ErrorCode::ConnectionTimeout) => {
            TransportError::Unreachable("the connection took too long".to_owned())
        }
        Some(ErrorCode::ConnectionReadTimeout | ErrorCode::HttpResponseTimeout) => {
            TransportError::TimedOut
        }
        Some(code) => TransportError::Broken(named(code)),
        None => TransportError::Broken("the request could not be sent whole".to_owned()),
    }
}

/// A reply that began and did not end.
fn cut_off(error: Box<dyn std::error::Error + Send + Sync>) -> TransportError {
    if error.is::<LengthLimitError>() {
        TransportError::Broken("the reply is too long".to_owned())
    } else {
        TransportError::Broken("the reply was cut off".to_owned())
    }
}

/// The name that WASI gives an error, without what it carries.
fn named(code: &ErrorCode) -> String {
    let name = format!("{code:?}");
    let end = name.find(['(', ' ']).unwrap_or(name.len());
    let name = &name[..end];
    name.strip_prefix("ErrorCode::").unwrap_or(name).to_owned()
}
