//! Makes outgoing connections: TCP, TLS over TCP, or a unix socket instead.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower_service::Service;

use crate::allowed_hosts::{default_port, origin};
use crate::sink::Sink;
use crate::tls::TlsConfigs;
use crate::unix_socket::{UnixSocket, socket_for};

/// Each timeout when the guest sets none, as in Spin.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

tokio::task_local! {
    /// The connect timeout of the request that is being sent. The pooling client passes a connector only the URL, but
    /// polls it for the first time within the request's task.
    pub static CONNECT_TIMEOUT: Duration;
}

/// Makes connections for the pooling client; clones share one configuration.
#[derive(Clone)]
pub struct Connector(Arc<Configuration>);

struct Configuration {
    tls: TlsConfigs,
    unix_sockets: Vec<UnixSocket>,
    sink: Sink,
}

/// Why a connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectFailure {
    /// The connect timeout passed.
    Timeout,
    /// The other side could not be reached.
    Refused,
    /// The host has no address.
    NoAddress,
    /// The host is not a valid name for a certificate.
    InvalidName,
    /// The TLS handshake failed.
    Tls,
}

impl fmt::Display for ConnectFailure {
    // Nobody sees it: the guest gets WASI's error, and the log what was noted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for ConnectFailure {}

impl Connector {
    /// A connector for one component.
    pub fn new(tls: TlsConfigs, unix_sockets: Vec<UnixSocket>, sink: Sink) -> Self {
        Self(Arc::new(Configuration {
            tls,
            unix_sockets,
            sink,
        }))
    }
}

impl Configuration {
    async fn connect(&self, uri: &Uri, limit: Duration) -> Result<Box<dyn Io>, ConnectFailure> {
        if let Some(path) = socket_for(&self.unix_sockets, uri) {
            let place = path.display().to_string();
            let stream = self
                .within(limit, &place, UnixStream::connect(path))
                .await?;
            return Ok(Box::new(stream));
        }
        // As in Spin, Nagle's algorithm stays on.
        let stream = self.tcp(uri, limit).await?;
        Ok(match uri.scheme_str() {
            Some("https") => Box::new(self.tls(uri, stream).await?),
            _ => Box::new(stream),
        })
    }

    async fn tcp(&self, uri: &Uri, limit: Duration) -> Result<TcpStream, ConnectFailure> {
        let host = uri.host().ok_or(ConnectFailure::NoAddress)?;
        let port = uri
            .port_u16()
            .or_else(|| default_port(uri.scheme_str()?))
            .ok_or(ConnectFailure::NoAddress)?;
        let addresses: Vec<_> = tokio::net::lookup_host(format!("{host}:{port}"))
            .await
            .map_err(|_| ConnectFailure::NoAddress)?
            .collect();
        self.within(limit, &origin(uri), TcpStream::connect(&*addresses))
            .await
    }

    async fn tls(
        &self,
        uri: &Uri,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, ConnectFailure> {
        // As in Spin, an IPv6 address keeps its brackets here and so is no valid name.
        let host = uri.host().unwrap_or_default();
        let name =
            ServerName::try_from(host.to_owned()).map_err(|_| ConnectFailure::InvalidName)?;
        let connector = TlsConnector::from(self.tls.for_host(host));
        let connected = connector.connect(name, stream).await;
        connected.map_err(|error| {
            self.note(&origin(uri), &format!("TLS: {error}"));
            ConnectFailure::Tls
        })
    }

    async fn within<T>(
        &self,
        limit: Duration,
        place: &str,
        connecting: impl Future<Output = io::Result<T>>,
    ) -> Result<T, ConnectFailure> {
        let connected = timeout(limit, connecting)
            .await
            .map_err(|_| ConnectFailure::Timeout)?;
        connected.map_err(|error| {
            self.note(place, &error.to_string());
            match error.kind() {
                io::ErrorKind::AddrNotAvailable => ConnectFailure::NoAddress,
                _ => ConnectFailure::Refused,
            }
        })
    }

    fn note(&self, place: &str, detail: &str) {
        self.sink.host(&format!("{place}: {detail}"));
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Box<dyn Io>>;
    type Error = ConnectFailure;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectFailure>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectFailure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let configuration = self.0.clone();
        let limit = CONNECT_TIMEOUT
            .try_with(|limit| *limit)
            .unwrap_or(DEFAULT_TIMEOUT);
        Box::pin(async move { configuration.connect(&uri, limit).await.map(TokioIo::new) })
    }
}

/// A connection of any kind.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {
    /// Whether both sides have agreed on HTTP/2.
    fn is_http2(&self) -> bool {
        false
    }
}

impl Io for TcpStream {}

impl Io for UnixStream {}

impl Io for TlsStream<TcpStream> {
    fn is_http2(&self) -> bool {
        self.get_ref().1.alpn_protocol() == Some(b"h2")
    }
}

impl Connection for Box<dyn Io> {
    fn connected(&self) -> Connected {
        match self.is_http2() {
            true => Connected::new().negotiated_h2(),
            false => Connected::new(),
        }
    }
}
