//! Messages of HTTP/1.1 as they are on a connection: RFC 9112.

use std::io::Read;

/// A connection that is read message by message.
pub struct Connection<S> {
    /// The connection itself.
    pub stream: S,
    /// The bytes that are not a whole message yet.
    pub unread: Vec<u8>,
}

impl<S: Read> Connection<S> {
    /// A connection before its first read.
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            unread: Vec::new(),
        }
    }

    /// The bytes of the next message; `None` if it is incomplete.
    pub fn message(&mut self) -> Option<Vec<u8>> {
        let mut chunk = [0; 65_536];
        loop {
            if let Some(length) = Head::of(&self.unread).and_then(|head| head.message_length()) {
                return Some(self.unread.drain(..length).collect());
            }
            // TLS without a close alert is an error, but an end all the same.
            let count = self.stream.read(&mut chunk).unwrap_or(0);
            if count == 0 {
                let is_ended_so = Head::of(&self.unread)?.framing() == Framing::ToTheEnd;
                return is_ended_so.then(|| std::mem::take(&mut self.unread));
            }
            self.unread.extend_from_slice(&chunk[..count]);
        }
    }
}

/// How the end of a message is determined: RFC 9112, section 6.3.
#[derive(Debug, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
    ToTheEnd,
}

/// The first line and the headers of a message, and the rest.
pub struct Head<'a> {
    /// The first line.
    pub line: &'a str,
    headers: &'a str,
    length: usize,
    rest: &'a [u8],
}

impl<'a> Head<'a> {
    /// `None` until all of them have been read, or if they are no text.
    pub fn of(bytes: &'a [u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let text = std::str::from_utf8(&bytes[..end]).ok()?;
        let (line, headers) = text.split_once("\r\n").unwrap_or((text, ""));
        Some(Self {
            line,
            headers,
            length: end + 4,
            rest: &bytes[end + 4..],
        })
    }

    /// The status of a response; `None` for a request.
    pub fn status(&self) -> Option<u16> {
        self.line.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()
    }

    /// The names and values of its headers.
    pub fn headers(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let lines = self.headers.split("\r\n");
        let pairs = lines.filter_map(|line| line.split_once(':'));
        pairs.map(|(name, value)| (name, value.trim()))
    }

    fn header(&self, name: &str) -> Option<&'a str> {
        let mut headers = self.headers();
        let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(found.1)
    }

    /// The body of a whole message, without the marks of its chunks.
    pub fn body(&self) -> Vec<u8> {
        match self.framing() {
            Framing::Length(length) => self.rest[..length].to_vec(),
            Framing::ToTheEnd => self.rest.to_vec(),
            Framing::Chunked => unchunked(self.rest).unwrap_or_default().0,
        }
    }

    /// Whether the sender closes the connection after this message.
    pub fn is_last(&self) -> bool {
        self.framing() == Framing::ToTheEnd || self.header("connection") == Some("close")
    }

    fn framing(&self) -> Framing {
        let status = self.status();
        let has_body = !matches!(status, Some(100..=199 | 204 | 304));
        let length = self.header("content-length");
        match (has_body, length.and_then(|length| length.parse().ok())) {
            (false, _) => Framing::Length(0),
            (true, _) if self.header("transfer-encoding").is_some() => Framing::Chunked,
            (true, Some(length)) => Framing::Length(length),
            (true, None) if status.is_some() => Framing::ToTheEnd,
            // A request without such a header has no body.
            (true, None) => Framing::Length(0),
        }
    }

    /// The length of the message with its head, once all of it has been read.
    fn message_length(&self) -> Option<usize> {
        let body = match self.framing() {
            Framing::Length(length) => length,
            Framing::Chunked => unchunked(self.rest)?.1,
            Framing::ToTheEnd => return None,
        };
        (self.rest.len() >= body).then(|| self.length + body)
    }
}

/// The body that came in chunks, and its length with their marks, once all of it has been read; neither side here sends
/// trailers.
fn unchunked(sent: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let line = sent.get(at..)?.windows(2).position(|it| it == b"\r\n")? + at;
        let size = std::str::from_utf8(&sent[at..line]).ok()?;
        let end = line + 2 + usize::from_str_radix(size, 16).ok()?;
        let chunk = sent.get(line + 2..end)?;
        at = end + 2;
        if chunk.is_empty() {
            return (at <= sent.len()).then_some((body, at));
        }
        body.extend_from_slice(chunk);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bodies of the messages on a connection that ends after `sent`.
    fn bodies(sent: &str) -> Vec<String> {
        let mut connection = Connection::new(sent.as_bytes());
        let messages = std::iter::from_fn(|| connection.message());
        let body = |message: Vec<u8>| Head::of(&message).expect("a head").body();
        let text = |body| String::from_utf8(body).expect("a text");
        messages.map(|message| text(body(message))).collect()
    }

    #[test]
    fn a_message_ends_where_its_head_says() {
        let sized = "POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}";
        let bare = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n";
        let empty = "HTTP/1.1 204 No Content\r\n\r\n";
        let endless = "HTTP/1.1 200 OK\r\n\r\nthe rest";
        let sent = [sized, bare, chunked, empty, endless].concat();
        assert_eq!(bodies(&sent), ["{}", "", "[]", "", "the rest"]);
    }

    #[test]
    fn a_message_that_is_cut_off_is_none() {
        let length = "POST / HTTP/1.1\r\nContent-Length:";
        for sent in [
            "",
            "GET / HTTP/1.1\r\n",
            &format!("{length} 3\r\n\r\n{{}}"),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[",
        ] {
            assert_eq!(bodies(sent), Vec::<String>::new(), "{sent}");
        }
    }
}
