//! Sends one GET over plain HTTP/1.1, over TCP or a unix socket, within a bound.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::endpoint::Endpoint;

/// No expected reply comes near this; an unexpected one might.
const REPLY_BYTES_MAX: u64 = 64 * 1024;

/// A reply: its status and the text of its body.
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The body, without its head.
    pub body: String,
}

/// Sends a GET with additional header lines, written as on the wire.
pub fn get(endpoint: &Endpoint, path: &str, headers: &[String], bound: Duration) -> Result<Reply> {
    let mut lines = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    for header in headers {
        lines.push_str(header);
        lines.push_str("\r\n");
    }
    lines.push_str("\r\n");
    let answer = match endpoint {
        Endpoint::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(bound))?;
            stream.set_write_timeout(Some(bound))?;
            exchange(stream, &lines)?
        }
        Endpoint::Tcp(authority) => {
            let address = authority
                .to_socket_addrs()?
                .next()
                .with_context(|| format!("`{authority}` has no address"))?;
            let stream = TcpStream::connect_timeout(&address, bound)?;
            stream.set_read_timeout(Some(bound))?;
            stream.set_write_timeout(Some(bound))?;
            exchange(stream, &lines)?
        }
        Endpoint::Tls(authority) => bail!("`{authority}` speaks TLS"),
    };
    parse(&answer)
}

fn exchange(mut stream: impl Read + Write, request: &str) -> Result<String> {
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(REPLY_BYTES_MAX).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn parse(answer: &str) -> Result<Reply> {
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .context("the answer is not HTTP")?;
    let status = head
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split(' ').nth(1))
        .and_then(|code| code.parse().ok())
        .context("the answer is not HTTP")?;
    Ok(Reply {
        status,
        body: body.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_its_status_and_body() {
        let reply = parse("HTTP/1.1 200 OK\r\nA: b\r\n\r\n{}").expect("HTTP");
        assert_eq!((reply.status, reply.body.as_str()), (200, "{}"));
    }

    #[test]
    fn what_is_not_http_is_refused() {
        for answer in [
            "",
            "SSH-2.0-OpenSSH\r\n",
            "HTTP/1.1\r\n\r\n",
            "HTTP/1.1 x\r\n\r\n",
        ] {
            assert!(parse(answer).is_err(), "{answer:?}");
        }
    }
}
