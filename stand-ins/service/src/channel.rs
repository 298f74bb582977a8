//! The service's end of an agent's control channel, over which a session goes line by line.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};

/// An agent sends a line back at once; a busy machine may let it wait.
const ECHO_BOUND: Duration = Duration::from_secs(10);

/// A line of a session is a few words; a longer one is cut.
const LINE_BYTES_MAX: u64 = 4096;

/// One line is expected at a time; what nobody asked for need not be kept.
const UNHEARD_LINES_MAX: usize = 16;

/// What a session says to an agent, and hears from it.
pub struct Channel {
    stream: TcpStream,
    heard: Mutex<Receiver<String>>,
}

/// What is read of a channel.
pub struct Incoming {
    reader: BufReader<TcpStream>,
    heard: SyncSender<String>,
}

/// The two halves of the channel on a connection.
pub fn open(reader: BufReader<TcpStream>) -> io::Result<(Channel, Incoming)> {
    let stream = reader.get_ref().try_clone()?;
    // A session may say nothing for days; the end of the channel is that of its connection.
    stream.set_read_timeout(None)?;
    let (sender, heard) = sync_channel(UNHEARD_LINES_MAX);
    let channel = Channel {
        stream,
        heard: Mutex::new(heard),
    };
    let incoming = Incoming {
        reader,
        heard: sender,
    };
    Ok((channel, incoming))
}

impl Channel {
    /// Says a line, and returns the next one that is heard.
    pub fn say(&self, line: &str) -> Result<String> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        while heard.try_recv().is_ok() {}
        (&self.stream)
            .write_all(format!("{line}\n").as_bytes())
            .context("the control channel is broken")?;
        heard
            .recv_timeout(ECHO_BOUND)
            .context("nothing came back over the control channel")
    }

    /// Ends it.
    pub fn close(&self) {
        // It fails when the other side has gone already.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

impl Incoming {
    /// Takes lines until the channel ends.
    pub fn read_to_end(mut self) {
        let mut line = Vec::new();
        loop {
            line.clear();
            let mut limited = (&mut self.reader).take(LINE_BYTES_MAX);
            if !matches!(limited.read_until(b'\n', &mut line), Ok(1..)) {
                return;
            }
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            // Waiting for someone to listen would hide the channel's end.
            let _ = self.heard.try_send(text);
        }
    }
}
