//! A proxy between the component and a real Engine that loses, delays and
//! replaces messages as a test decides.

use std::io::Write;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dev::message::{Connection, Head};

use super::acceptor::Acceptor;

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
    acceptor: Acceptor,
    shared: Arc<Shared>,
}

struct Shared {
    engine: PathBuf,
    fault_of: Box<dyn Fn(&Call<'_>) -> Fault + Send + Sync>,
    count: AtomicUsize,
    forwarded: Mutex<Vec<String>>,
}

impl FaultProxy {
    /// Listens on loopback, in front of the Engine at the unix socket `engine`.
    pub fn start(
        engine: &Path,
        fault_of: impl Fn(&Call<'_>) -> Fault + Send + Sync + 'static,
    ) -> Self {
        let shared = Arc::new(Shared {
            engine: engine.to_owned(),
            fault_of: Box::new(fault_of),
            count: AtomicUsize::new(0),
            forwarded: Mutex::default(),
        });
        let serving = shared.clone();
        let acceptor = Acceptor::start("127.0.0.1", move |stream| serving.serve(stream));
        Self { acceptor, shared }
    }

    /// The `docker_url` that leads through it.
    pub fn url(&self) -> String {
        format!("http://{}", self.acceptor.address())
    }

    /// Method and path of each request that has reached the Engine.
    pub fn forwarded(&self) -> Vec<String> {
        let forwarded = self.shared.forwarded.lock();
        forwarded.expect("no test panics with it").clone()
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
