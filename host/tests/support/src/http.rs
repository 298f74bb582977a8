//! HTTP/1.1 by hand, so that a test can send wrong requests.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// No answer takes longer than the component's own 29 seconds.
const ANSWER_WAIT: Duration = Duration::from_secs(40);

/// A complete answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

impl Answer {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known == name)?;
        Some(&found.1)
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }
}

/// A request as bytes; a `content-length` among the headers is kept as it is.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() && !headers.iter().any(|(name, _)| *name == "content-length") {
        request.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    request.push_str("\r\n");
    let mut request = request.into_bytes();
    request.extend_from_slice(body);
    request
}

/// Sends bytes to `address` and reads the answer.
pub fn exchange(address: SocketAddr, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream
        .set_read_timeout(Some(ANSWER_WAIT))
        .expect("a positive timeout");
    // A server that answers early may hang up before it has read the rest.
    let _ = stream.write_all(request);
    read_answer(stream)
}

/// Reads one answer, up to its length or the end of the connection.
pub fn read_answer(stream: impl Read) -> Answer {
    read_whole(stream).into()
}

/// Reads one answer; `None` if the connection ends or hangs first.
pub fn try_read_answer(stream: impl Read) -> Option<Answer> {
    Some(try_read_whole(stream).ok()?.into())
}

/// A complete answer whose body need not be text.
pub struct Whole {
    /// Its status.
    pub status: u16,
    headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl From<Whole> for Answer {
    fn from(whole: Whole) -> Self {
        Self {
            status: whole.status,
            headers: whole.headers,
            body: String::from_utf8_lossy(&whole.body).into_owned(),
        }
    }
}

/// Like [`read_answer`], for a body that need not be text.
pub fn read_whole(stream: impl Read) -> Whole {
    try_read_whole(stream).unwrap_or_else(|bytes| {
        let text = String::from_utf8_lossy(&bytes);
        panic!("no whole answer: {text:?}")
    })
}

/// Reads one answer; the error is what was read instead.
fn try_read_whole(mut stream: impl Read) -> Result<Whole, Vec<u8>> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 65_536];
    loop {
        if let Some(answer) = parse(&bytes, false) {
            return Ok(answer);
        }
        match stream.read(&mut chunk) {
            Ok(count) if count > 0 => bytes.extend_from_slice(&chunk[..count]),
            _ => break,
        }
    }
    parse(&bytes, true).ok_or(bytes)
}

fn parse(bytes: &[u8], is_end: bool) -> Option<Whole> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).expect("a head of text");
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let rest = &bytes[end + 4..];
    let value = |name: &str| {
        let mut headers = headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    };
    let body = if value("transfer-encoding").is_some() {
        unchunked(rest)?
    } else if matches!(status, 204 | 304) {
        Vec::new()
    } else if let Some(length) = value("content-length") {
        rest.get(..length.parse().ok()?)?.to_vec()
    } else if is_end {
        rest.to_vec()
    } else {
        return None;
    };
    Some(Whole {
        status,
        headers,
        body,
    })
}

/// The body of a chunked message; `None` while it has not ended.
fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    // It is decoded once, and not at each packet, because it may be a large image.
    if !rest.ends_with(b"0\r\n\r\n") {
        return None;
    }
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
