//! A TLS client that sends bytes as they are, so that a test can send wrong
//! requests.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::certificates::Identity;
use super::http::{Answer, try_exchange};

/// How long a server may be silent.
const ANSWER_WAIT: Duration = Duration::from_secs(20);

pub type Stream = StreamOwned<ClientConnection, TcpStream>;

/// A client of one server.
pub struct Client {
    address: SocketAddr,
    roots: RootCertStore,
    identity: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
    /// The lines that go into the head of each request.
    pub headers: String,
}

impl Client {
    /// A client that trusts an authority (PEM), for a server named `localhost`.
    pub fn new(address: SocketAddr, authority: &str) -> Self {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_slice(authority.as_bytes()).expect("PEM");
        roots.add(authority).expect("an authority");
        Self {
            address,
            roots,
            identity: None,
            headers: String::new(),
        }
    }

    /// The same, with a client certificate.
    pub fn with_certificate(mut self, identity: &Identity) -> Self {
        let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes());
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes());
        self.identity = Some((certificate.expect("PEM"), key.expect("PEM")));
        self
    }

    /// The same, with another line in the head of each request.
    pub fn with_header(mut self, line: &str) -> Self {
        self.headers.push_str(&format!("{line}\r\n"));
        self
    }

    /// A connection that offers these protocols.
    pub fn connect(&self, protocols: &[&str]) -> io::Result<Stream> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has them")
            .with_root_certificates(self.roots.clone());
        let mut config = match &self.identity {
            Some((certificate, key)) => builder
                .with_client_auth_cert(vec![certificate.clone()], key.clone_key())
                .expect("they fit"),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
        let name = "localhost".try_into().expect("a name");
        let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
        let socket = TcpStream::connect(self.address)?;
        socket.set_read_timeout(Some(ANSWER_WAIT))?;
        let mut stream = StreamOwned::new(connection, socket);
        stream.conn.complete_io(&mut stream.sock)?;
        Ok(stream)
    }

    /// Sends a request over HTTP/1.1, with its first line and body as they are, and
    /// reads the answer; `None` if the server ends the connection instead.
    pub fn ask(&self, line: &str, headers: &str, body: &[u8]) -> Option<Answer> {
        let stream = self.connect(&["http/1.1"]).ok()?;
        let head = format!(
            "{line}\r\nhost: localhost\r\nconnection: close\r\n{}{headers}\r\n",
            self.headers
        );
        try_exchange(stream, &[head.as_bytes(), body].concat())
    }
}
