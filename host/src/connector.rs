//! Makes outgoing connections: TCP, TLS over TCP, or a unix socket instead.

use std::collections::BTreeMap;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
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

use crate::allowed_hosts::{origin, port};
use crate::sink::Sink;
use crate::tls::TlsConfigs;

/// Each timeout when the guest sets none, as in Spin.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

tokio::task_local! {
    /// The connect timeout of the request that is being sent. The pooling client passes a connector only the URL, but
    /// polls it for the first time within the request's task.
    pub static CONNECT_TIMEOUT: Duration;
}

/// Authorities, `host:port`, whose plain HTTP goes to a unix socket.
pub type UnixSockets = BTreeMap<String, PathBuf>;

/// Makes connections for the pooling client; clones share one configuration.
///
/// An error's kind says why: `TimedOut`, `ConnectionRefused`, `AddrNotAvailable` if the host has no address,
/// `InvalidInput` if it is not a valid name for a certificate, `InvalidData` if the TLS handshake failed.
#[derive(Clone)]
pub struct Connector {
    pub tls: Arc<TlsConfigs>,
    pub unix_sockets: Arc<UnixSockets>,
    pub sink: Sink,
}

impl Connector {
    async fn connect(&self, uri: &Uri, limit: Duration) -> io::Result<Box<dyn Io>> {
        if let Some(path) = socket_for(&self.unix_sockets, uri) {
            let place = path.display().to_string();
            let stream = self.within(limit, &place, UnixStream::connect(path));
            return Ok(Box::new(stream.await?));
        }
        // As in Spin, Nagle's algorithm stays on.
        let stream = self.tcp(uri, limit).await?;
        Ok(match uri.scheme_str() {
            Some("https") => Box::new(self.tls(uri, stream).await?),
            _ => Box::new(stream),
        })
    }

    async fn tcp(&self, uri: &Uri, limit: Duration) -> io::Result<TcpStream> {
        let (host, port) = uri
            .host()
            .zip(port(uri))
            .ok_or(ErrorKind::AddrNotAvailable)?;
        let found = tokio::net::lookup_host(format!("{host}:{port}")).await;
        let addresses: Vec<_> = found.map_err(|_| ErrorKind::AddrNotAvailable)?.collect();
        self.within(limit, &origin(uri), TcpStream::connect(&*addresses))
            .await
    }

    async fn tls(&self, uri: &Uri, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        // As in Spin, an IPv6 address keeps its brackets here and so is not a valid name.
        let host = uri.host().unwrap_or_default();
        let name = ServerName::try_from(host.to_owned()).map_err(|_| ErrorKind::InvalidInput)?;
        let connector = TlsConnector::from(self.tls.for_host(host));
        connector.connect(name, stream).await.map_err(|error| {
            self.note(&origin(uri), &format!("TLS: {error}"));
            ErrorKind::InvalidData.into()
        })
    }

    async fn within<T>(
        &self,
        limit: Duration,
        place: &str,
        connecting: impl Future<Output = io::Result<T>>,
    ) -> io::Result<T> {
        let connected = timeout(limit, connecting).await;
        connected
            .map_err(|_| ErrorKind::TimedOut)?
            .map_err(|error| {
                self.note(place, &error.to_string());
                match error.kind() {
                    ErrorKind::AddrNotAvailable => error,
                    _ => ErrorKind::ConnectionRefused.into(),
                }
            })
    }

    fn note(&self, place: &str, detail: &str) {
        self.sink.host(&format!("{place}: {detail}"));
    }
}

fn socket_for<'a>(sockets: &'a UnixSockets, uri: &Uri) -> Option<&'a Path> {
    let authority = format!("{}:{}", uri.host()?, port(uri)?);
    let socket = sockets.get(&authority)?;
    (uri.scheme_str() == Some("http")).then_some(socket)
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Box<dyn Io>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        let limit = CONNECT_TIMEOUT.try_with(|limit| *limit);
        let limit = limit.unwrap_or(DEFAULT_TIMEOUT);
        Box::pin(async move { connector.connect(&uri, limit).await.map(TokioIo::new) })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_to_the_authority_goes_to_the_socket() {
        let socket = || PathBuf::from("/run/docker.sock");
        let sockets = ["127.0.0.1:2375", "engine:80"].map(|it| (it.to_owned(), socket()));
        for (url, is_for_it) in [
            ("http://127.0.0.1:2375/_ping", true),
            ("https://127.0.0.1:2375/", false),
            ("http://127.0.0.1:2376/", false),
            ("http://localhost:2375/", false),
            // A port left out is 80.
            ("http://engine/", true),
        ] {
            let found = socket_for(&sockets.clone().into(), &url.parse().unwrap()).is_some();
            assert_eq!(found, is_for_it, "{url}");
        }
    }
}
