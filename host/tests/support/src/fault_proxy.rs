//! A proxy between the component and a real Engine that loses, delays and
//! replaces messages as a test decides.

use std::io::Write;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
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

/// The proxy; when it is dropped, it accepts no more connections.
pub struct FaultProxy {
    acceptor: Acceptor,
    shared: Arc<Shared>,
}

struct Shared {
    engine: PathBuf,
    fault_of: Box<dyn Fn(&str) -> Fault + Send + Sync>,
    forwarded: Mutex<Vec<String>>,
}

impl FaultProxy {
    /// Listens on loopback, in front of the Engine at the unix socket `engine`. A fault can depend
    /// on the method and the path of a call.
    pub fn start(engine: &Path, fault_of: impl Fn(&str) -> Fault + Send + Sync + 'static) -> Self {
        let shared = Arc::new(Shared {
            engine: engine.to_owned(),
            fault_of: Box::new(fault_of),
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
            let Some((bytes, is_whole)) = self.answer(&request) else {
                return;
            };
            let is_sent = client.stream.write_all(&bytes).is_ok();
            if !is_sent || !is_whole || Head::of(&bytes).is_none_or(|head| head.is_last()) {
                return;
            }
        }
    }

    /// The bytes to send back, and whether they are complete; `None` to cut the connection.
    fn answer(&self, request: &[u8]) -> Option<(Vec<u8>, bool)> {
        let (call, _) = Head::of(request)?.line.rsplit_once(' ')?;
        let forward = || self.forward(call, request);
        match (self.fault_of)(call) {
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
    fn forward(&self, call: &str, request: &[u8]) -> Option<Vec<u8>> {
        let mut stream = UnixStream::connect(&self.engine).ok()?;
        let forwarded = self.forwarded.lock();
        let mut forwarded = forwarded.expect("no test panics with it");
        forwarded.push(call.to_owned());
        drop(forwarded);
        stream.write_all(request).ok()?;
        Connection::new(stream).message()
    }
}

/// The id of the container that a call is about.
///
/// # Panics
///
/// If it is about none.
pub fn container_of(call: &str) -> &str {
    call.split('/').nth(2).expect("an id")
}

fn replacement(status: u16, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} Replaced\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}
