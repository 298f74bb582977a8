//! Serves requests as Spin's HTTP trigger does, until it is told to stop.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use http::uri::Scheme;
use http::{HeaderMap, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use wasmtime_wasi_http::WasiBody;

use crate::guest::{Alive, Guest, empty};

/// A webhook and a reap after its answer take 30 s at most; the rest is slack for the answer. A longer pull is cut off.
const LONGEST_STOP: Duration = Duration::from_secs(35);

/// When accepting fails, for lack of file descriptors for example, the next attempt would fail at once too; this pause
/// is long enough not to burn a core and short enough not to be noticed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Spin itself answers requests below this path.
const WELL_KNOWN: &str = "/.well-known/spin/";

/// A running server. Dropping it stops it as [`Serving::stop`] does, without waiting.
pub struct Serving {
    address: SocketAddr,
    /// Dropping it stops the task.
    stop: oneshot::Sender<Infallible>,
    task: JoinHandle<()>,
}

impl Serving {
    /// The address that it listens on, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting, and waits for requests in flight and for the guests' work after their answers, for 35 seconds at
    /// most.
    pub async fn stop(self) {
        drop(self.stop);
        // The runtime has already printed a panic in the task, and there is nothing left to stop.
        let _ = self.task.await;
    }
}

/// Listens on `listen` and serves every path with `guest` until it is told to stop.
pub async fn serve(guest: Arc<Guest>, listen: SocketAddr) -> Result<Serving> {
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!("cannot listen on {listen} (use --listen to choose another address)")
    })?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(accept_until(stopped, guest, listener));
    Ok(Serving {
        address,
        stop,
        task,
    })
}

async fn accept_until(
    mut stopped: oneshot::Receiver<Infallible>,
    guest: Arc<Guest>,
    listener: TcpListener,
) {
    let connections = GracefulShutdown::new();
    let (alive, mut all_ended) = mpsc::channel(1);
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => connect(&guest, stream, &connections, alive.clone()),
                Err(error) => {
                    guest.sink.host(&format!("cannot accept a connection: {error}"));
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    drop(alive);
    let ending = async {
        connections.shutdown().await;
        // Nothing is ever sent: the channel closes when the last guest has ended.
        all_ended.recv().await;
    };
    if tokio::time::timeout(LONGEST_STOP, ending).await.is_err() {
        guest.sink.host(&format!(
            "stopped with requests still running after {} s",
            LONGEST_STOP.as_secs()
        ));
    }
}

fn connect(guest: &Arc<Guest>, stream: TcpStream, connections: &GracefulShutdown, alive: Alive) {
    // As in Spin, Nagle's algorithm stays on. It holds back the second of two writes, such as an answer's body after its
    // head, so a component that writes its answers in two pieces is as slow here as there.
    let guest = guest.clone();
    let service = service_fn(move |request| {
        let (guest, alive) = (guest.clone(), alive.clone());
        async move { Ok::<_, Infallible>(answer(guest, request, alive).await) }
    });
    let connection = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .into_owned();
    let connection = connections.watch(connection);
    // An error here comes from the client: it has left, or does not speak HTTP.
    tokio::spawn(async move { connection.await.ok() });
}

async fn answer(
    guest: Arc<Guest>,
    mut request: Request<Incoming>,
    alive: Alive,
) -> Response<WasiBody> {
    let path = request.uri().path();
    if let Some(name) = path.strip_prefix(WELL_KNOWN) {
        return match name {
            "health" => {
                let body = Full::from("OK").map_err(|never| match never {});
                Response::new(body.boxed_unsync())
            }
            _ => empty(StatusCode::NOT_FOUND),
        };
    }
    // Spin passes headers to the component as text, and fails before the component runs.
    if let Some(name) = not_text(request.headers()) {
        guest
            .sink
            .host(&format!("a request's header {name} is not UTF-8"));
        return empty(StatusCode::INTERNAL_SERVER_ERROR);
    }
    let Some(uri) = absolute(&request) else {
        guest.sink.host("a request has no host, or two that differ");
        return empty(StatusCode::BAD_REQUEST);
    };
    *request.uri_mut() = uri;
    guest.handle(request, alive).await
}

fn not_text(headers: &HeaderMap) -> Option<&str> {
    headers
        .iter()
        .find(|(_, value)| std::str::from_utf8(value.as_bytes()).is_err())
        .map(|(name, _)| name.as_str())
}

// The component sees a scheme and an authority; HTTP/1 sends the authority only in the Host header.
fn absolute(request: &Request<Incoming>) -> Option<Uri> {
    let mut parts = request.uri().clone().into_parts();
    let host = match request.headers().get(header::HOST) {
        Some(host) => Some(host.as_bytes().try_into().ok()?),
        None => None,
    };
    parts.authority = match (parts.authority, host) {
        (Some(authority), Some(host)) if authority != host => return None,
        (authority, host) => Some(authority.or(host)?),
    };
    parts.scheme = Some(Scheme::HTTP);
    Uri::from_parts(parts).ok()
}
