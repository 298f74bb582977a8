//! Bytes through WASI's streams, no longer than until a deadline.

use std::time::Duration;

use wasip2::clocks::monotonic_clock;
use wasip2::io::poll::{Pollable, poll};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

/// How much is read at a time: a few packets.
const CHUNK_BYTES: u64 = 64 * 1024;

/// A moment after which nothing is waited for.
pub struct Deadline(Pollable);

impl Deadline {
    /// The moment `duration` from now.
    pub fn after(duration: Duration) -> Self {
        let nanoseconds = duration.as_nanos().try_into().unwrap_or(u64::MAX);
        Self(monotonic_clock::subscribe_duration(nanoseconds))
    }

    /// Waits until the moment has come.
    pub fn pass(&self) {
        self.0.block();
    }

    /// Waits for `event`.
    pub fn wait(&self, event: &Pollable) -> Result<(), Halt> {
        if poll(&[event, &self.0]).contains(&0) {
            Ok(())
        } else {
            Err(Halt::TimedOut)
        }
    }
}

/// Why bytes stopped.
pub enum Halt {
    /// The deadline has passed.
    TimedOut,
    /// The other side is gone.
    Closed,
    /// There are more than were asked for.
    TooMany,
}

/// Reads to the end, `limit` bytes at most.
pub fn read(stream: &InputStream, limit: usize, deadline: &Deadline) -> Result<Vec<u8>, Halt> {
    let mut bytes = Vec::new();
    while let Some(chunk) = read_some(stream, deadline)? {
        if bytes.len() + chunk.len() > limit {
            return Err(Halt::TooMany);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Reads to the end, and returns the last `limit` bytes.
pub fn read_end(stream: &InputStream, limit: usize, deadline: &Deadline) -> Result<Vec<u8>, Halt> {
    let mut bytes = Vec::new();
    while let Some(chunk) = read_some(stream, deadline)? {
        bytes.extend_from_slice(&chunk);
        let excess = bytes.len().saturating_sub(limit);
        bytes.drain(..excess);
    }
    Ok(bytes)
}

/// The next bytes, once there are some; `None` at the end.
fn read_some(stream: &InputStream, deadline: &Deadline) -> Result<Option<Vec<u8>>, Halt> {
    loop {
        // Who sends without a pause is never waited for.
        if deadline.0.ready() {
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

/// Writes all of `bytes`, and sees them off.
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

/// How many bytes the stream takes, once it takes any.
fn ready(stream: &OutputStream, deadline: &Deadline) -> Result<u64, Halt> {
    loop {
        match stream.check_write() {
            Ok(0) => deadline.wait(&stream.subscribe())?,
            Ok(room) => return Ok(room),
            Err(_) => return Err(Halt::Closed),
        }
    }
}
