//! An Engine that fails on demand, over TCP. It can also play any other HTTP service.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dev::message::{Connection, Head};

use super::acceptor::Acceptor;

/// What it does after it has read a request.
#[derive(Clone)]
pub enum Reply {
    /// Sends these bytes, and hangs up unless they are a whole answer after which a connection goes
    /// on.
    Bytes(Vec<u8>),
    /// Sends so many of these bytes at a time, with this pause between them, and hangs up.
    Dripped(Vec<u8>, usize, Duration),
    /// Sends nothing and does not hang up.
    Silence,
}

impl Reply {
    /// An answer with these headers, and the length of its body.
    pub fn with(status: &str, headers: &str, body: &str) -> Self {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n");
        Self::Bytes((head + body).into_bytes())
    }

    /// An Engine's answer, after which it hangs up.
    pub fn json(status: &str, body: &str) -> Self {
        let headers = "content-type: application/json\r\nconnection: close\r\n";
        Self::with(status, headers, body)
    }
}

/// An Engine whose replies a test chooses by the request's first line.
pub struct FakeEngine {
    acceptor: Acceptor,
    requests: Arc<Mutex<Vec<String>>>,
}

impl FakeEngine {
    /// Listens, and sends the replies that `reply` chooses.
    pub fn start(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1", move |head, _| reply(head.line))
    }

    pub fn answering(status: &'static str, body: &'static str) -> Self {
        Self::start(move |_| Reply::json(status, body))
    }

    /// Listens at an address of this machine, and sends the replies that `reply` chooses by the head
    /// and all bytes of a request.
    pub fn start_at(
        address: &str,
        reply: impl Fn(&Head<'_>, &[u8]) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        let acceptor = Acceptor::start(address, move |mut stream| {
            let mut connection = Connection::new(stream.try_clone().expect("an open connection"));
            while let Some(request) = read(&mut connection, &seen) {
                let head = Head::of(&request).expect("it was read whole");
                if !send(&mut stream, reply(&head, &request)) {
                    break;
                }
            }
        });
        Self { acceptor, requests }
    }

    /// The `docker_url` that reaches it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    pub fn address(&self) -> SocketAddr {
        self.acceptor.address()
    }

    /// Every request, and of one that broke off what it has read.
    pub fn requests(&self) -> Vec<String> {
        let requests = self.requests.lock();
        requests.expect("no test panics with it").clone()
    }
}

/// The next request of a connection, if it comes whole.
fn read(connection: &mut Connection<TcpStream>, seen: &Mutex<Vec<String>>) -> Option<Vec<u8>> {
    let whole = connection.message();
    let bytes = whole.as_ref().unwrap_or(&connection.unread);
    if !bytes.is_empty() {
        let text = String::from_utf8_lossy(bytes).into_owned();
        seen.lock().expect("no test panics with it").push(text);
    }
    whole
}

/// Whether the connection goes on.
fn send(stream: &mut TcpStream, reply: Reply) -> bool {
    match reply {
        Reply::Bytes(bytes) => {
            let is_whole = Connection::new(&bytes[..]).message().is_some();
            let goes_on = is_whole && Head::of(&bytes).is_some_and(|head| !head.is_last());
            stream.write_all(&bytes).is_ok() && goes_on
        }
        Reply::Dripped(bytes, at_once, apart) => {
            for piece in bytes.chunks(at_once) {
                if stream.write_all(piece).is_err() {
                    break;
                }
                std::thread::sleep(apart);
            }
            false
        }
        Reply::Silence => {
            // A minute is longer than the component waits for anything.
            let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
            // Until then, or until the other side hangs up.
            let _ = std::io::copy(stream, &mut std::io::sink());
            false
        }
    }
}
