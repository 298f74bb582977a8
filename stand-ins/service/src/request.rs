//! Reads the requests of agents by hand, since a control channel continues on its request's connection.

use std::io::{self, BufRead, Read};

/// A registration has a few hundred bytes.
const REQUEST_BYTES_MAX: u64 = 16 * 1024;

/// A request with its whole body.
pub struct Request {
    head: String,
    /// Its body, of the length in its head.
    pub body: Vec<u8>,
}

impl Request {
    /// Reads one request, and nothing that follows it.
    pub fn read(reader: &mut impl BufRead) -> io::Result<Self> {
        let mut limited = reader.take(REQUEST_BYTES_MAX);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if limited.read_line(&mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let mut request = Self {
            head,
            body: Vec::new(),
        };
        let length = request.header("content-length").unwrap_or("0");
        let length: u64 = length.parse().map_err(|_| io::ErrorKind::InvalidData)?;
        let read = limited.take(length).read_to_end(&mut request.body)?;
        if read as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(request)
    }

    /// Its method and its target, as sent.
    pub fn target(&self) -> (&str, &str) {
        let mut words = self.head.split(' ');
        (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        )
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_ends_with_its_body() {
        let mut sent: &[u8] = b"POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}more";
        let request = Request::read(&mut sent).unwrap();
        assert_eq!(request.target(), ("POST", "/a"));
        assert_eq!(request.body, b"{}");
        assert_eq!(sent, b"more");
    }

    #[test]
    fn a_request_that_is_cut_off_or_has_no_end_is_none() {
        let endless = "x".repeat(100_000);
        for sent in [
            "",
            "GET / HTTP/1.1\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\n{}",
            "GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
            &endless,
        ] {
            assert!(Request::read(&mut sent.as_bytes()).is_err());
        }
    }
}
