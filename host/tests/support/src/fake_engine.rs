//! An Engine that fails on demand, over TCP. It can also play any other service
//! that answers one request for each connection.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dev::message::Connection;

use super::acceptor::Acceptor;

/// What it does after it has read a request.
#[derive(Clone)]
pub enum Reply {
    /// Sends these bytes and hangs up.
    Bytes(Vec<u8>),
    /// Sends so many of these bytes at a time, with this pause between them.
    Dripped(Vec<u8>, usize, Duration),
    /// Sends nothing and does not hang up.
    Silence,
}

impl Reply {
    /// An answer with a body and its length.
    pub fn answer(status: &str, content_type: &str, body: &str) -> Self {
        let length = body.len();
        Self::Bytes(
            format!(
                "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            )
            .into_bytes(),
        )
    }

    /// An Engine's answer.
    pub fn json(status: &str, body: &str) -> Self {
        Self::answer(status, "application/json", body)
    }
}

/// An Engine whose replies a test chooses by the request's first line.
pub struct FakeEngine {
    acceptor: Acceptor,
    requests: Arc<Mutex<Vec<String>>>,
    stopped: Arc<AtomicBool>,
}

impl FakeEngine {
    /// Listens, and sends the replies that `reply` chooses.
    pub fn start(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1", reply)
    }

    /// Like [`FakeEngine::start`], at another address of this machine.
    pub fn start_at(address: &str, reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let stopped = Arc::new(AtomicBool::new(false));
        let (seen, over) = (requests.clone(), stopped.clone());
        let acceptor = Acceptor::start(address, move |stream| serve(stream, &reply, &seen, &over));
        Self {
            acceptor,
            requests,
            stopped,
        }
    }

    /// The `docker_url` that reaches it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.acceptor.address()
    }

    /// Every request, and of one that broke off what it has read.
    pub fn requests(&self) -> Vec<String> {
        self.requests
            .lock()
            .expect("no test panics with it")
            .clone()
    }
}

impl Drop for FakeEngine {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
    }
}

fn serve(
    mut stream: TcpStream,
    reply: &dyn Fn(&str) -> Reply,
    seen: &Mutex<Vec<String>>,
    over: &AtomicBool,
) {
    let mut connection = Connection::new(&stream);
    let whole = connection.message();
    let is_whole = whole.is_some();
    let request = whole.unwrap_or(connection.unread);
    let request = String::from_utf8_lossy(&request).into_owned();
    let line = request.lines().next().unwrap_or_default().to_owned();
    if !request.is_empty() {
        seen.lock().expect("no test panics with it").push(request);
    }
    if !is_whole {
        return;
    }
    match reply(&line) {
        Reply::Bytes(bytes) => {
            let _ = stream.write_all(&bytes);
        }
        Reply::Dripped(bytes, at_once, apart) => {
            for piece in bytes.chunks(at_once) {
                if over.load(Ordering::SeqCst) || stream.write_all(piece).is_err() {
                    return;
                }
                std::thread::sleep(apart);
            }
        }
        Reply::Silence => {
            // A minute is longer than the component waits for anything.
            let end = Instant::now() + Duration::from_secs(60);
            while !over.load(Ordering::SeqCst) && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}
