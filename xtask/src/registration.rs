//! Plays BastionZero's service for the stand-in agent: it admits whoever registers.
//!
//! Only this machine and the Engine's containers reach the bridge's address, and
//! nothing comes of a registration, so nobody has to prove anything.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::progress::say;

/// The one path that it knows.
const PATH: &str = "/api/v2/agent/register";

/// An agent that says nothing for so long is none.
const SILENCE_BOUND: Duration = Duration::from_secs(5);

/// A registration has a few hundred bytes.
const REQUEST_BYTES_MAX: u64 = 16 * 1024;

/// Serves until the process ends, and returns the URL for agents.
pub fn serve(address: &str) -> Result<String> {
    let listener = TcpListener::bind((address, 0)).with_context(|| {
        format!(
            "failed to listen on {address}, where the Engine's containers would reach this machine"
        )
    })?;
    let url = format!("http://{}", listener.local_addr()?);
    thread::Builder::new()
        .name("registration".to_owned())
        .spawn(move || accept(&listener))
        .context("failed to start a thread")?;
    Ok(url)
}

/// One agent after the other: each is bounded, and they are few.
fn accept(listener: &TcpListener) {
    for stream in listener.incoming().flatten() {
        if let Err(error) = answer(stream) {
            say(&format!("registration: {error:#}"));
        }
    }
}

fn answer(mut stream: TcpStream) -> Result<()> {
    stream.set_read_timeout(Some(SILENCE_BOUND))?;
    stream.set_write_timeout(Some(SILENCE_BOUND))?;
    let peer = stream.peer_addr()?.ip();
    let mut reader = BufReader::new(Read::by_ref(&mut stream).take(REQUEST_BYTES_MAX));
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head)? > 0 {}
    // Read to its end, or the answer could be lost with the connection's reset.
    let mut body = vec![0; content_length(&head)];
    reader.read_exact(&mut body)?;
    let (status, outcome) = match is_registration(&head) {
        true => ("200 OK", "registered"),
        false => ("404 Not Found", "asked for something else"),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
    )?;
    say(&format!("the agent at {peer} has {outcome}"));
    Ok(())
}

fn is_registration(head: &str) -> bool {
    head.starts_with(&format!("POST {PATH} HTTP/1."))
}

/// The length of the body, never more than would be read of it.
fn content_length(head: &str) -> usize {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .filter(|length: &u64| *length <= REQUEST_BYTES_MAX)
        .and_then(|length| usize::try_from(length).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(request: &str) -> String {
        let url = serve("127.0.0.1").expect("loopback is there");
        let address = url.strip_prefix("http://").expect("it is plain HTTP");
        let mut stream = TcpStream::connect(address).expect("it listens");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }

    #[test]
    fn an_agent_is_admitted() {
        let answer = ask("POST /api/v2/agent/register HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }

    #[test]
    fn other_paths_are_unknown() {
        let answer = ask("GET / HTTP/1.1\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    }

    #[test]
    fn a_length_beyond_all_measure_is_not_believed() {
        assert_eq!(content_length("a: b\r\nContent-Length: 7\r\n"), 7);
        assert_eq!(content_length("Content-Length: 99999999999999\r\n"), 0);
        assert_eq!(content_length("Content-Length: x\r\n"), 0);
    }
}
