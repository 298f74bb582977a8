//! Sends the guest's requests: checks that they are allowed, pools connections, applies timeouts, and turns failures
//! into the errors that the guest sees.

use std::error::Error as StdError;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, Sleep, sleep, timeout};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::allowed_hosts::{AllowedHosts, origin};
use crate::connector::{CONNECT_TIMEOUT, Connector, DEFAULT_TIMEOUT};
use crate::recording::Recording;
use crate::sink::Sink;

type Background = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sending = Box<dyn Future<Output = Result<(Response<WasiBody>, Background), Error>> + Send>;

/// Sends the requests of one component; clones, one for each instance, share its connections.
#[derive(Clone)]
pub struct Outbound {
    pub client: Client<Connector, WasiBody>,
    pub allowed: Arc<AllowedHosts>,
    pub component: String,
    pub recording: Option<Recording>,
    pub sink: Sink,
}

/// A client; `pools` says whether it keeps a connection for the next request.
pub fn client(connector: Connector, pools: bool) -> Client<Connector, WasiBody> {
    let mut builder = Client::builder(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new());
    if !pools {
        builder.pool_max_idle_per_host(0);
    }
    builder.build(connector)
}

impl Outbound {
    async fn send(
        &self,
        request: Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<Response<WasiBody>, Error> {
        let target = origin(request.uri());
        if !self.allowed.allow(request.uri()) {
            self.sink.host(&format!(
                "the component {} may not reach {target}: allowed_outbound_hosts does not list it",
                self.component
            ));
            return Err(Error::HttpRequestDenied);
        }
        let request = match &self.recording {
            Some(recording) => recording.record(request, &self.sink),
            None => request,
        };
        let connect_limit = options.connect_timeout.unwrap_or(DEFAULT_TIMEOUT);
        let sending = CONNECT_TIMEOUT.scope(connect_limit, self.client.request(request));
        let first_byte_limit = options.first_byte_timeout.unwrap_or(DEFAULT_TIMEOUT);
        let response = timeout(first_byte_limit, sending)
            .await
            .map_err(|_| Error::ConnectionReadTimeout)?
            .map_err(|error| self.failure(&target, &error))?;
        let limit = options.between_bytes_timeout.unwrap_or(DEFAULT_TIMEOUT);
        let timer = Box::pin(sleep(limit));
        Ok(response.map(|body| TimedBody { body, limit, timer }.boxed_unsync()))
    }

    fn failure(&self, target: &str, error: &ClientError) -> Error {
        let cause = error.source().filter(|_| error.is_connect());
        if let Some(failure) = cause.and_then(|cause| cause.downcast_ref::<io::Error>()) {
            return not_connected(failure.kind());
        }
        let details = anyhow::Chain::new(error).map(ToString::to_string);
        let details = details.collect::<Vec<_>>().join(": ");
        self.sink.host(&format!("{target}: {details}"));
        Error::HttpProtocolError
    }
}

impl WasiHttpHooks for Outbound {
    // The client derives the header from the URL, and omits it on HTTP/2.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Background,
    ) -> Sending {
        let outbound = self.clone();
        Box::new(async move {
            let response = outbound.send(request, options.unwrap_or_default()).await?;
            // The client drives its connections itself, so there is no background work.
            let nothing: Background = Box::new(async { Ok(()) });
            Ok((response, nothing))
        })
    }
}

/// The guest's error for one of a [`Connector`].
fn not_connected(kind: ErrorKind) -> Error {
    let dns = |rcode: &str| Error::DnsError {
        rcode: Some(rcode.to_owned()),
        info_code: Some(0),
    };
    match kind {
        ErrorKind::TimedOut => Error::ConnectionTimeout,
        ErrorKind::AddrNotAvailable => dns("address not available"),
        ErrorKind::InvalidInput => dns("invalid dns name"),
        ErrorKind::InvalidData => Error::TlsProtocolError,
        _ => Error::ConnectionRefused,
    }
}

// The body of a response; it fails if the next part takes longer than the between-bytes timeout.
struct TimedBody {
    body: Incoming,
    limit: Duration,
    timer: Pin<Box<Sleep>>,
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(frame) => {
                let next = Instant::now() + self.limit;
                self.timer.as_mut().reset(next);
                Poll::Ready(frame.map(|frame| frame.map_err(|_| Error::HttpProtocolError)))
            }
            Poll::Pending => {
                let timer = self.timer.as_mut().poll(cx);
                timer.map(|()| Some(Err(Error::ConnectionReadTimeout)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
