//! Reads and writes WASI's streams and bodies, each within a deadline.

use std::time::Duration;

use wasip2::clocks::monotonic_clock::{self, Instant};
use wasip2::http::types::OutgoingBody;
use wasip2::io::poll::{Pollable, poll};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

/// The most that is read at a time. A larger chunk would not arrive at once anyway.
const CHUNK_BYTES: u64 = 64 * 1024;

/// Chunks up to this size are joined as they arrive, since a place in memory for each of
/// many small ones would cost more than its content.
const SMALL_BYTES: usize = 1024;

/// A moment at which every wait ends. Only a wait passes it to the host.
pub struct Deadline(Instant);

impl Deadline {
    pub fn after(duration: Duration) -> Self {
        let nanoseconds = duration.as_nanos().try_into().unwrap_or(u64::MAX);
        Self(monotonic_clock::now().saturating_add(nanoseconds))
    }

    pub fn pass(&self) {
        monotonic_clock::subscribe_instant(self.0).block();
    }

    fn has_passed(&self) -> bool {
        monotonic_clock::now() >= self.0
    }

    /// Waits for `event`, but not past this moment.
    pub fn wait(&self, event: &Pollable) -> Result<(), Halt> {
        let passed = monotonic_clock::subscribe_instant(self.0);
        match poll(&[event, &passed]).contains(&0) {
            true => Ok(()),
            false => Err(Halt::TimedOut),
        }
    }
}

/// Why a stream was not read or written to its end.
pub enum Halt {
    TimedOut,
    /// The peer closed the stream.
    Closed,
    /// There are more bytes than the limit.
    TooMany,
}

/// Reads to the end, but at most `limit` bytes.
pub fn read(stream: &InputStream, limit: usize, deadline: &Deadline) -> Result<Vec<u8>, Halt> {
    let mut chunks = Vec::new();
    let mut length = 0;
    while let Some(chunk) = read_some(stream, deadline)? {
        length += chunk.len();
        if length > limit {
            return Err(Halt::TooMany);
        }
        match chunks.last_mut() {
            Some(last) if chunk.len() <= SMALL_BYTES => Vec::extend(last, chunk),
            _ => chunks.push(chunk),
        }
    }
    // Joined once: a growing vector is copied again and again, and an instance never
    // returns memory.
    Ok(chunks.concat())
}

/// Reads to the end, or as far as it gets, and returns the last `limit` bytes and the
/// time since the last of them arrived.
pub fn read_end(
    stream: &InputStream,
    limit: usize,
    deadline: &Deadline,
) -> (Vec<u8>, Duration, Option<Halt>) {
    let mut bytes = Vec::new();
    let mut latest = monotonic_clock::now();
    let halt = loop {
        match read_some(stream, deadline) {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => break None,
            Err(halt) => break Some(halt),
        }
        latest = monotonic_clock::now();
        let excess = bytes.len().saturating_sub(limit);
        bytes.drain(..excess);
    };
    let quiet = monotonic_clock::now().saturating_sub(latest);
    (bytes, Duration::from_nanos(quiet), halt)
}

/// Waits for the next bytes; `None` at the end.
fn read_some(stream: &InputStream, deadline: &Deadline) -> Result<Option<Vec<u8>>, Halt> {
    loop {
        // A peer that sends without a pause never makes `wait` check the deadline.
        if deadline.has_passed() {
            return Err(Halt::TimedOut);
        }
        match stream.read(CHUNK_BYTES) {
            Ok(chunk) if chunk.is_empty() => deadline.wait(&stream.subscribe())?,
            Ok(chunk) => return Ok(Some(chunk)),
            Err(StreamError::Closed) => return Ok(None),
            Err(StreamError::LastOperationFailed(_)) => return Err(Halt::Closed),
        }
    }
}

/// Sends a message with this body: `hand_over` gives its head to the host, and is
/// always called. Returns what it returns, and whether the body was written.
///
/// A body that the host takes at once is complete before that, so head and body leave in
/// one piece. In two, the second would wait until the other side has acknowledged the
/// first, up to 40 ms: Spin leaves Nagle's algorithm on.
pub fn send<T>(
    body: OutgoingBody,
    content: &[u8],
    deadline: &Deadline,
    hand_over: impl FnOnce() -> T,
) -> (T, Result<(), Halt>) {
    if content.is_empty() {
        let _ = OutgoingBody::finish(body, None);
        return (hand_over(), Ok(()));
    }
    let Ok(stream) = body.write() else {
        return (hand_over(), Err(Halt::Closed));
    };
    let room = stream.check_write().unwrap_or(0);
    if usize::try_from(room).is_ok_and(|room| room >= content.len()) {
        let written = stream.write(content).map_err(|_| Halt::Closed);
        finish(body, stream);
        return (hand_over(), written);
    }
    let handed_over = hand_over();
    let written = write(&stream, content, deadline);
    if written.is_ok() {
        finish(body, stream);
    }
    (handed_over, written)
}

/// Ends a body. Its stream must be gone first. If the end cannot be sent, the other
/// side notices that the body is cut off.
fn finish(body: OutgoingBody, stream: OutputStream) {
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

/// Writes all of `bytes` and waits until they are sent.
pub fn write(stream: &OutputStream, mut bytes: &[u8], deadline: &Deadline) -> Result<(), Halt> {
    while !bytes.is_empty() {
        let room = usize::try_from(ready(stream, deadline)?).unwrap_or(usize::MAX);
        let (chunk, rest) = bytes.split_at(room.min(bytes.len()));
        stream.write(chunk).map_err(|_| Halt::Closed)?;
        bytes = rest;
    }
    stream.flush().map_err(|_| Halt::Closed)?;
    ready(stream, deadline).map(|_| ())
}

/// Waits until the stream accepts bytes, and returns how many.
fn ready(stream: &OutputStream, deadline: &Deadline) -> Result<u64, Halt> {
    loop {
        match stream.check_write() {
            Ok(0) => deadline.wait(&stream.subscribe())?,
            Ok(room) => return Ok(room),
            Err(_) => return Err(Halt::Closed),
        }
    }
}
