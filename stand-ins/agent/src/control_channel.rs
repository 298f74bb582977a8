//! Keeps the connection that tells the service that this target is online.
//!
//! A session is simple: the service sends lines, and each is echoed.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use crate::http;
use crate::service_url::ServiceUrl;
use crate::vault::Vault;

/// The time between the end of one channel and the next attempt.
const PAUSE: Duration = Duration::from_secs(1);

/// A line of a session is a few words; a longer one is cut.
const LINE_BYTES_MAX: u64 = 4096;

/// How a channel ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// It was open and broke.
    Broken,
    /// It was not opened.
    Refused,
    /// The service has no control channels.
    Unknown,
}

/// Keeps a channel open while the process lives; returns if the service has none for this target.
pub fn keep(vault: &Vault) {
    let (Some(id), Ok(url)) = (&vault.target_id, ServiceUrl::parse(&vault.service_url)) else {
        return;
    };
    loop {
        match hold(&url, id) {
            Ok(End::Unknown) => return,
            Ok(End::Broken) => println!("bzero (stand-in): the control channel has ended"),
            // Not printed at each attempt, which would fill the log if the service is gone.
            Ok(End::Refused) | Err(_) => {}
        }
        thread::sleep(PAUSE);
    }
}

/// Opens a channel and serves it until it ends.
fn hold(url: &ServiceUrl, id: &str) -> io::Result<End> {
    let mut stream = http::connect(url)?;
    stream.write_all(request(url, id).as_bytes())?;
    let mut reader = BufReader::new(stream.try_clone()?);
    match http::read_head(&mut reader)?.status() {
        Some(101) => {}
        Some(404) => return Ok(End::Unknown),
        _ => return Ok(End::Refused),
    }
    // A session may be silent for days. The channel ends with its connection.
    stream.set_read_timeout(None)?;
    println!("bzero (stand-in): the control channel is open");
    // However it ended, it was open.
    let _ = echo(&mut reader, &mut stream);
    Ok(End::Broken)
}

fn request(url: &ServiceUrl, id: &str) -> String {
    format!(
        "GET {}/api/v2/agent/control-channel?targetId={id} HTTP/1.1\r\n\
         Host: {}\r\n\
         Connection: Upgrade\r\n\
         Upgrade: control-channel\r\n\r\n",
        url.path, url.authority,
    )
}

fn echo(reader: &mut BufReader<TcpStream>, stream: &mut TcpStream) -> io::Result<()> {
    loop {
        let mut line = Vec::new();
        let mut limited = reader.by_ref().take(LINE_BYTES_MAX);
        if limited.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        stream.write_all(&line)?;
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    /// Long enough for a busy machine.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// Keeps a channel in a thread of its own; a message comes when there is none to keep.
    fn keep_aside(vault: Vault) -> Receiver<()> {
        let (sender, ended) = channel();
        thread::spawn(move || {
            keep(&vault);
            sender.send(())
        });
        ended
    }

    #[test]
    fn without_an_id_there_is_no_channel() {
        let ended = keep_aside(Vault {
            service_url: "http://192.0.2.1".to_owned(),
            target_id: None,
        });
        ended
            .recv_timeout(PATIENCE)
            .expect("there is nothing to keep");
    }

    #[test]
    fn a_channel_that_breaks_is_opened_again() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
        let ended = keep_aside(Vault {
            service_url: format!("http://{}", listener.local_addr().expect("it is bound")),
            target_id: Some("0a-1b".to_owned()),
        });
        for answer in ["101 Switching Protocols", "403 Forbidden", "404 Not Found"] {
            let (stream, _) = listener.accept().expect("the agent connects");
            let mut reader = BufReader::new(stream);
            http::read_head(&mut reader).expect("the agent asks");
            write!(reader.get_mut(), "HTTP/1.1 {answer}\r\n\r\n").expect("the agent reads");
        }
        ended
            .recv_timeout(PATIENCE)
            .expect("a service without channels is left alone");
    }
}
