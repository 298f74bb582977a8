//! A proxy between the component and a real Engine that loses, delays and
//! replaces messages as a test decides.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is forwarded, and so is its answer.
    None,
    /// The connection ends, and the Engine never sees the request.
    CutBefore,
    /// The Engine answers, and the connection ends before the answer.
    CutAfter,
    /// The Engine answers, and the connection ends in the middle of the answer.
    CutAmid,
    /// It is forwarded after this delay.
    Delayed(Duration),
    /// This status and body are the answer, and the Engine never sees the request.
    AnsweredBefore(u16, &'static str),
    /// The Engine answers, and this status and body replace its answer.
    AnsweredAfter(u16, &'static str),
}

/// The parts of a request that a fault can depend on.
#[derive(Debug)]
pub struct Call<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its path, with the query.
    pub path: &'a str,
    /// How many requests came before it.
    pub number: usize,
}

/// The proxy; when it is dropped, it accepts no more connections.
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    engine: PathBuf,
    fault_of: Box<dyn Fn(&Call<'_>) -> Fault + Send + Sync>,
    count: AtomicUsize,
    forwarded: Mutex<Vec<String>>,
    stopped: AtomicBool,
}

impl FaultProxy {
    /// Listens on loopback, in front of the Engine at the unix socket `engine`.
    pub fn start(
        engine: &Path,
        fault_of: impl Fn(&Call<'_>) -> Fault + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            engine: engine.to_owned(),
            fault_of: Box::new(fault_of),
            count: AtomicUsize::new(0),
            forwarded: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let listening = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if listening.stopped.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let shared = listening.clone();
                // The thread ends with the connection, which the client's pool closes.
                std::thread::spawn(move || shared.serve(stream));
            }
        });
        Self { address, shared }
    }

    /// The `docker_url` that leads through it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Method and path of each request that has reached the Engine.
    pub fn forwarded(&self) -> Vec<String> {
        let forwarded = self.shared.forwarded.lock();
        forwarded.expect("no test panics with it").clone()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    /// Serves one connection, request by request, until one side or a fault
    /// ends it.
    fn serve(&self, stream: TcpStream) {
        let mut client = Connection::new(stream);
        while let Some(request) = client.message() {
            let Some(answer) = self.answer(&request) else {
                return;
            };
            let (bytes, is_whole) = answer;
            let is_sent = client.stream.write_all(&bytes).is_ok();
            if !is_sent || !is_whole || Head::of(&bytes).is_none_or(|head| head.is_last()) {
                return;
            }
        }
    }

    /// The bytes to send back, and whether they are complete; `None` to cut the connection.
    fn answer(&self, request: &[u8]) -> Option<(Vec<u8>, bool)> {
        let line = Head::of(request)?.line;
        let (method, path) = line.rsplit_once(' ')?.0.split_once(' ')?;
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        let call = Call {
            method,
            path,
            number,
        };
        let forward = || self.forward(&call, request);
        match (self.fault_of)(&call) {
            Fault::None => Some((forward()?, true)),
            Fault::Delayed(delay) => {
                std::thread::sleep(delay);
                Some((forward()?, true))
            }
            Fault::CutBefore => None,
            Fault::CutAfter => {
                forward();
                None
            }
            Fault::CutAmid => {
                let mut bytes = forward()?;
                bytes.truncate(bytes.len() / 2);
                Some((bytes, false))
            }
            Fault::AnsweredBefore(status, body) => Some((replacement(status, body), true)),
            Fault::AnsweredAfter(status, body) => {
                forward();
                Some((replacement(status, body), true))
            }
        }
    }

    /// The Engine's answer; `None` if the Engine is down, or dies before the end.
    fn forward(&self, call: &Call<'_>, request: &[u8]) -> Option<Vec<u8>> {
        let mut stream = UnixStream::connect(&self.engine).ok()?;
        let line = format!("{} {}", call.method, call.path);
        let forwarded = self.forwarded.lock();
        forwarded.expect("no test panics with it").push(line);
        stream.write_all(request).ok()?;
        Connection::new(stream).message()
    }
}

fn replacement(status: u16, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} Replaced\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

/// A connection that is read message by message.
struct Connection<S> {
    stream: S,
    unread: Vec<u8>,
}

impl<S: Read> Connection<S> {
    fn new(stream: S) -> Self {
        Self {
            stream,
            unread: Vec::new(),
        }
    }

    /// The bytes of the next message; `None` if it is incomplete.
    fn message(&mut self) -> Option<Vec<u8>> {
        let mut chunk = [0; 4096];
        loop {
            if let Some(length) = Head::of(&self.unread).and_then(|head| head.message_length()) {
                return Some(self.unread.drain(..length).collect());
            }
            let count = self.stream.read(&mut chunk).ok()?;
            if count == 0 {
                let is_ended_so = Head::of(&self.unread)?.framing() == Framing::ToTheEnd;
                return is_ended_so.then(|| std::mem::take(&mut self.unread));
            }
            self.unread.extend_from_slice(&chunk[..count]);
        }
    }
}

/// How the end of a message is determined: RFC 9112, section 6.3.
#[derive(Debug, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
    ToTheEnd,
}

/// The first line and the headers of a message, and what follows them.
struct Head<'a> {
    line: &'a str,
    headers: &'a str,
    length: usize,
    rest: &'a [u8],
}

impl<'a> Head<'a> {
    /// `None` while they have not all been read.
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let text = std::str::from_utf8(&bytes[..end]).expect("a head of text");
        let (line, headers) = text.split_once("\r\n").unwrap_or((text, ""));
        Some(Self {
            line,
            headers,
            length: end + 4,
            rest: &bytes[end + 4..],
        })
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .split("\r\n")
            .filter_map(|line| line.split_once(':'))
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }

    /// Whether the sender closes the connection after this message.
    fn is_last(&self) -> bool {
        self.framing() == Framing::ToTheEnd || self.header("connection") == Some("close")
    }

    fn framing(&self) -> Framing {
        let status = self.line.strip_prefix("HTTP/1.1 ");
        let has_body = status.is_none_or(|status| !status.starts_with(['1']) && !is_empty(status));
        let length = self.header("content-length");
        match (has_body, length.and_then(|length| length.parse().ok())) {
            (false, _) => Framing::Length(0),
            (true, _) if self.header("transfer-encoding").is_some() => Framing::Chunked,
            (true, Some(length)) => Framing::Length(length),
            (true, None) if status.is_some() => Framing::ToTheEnd,
            // A request without any such header has no body.
            (true, None) => Framing::Length(0),
        }
    }

    /// The length of the message with its head, once all of it has been read.
    fn message_length(&self) -> Option<usize> {
        let body = match self.framing() {
            Framing::Length(length) => length,
            Framing::Chunked => chunked_length(self.rest)?,
            Framing::ToTheEnd => return None,
        };
        (self.rest.len() >= body).then_some(self.length + body)
    }
}

fn is_empty(status: &str) -> bool {
    status.starts_with("204") || status.starts_with("304")
}

/// The length of a chunked body; neither side here sends trailers.
fn chunked_length(body: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = &body[at..];
        let line = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..line]).ok()?;
        let size = usize::from_str_radix(size, 16).ok()?;
        at += line + 2 + size + 2;
        if at > body.len() {
            return None;
        }
        if size == 0 {
            return Some(at);
        }
    }
}
