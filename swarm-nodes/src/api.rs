//! Calls an Engine over its unix socket.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// A call that takes longer has failed. The longest ones form the Swarm and load an image.
const BOUND: Duration = Duration::from_secs(120);

/// An Engine's answer.
#[derive(Debug)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The body of a success, as JSON; null if there is none.
    pub fn json(&self) -> Result<Value> {
        if self.status >= 300 {
            bail!("{} {}", self.status, String::from_utf8_lossy(&self.body));
        }
        match self.body.is_empty() {
            true => Ok(Value::Null),
            false => serde_json::from_slice(&self.body).context("the Engine's answer is not JSON"),
        }
    }
}

/// A call without a body.
pub fn get(socket: &Path, path: &str) -> Result<Reply> {
    send(socket, "GET", path, "", b"")
}

/// A call with a body of JSON.
pub fn post(socket: &Path, path: &str, body: &Value) -> Result<Reply> {
    send(
        socket,
        "POST",
        path,
        "application/json",
        body.to_string().as_bytes(),
    )
}

/// A call with any body.
pub fn send(
    socket: &Path,
    method: &str,
    path: &str,
    content_type: &str,
    body: &[u8],
) -> Result<Reply> {
    let exchanged = exchange(socket, method, path, content_type, body);
    exchanged.with_context(|| format!("{method} {path} at {}", socket.display()))
}

fn exchange(
    socket: &Path,
    method: &str,
    path: &str,
    content_type: &str,
    body: &[u8],
) -> Result<Reply> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(BOUND))?;
    stream.set_write_timeout(Some(BOUND))?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n");
    if !body.is_empty() {
        head.push_str(&format!("Content-Type: {content_type}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    // The connection ends with the answer.
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    parse(&answer).context("the answer is not HTTP")
}

fn parse(bytes: &[u8]) -> Option<Reply> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end])
        .ok()?
        .to_ascii_lowercase();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let rest = &bytes[end + 4..];
    let body = match head.contains("\r\ntransfer-encoding: chunked") {
        true => unchunked(rest)?,
        false => rest.to_vec(),
    };
    Some(Reply { status, body })
}

/// The content of a body in chunks; `None` if it is cut off.
fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..end]).ok()?;
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(end + 2..end + 2 + size)?);
        rest = rest.get(end + 2 + size + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(u16, &str)>) {
        let reply = parse(text.as_bytes());
        let seen = reply.map(|reply| (reply.status, reply.body));
        let expected = expected.map(|(status, body)| (status, body.as_bytes().to_vec()));
        assert_eq!(seen, expected, "{text}");
    }

    #[test]
    fn an_answer_is_read_in_either_form() {
        check("HTTP/1.1 201 Created\r\nA: b\r\n\r\n{}", Some((201, "{}")));
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        check(
            &format!("{chunked}2\r\n[1\r\n1\r\n]\r\n0\r\n\r\n"),
            Some((200, "[1]")),
        );
        check(&format!("{chunked}5\r\n[1"), None);
        check("HTTP/1.1 200", None);
    }

    #[test]
    fn a_refusal_is_an_error_with_its_message() {
        let refusal = Reply {
            status: 409,
            body: b"{\"message\":\"exists\"}".to_vec(),
        };
        let error = refusal.json().expect_err("a refusal").to_string();
        assert!(error.contains("409") && error.contains("exists"), "{error}");
    }
}
