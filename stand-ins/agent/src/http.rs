//! A client for plain HTTP/1.1: connections and heads of answers, every step bounded.

use std::io::{self, BufRead, Read};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::service_url::ServiceUrl;

/// The longest wait for a connection.
const CONNECT_BOUND: Duration = Duration::from_secs(5);

/// The longest wait for the next bytes.
const SILENCE_BOUND: Duration = Duration::from_secs(10);

/// No expected head comes near this.
const HEAD_BYTES_MAX: u64 = 8 * 1024;

/// The status line and the headers of an answer, as received.
pub struct Head {
    /// All lines, with their ends.
    pub text: String,
}

impl Head {
    /// The status code; `None` if it is not HTTP.
    pub fn status(&self) -> Option<u16> {
        let code = self
            .text
            .strip_prefix("HTTP/1.")?
            .split_whitespace()
            .nth(1)?;
        code.parse().ok()
    }
}

/// Connects to a service.
pub fn connect(url: &ServiceUrl) -> io::Result<TcpStream> {
    let address = url
        .authority
        .to_socket_addrs()?
        .next()
        .ok_or(io::ErrorKind::NotFound)?;
    let stream = TcpStream::connect_timeout(&address, CONNECT_BOUND)?;
    stream.set_read_timeout(Some(SILENCE_BOUND))?;
    stream.set_write_timeout(Some(SILENCE_BOUND))?;
    Ok(stream)
}

/// Reads up to the empty line that ends a head, or to the end of the connection.
pub fn read_head(reader: &mut impl BufRead) -> io::Result<Head> {
    let mut limited = reader.take(HEAD_BYTES_MAX);
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") && limited.read_until(b'\n', &mut bytes)? > 0 {}
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(Head { text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_before_the_body() {
        let mut answer: &[u8] = b"HTTP/1.1 200 OK\r\na: b\r\n\r\n{}";
        let head = read_head(&mut answer).expect("memory can be read");
        assert_eq!(head.status(), Some(200));
        assert_eq!(answer, b"{}");
    }

    #[test]
    fn what_is_not_http_has_no_status() {
        for mut answer in ["", "SSH-2.0-OpenSSH\r\n", "HTTP/1.1 x\r\n\r\n"].map(str::as_bytes) {
            let head = read_head(&mut answer).expect("memory can be read");
            assert_eq!(head.status(), None, "{}", head.text);
        }
    }

    #[test]
    fn a_head_without_end_is_cut() {
        let endless = vec![b'x'; 100_000];
        let head = read_head(&mut endless.as_slice()).expect("memory can be read");
        assert_eq!(head.text.len(), 8 * 1024);
    }
}
