//! A proxy between the component and a real Engine that loses, delays and
//! replaces messages as a test decides.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use dev::message::Connection;

use super::fake_engine::{FakeEngine, Reply};

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
    AnsweredBefore(&'static str, &'static str),
    /// The Engine answers, and this status and body replace its answer.
    AnsweredAfter(&'static str, &'static str),
}

impl FakeEngine {
    /// Stands in front of the Engine at a unix socket. A fault can depend on the method and the path
    /// of a call.
    pub fn before(engine: &Path, fault_of: impl Fn(&str) -> Fault + Send + Sync + 'static) -> Self {
        let engine = engine.to_owned();
        Self::start_at("127.0.0.1", move |head, request| {
            // If the Engine is down, or dies before the end, the connection ends.
            let forward = || forward(&engine, request).unwrap_or_default();
            let (call, _) = head.line.rsplit_once(' ').unwrap_or_default();
            match fault_of(call) {
                Fault::None => Reply::Bytes(forward()),
                Fault::Delayed(delay) => {
                    std::thread::sleep(delay);
                    Reply::Bytes(forward())
                }
                Fault::CutBefore => Reply::Bytes(Vec::new()),
                Fault::CutAfter => {
                    forward();
                    Reply::Bytes(Vec::new())
                }
                Fault::CutAmid => {
                    let mut bytes = forward();
                    bytes.truncate(bytes.len() / 2);
                    Reply::Bytes(bytes)
                }
                Fault::AnsweredBefore(status, body) => Reply::with(status, "", body),
                Fault::AnsweredAfter(status, body) => {
                    forward();
                    Reply::with(status, "", body)
                }
            }
        })
    }
}

fn forward(engine: &Path, request: &[u8]) -> Option<Vec<u8>> {
    let mut stream = UnixStream::connect(engine).ok()?;
    stream.write_all(request).ok()?;
    Connection::new(stream).message()
}

/// The id of the container that a call is about.
pub fn container_of(call: &str) -> &str {
    call.split('/').nth(2).expect("an id")
}
