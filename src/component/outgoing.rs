//! Outgoing requests to the Engine, and its replies.

use std::time::Duration;

use http::StatusCode;
use http::uri::Scheme as HttpScheme;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, IncomingResponse, Method, OutgoingRequest, RequestOptions, Scheme,
};

use super::headers;
use super::streams::{self, Deadline, Halt};
use crate::platform::{
    Barrier, END_BYTES, HttpRequest, HttpResponse, Keep, REPLY_BYTES_MAX, REPLY_HEADERS,
    TransportError,
};

/// How long it may take to connect to the Engine. Its host is near, so a longer wait
/// means that packets are dropped.
const CONNECT_WAIT: Duration = Duration::from_secs(5);

/// Sends a request, reads the reply, and returns the part of it that `keep` selects. The
/// whole exchange must end within `limit`.
pub fn exchange(
    request: HttpRequest,
    limit: Duration,
    keep: Keep,
) -> Result<HttpResponse, TransportError> {
    let deadline = Deadline::after(limit);
    let (outgoing, content) =
        outgoing(request).ok_or_else(|| broken("the request is not valid HTTP"))?;
    let no_body = |()| broken("the request has no body to write");
    let body = outgoing.body().map_err(no_body)?;
    let hand_over = || outgoing_handler::handle(outgoing, Some(options(limit)));
    let (reply, written) = streams::send(body, &content, &deadline, hand_over);
    let reply = reply.map_err(lost)?;
    // A peer that closes the stream may still have sent a reply, which says why.
    if let Err(Halt::TimedOut) = written {
        return Err(TransportError::TimedOut);
    }
    deadline
        .wait(&reply.subscribe())
        .map_err(|_| TransportError::TimedOut)?;
    match reply.get() {
        Some(Ok(Ok(response))) => read(&response, &deadline, keep),
        Some(Ok(Err(code))) => Err(lost(code)),
        Some(Err(())) | None => Err(broken("there is no reply")),
    }
}

/// Converts a request to WASI's type, and separates its body.
fn outgoing(request: HttpRequest) -> Option<(OutgoingRequest, Vec<u8>)> {
    let (head, content) = request.into_parts();
    let fields = headers::to_wasi(&head.headers)?;
    let scheme = if head.uri.scheme() == Some(&HttpScheme::HTTPS) {
        Scheme::Https
    } else {
        Scheme::Http
    };
    let method = match head.method {
        http::Method::GET => Method::Get,
        http::Method::POST => Method::Post,
        http::Method::PUT => Method::Put,
        http::Method::DELETE => Method::Delete,
        other => Method::Other(other.to_string()),
    };
    let outgoing = OutgoingRequest::new(fields);
    outgoing.set_method(&method).ok()?;
    outgoing.set_scheme(Some(&scheme)).ok()?;
    outgoing
        .set_authority(head.uri.authority().map(|authority| authority.as_str()))
        .ok()?;
    outgoing
        .set_path_with_query(head.uri.path_and_query().map(|path| path.as_str()))
        .ok()?;
    Some((outgoing, content))
}

/// Passes the limit to the host, which then closes the connection.
fn options(limit: Duration) -> RequestOptions {
    let nanoseconds = |duration: Duration| Some(duration.as_nanos().try_into().unwrap_or(u64::MAX));
    let options = RequestOptions::new();
    // The exchange has a deadline of its own in case the host ignores an option.
    let _ = options.set_connect_timeout(nanoseconds(CONNECT_WAIT.min(limit)));
    let _ = options.set_first_byte_timeout(nanoseconds(limit));
    let _ = options.set_between_bytes_timeout(nanoseconds(limit));
    options
}

fn read(
    response: &IncomingResponse,
    deadline: &Deadline,
    keep: Keep,
) -> Result<HttpResponse, TransportError> {
    let invalid = || broken("the reply is not valid HTTP");
    let mut reply = HttpResponse::default();
    *reply.headers_mut() =
        headers::from_wasi(&response.headers(), &REPLY_HEADERS).ok_or_else(invalid)?;
    *reply.status_mut() = StatusCode::from_u16(response.status()).map_err(|_| invalid())?;
    let body = response
        .consume()
        .map_err(|()| broken("the reply has no body to read"))?;
    let stream = body
        .stream()
        .map_err(|()| broken("the reply has no body to read"))?;
    let content = match keep {
        Keep::Whole => streams::read(&stream, REPLY_BYTES_MAX, deadline),
        Keep::End => {
            let (end, quiet, halt) = streams::read_end(&stream, END_BYTES, deadline);
            match halt {
                None => Ok(end),
                Some(Halt::TimedOut) => return Err(TransportError::CutShort { end, quiet }),
                Some(halt) => Err(halt),
            }
        }
    };
    let content = content.map_err(|halt| match halt {
        Halt::TimedOut => TransportError::TimedOut,
        Halt::Closed => broken("the reply was cut off"),
        Halt::TooMany => TransportError::TooLong,
    })?;
    *reply.body_mut() = content;
    Ok(reply)
}

fn broken(detail: &str) -> TransportError {
    TransportError::Broken(detail.to_owned())
}

/// Whether a request without a reply may have had an effect.
fn lost(code: ErrorCode) -> TransportError {
    match code {
        ErrorCode::DnsTimeout
        | ErrorCode::DnsError(_)
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionLimitReached => TransportError::Unreachable(named(&code)),
        ErrorCode::HttpRequestDenied => TransportError::Forbidden(Barrier::AllowedHosts),
        ErrorCode::DestinationIpProhibited => TransportError::Forbidden(Barrier::BlockedNetworks),
        ErrorCode::TlsProtocolError
        | ErrorCode::TlsCertificateError
        | ErrorCode::TlsAlertReceived(_) => TransportError::Untrusted(named(&code)),
        ErrorCode::ConnectionReadTimeout | ErrorCode::HttpResponseTimeout => {
            TransportError::TimedOut
        }
        _ => TransportError::Broken(named(&code)),
    }
}

/// WASI's name of an error, without its payload.
fn named(code: &ErrorCode) -> String {
    let name = format!("{code:?}");
    let end = name.find(['(', ' ']).unwrap_or(name.len());
    name[..end].trim_start_matches("ErrorCode::").to_owned()
}
