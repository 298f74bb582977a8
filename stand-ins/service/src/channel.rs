//! The service's end of an agent's control channel, which carries a session line by line.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};

/// An agent echoes a line at once, unless the machine is busy.
const ECHO_BOUND: Duration = Duration::from_secs(10);

/// A line of a session is a few words; a longer one is cut.
const LINE_BYTES_MAX: u64 = 4096;

/// One line is expected at a time; unexpected lines need not be kept.
const UNHEARD_LINES_MAX: usize = 16;

/// The writing half of a channel, and the lines that were read.
pub struct Channel {
    stream: TcpStream,
    heard: Mutex<Receiver<String>>,
}

/// The reading half of a channel.
pub struct Incoming {
    reader: BufReader<TcpStream>,
    heard: SyncSender<String>,
}

/// The two halves of the channel on a connection.
pub fn open(reader: BufReader<TcpStream>) -> io::Result<(Channel, Incoming)> {
    let stream = reader.get_ref().try_clone()?;
    // A session may be silent for days. The channel ends with its connection.
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
    /// Sends a line, and returns the next one that arrives.
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

    /// Ends the channel.
    pub fn close(&self) {
        // This fails if the other side has already gone.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

impl Incoming {
    /// Reads lines until the channel ends.
    pub fn read_to_end(mut self) {
        let mut line = Vec::new();
        loop {
            line.clear();
            let mut limited = (&mut self.reader).take(LINE_BYTES_MAX);
            if !matches!(limited.read_until(b'\n', &mut line), Ok(1..)) {
                return;
            }
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            // Waiting for a listener would hide the end of the channel.
            let _ = self.heard.try_send(text);
        }
    }
}
