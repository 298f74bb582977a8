//! Takes lines: the guest's output, and the messages of this host.

use std::io::{self, LineWriter, Write};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Longer lines are cut into pieces of this size: a guest that never ends a line then cannot fill the host's memory.
const LONGEST_LINE: usize = 64 * 1024;

type Take = dyn Fn(&str) + Send + Sync;

/// A place for lines; clones share it.
#[derive(Clone)]
pub struct Sink(Arc<Take>);

impl Sink {
    /// A sink that passes each line, without its newline, to `take`.
    pub fn new(take: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }

    /// Prints lines on this process's standard error.
    pub fn stderr() -> Self {
        Self::new(|line| {
            // If standard error is closed, there is nowhere to report that.
            let _ = writeln!(io::stderr().lock(), "{line}");
        })
    }

    /// Passes on a line of the guest.
    pub fn line(&self, line: &str) {
        (self.0)(line);
    }

    /// Passes on a line of this host, which begins with `host: `.
    pub fn host(&self, line: &str) {
        self.line(&format!("host: {line}"));
    }
}

/// Takes whole lines from the guest's buffer, or a part of one that is too long for it.
impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        text.split_terminator('\n').for_each(|line| self.line(line));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One output of one guest; its end ends the last line.
#[derive(Clone)]
pub struct GuestOutput(Arc<Mutex<LineWriter<Sink>>>);

impl GuestOutput {
    /// An output whose lines go to `sink`.
    pub fn new(sink: Sink) -> Self {
        let lines = LineWriter::with_capacity(LONGEST_LINE, sink);
        Self(Arc::new(Mutex::new(lines)))
    }

    fn take(&self, bytes: &[u8]) {
        // A panic in a sink leaves the text intact, so later lines need not be lost.
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.write_all(bytes).expect("a sink takes everything");
    }
}

impl IsTerminal for GuestOutput {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestOutput {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        unreachable!("only WASI 0.3 asks for this stream")
    }

    // The ready-made stream writes from its own task, and would lose lines when the guest ends.
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for GuestOutput {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(LONGEST_LINE)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for GuestOutput {
    async fn ready(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(writes: &[&[u8]]) -> Vec<String> {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = seen.clone();
        let sink = Sink::new(move |line| kept.lock().unwrap().push(line.to_owned()));
        let output = GuestOutput::new(sink);
        for write in writes {
            output.take(write);
        }
        drop(output);
        seen.lock().unwrap().clone()
    }

    #[test]
    fn lines_are_whole_however_they_were_written() {
        assert_eq!(lines_of(&[b"a", b"b\nc\n\nd"]), ["ab", "c", "", "d"]);
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let lines = lines_of(&[&vec![b'x'; LONGEST_LINE], b"y"]);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1], "y");
    }
}
