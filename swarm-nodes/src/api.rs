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
    // In HTTP/1.0 no body comes in chunks, and the connection ends with the answer.
    let mut head = format!("{method} {path} HTTP/1.0\r\nHost: docker\r\n");
    if !body.is_empty() {
        head.push_str(&format!("Content-Type: {content_type}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    parse(&answer).context("the answer is not HTTP")
}

fn parse(bytes: &[u8]) -> Option<Reply> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    Some(Reply {
        status: head.split(' ').nth(1)?.parse().ok()?,
        body: bytes[end + 4..].to_vec(),
    })
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
    fn an_answer_is_read() {
        check("HTTP/1.0 201 Created\r\nA: b\r\n\r\n{}", Some((201, "{}")));
        check("HTTP/1.0 200 OK", None);
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
