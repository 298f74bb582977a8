//! HTTP/1.1 by hand: a test can then send wrong requests.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use dev::message::{Connection, Head};

/// No answer takes longer than the component's own 29 seconds.
const ANSWER_WAIT: Duration = Duration::from_secs(40);

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// Its headers, names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    /// The answer in these bytes, which are a whole message.
    fn of(bytes: &[u8]) -> Option<Self> {
        let head = Head::of(bytes)?;
        let lower = |(name, value): (&str, &str)| (name.to_ascii_lowercase(), value.to_owned());
        Some(Self {
            status: head.status()?,
            headers: head.headers().map(lower).collect(),
            body: String::from_utf8_lossy(&head.body()).into_owned(),
        })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known == name)?;
        Some(&found.1)
    }

    #[track_caller]
    pub fn check(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Checks the status, and that the caller is told when to come again.
    #[track_caller]
    pub fn check_come_again(self, status: u16) -> Self {
        assert!(self.header("retry-after").is_some(), "{self:?}");
        self.check(status)
    }

    /// Checks that it is the success of a webhook that returns nothing.
    #[track_caller]
    pub fn check_done(&self) {
        assert_eq!((self.status, self.body.as_str()), (200, "{}"));
    }

    /// The id in a successful answer to `/start`, which has nothing else.
    #[track_caller]
    pub fn unique_id(&self) -> String {
        assert_eq!(self.status, 200, "{self:?}");
        let body = self.json();
        assert_eq!(body.as_object().map(|body| body.len()), Some(1));
        body["uniqueId"].as_str().expect("an id").to_owned()
    }

    /// The id in an answer about one object: of `/v1/targets`, of an Engine, or of a Swarm.
    #[track_caller]
    pub fn id(&self) -> String {
        let body = self.json();
        let id = ["id", "Id", "ID"]
            .iter()
            .find_map(|name| body[name].as_str());
        id.unwrap_or_else(|| panic!("no id: {self:?}")).to_owned()
    }

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

pub fn exchange(address: SocketAddr, request: &[u8]) -> Answer {
    let stream = TcpStream::connect(address).expect("the server listens");
    stream
        .set_read_timeout(Some(ANSWER_WAIT))
        .expect("a positive timeout");
    try_exchange(stream, request).expect("a whole answer")
}

/// Sends bytes and reads one answer; `None` if the connection ends or hangs first.
pub fn try_exchange(mut stream: impl Read + Write, request: &[u8]) -> Option<Answer> {
    // A server that answers early may hang up before it has read the rest.
    let _ = stream.write_all(request);
    Answer::of(&Connection::new(stream).message()?)
}
