//! Messages on a connection that stays open: each leaves in one piece, also without a body.
//!
//! Spin leaves Nagle's algorithm on: while the receiver has not acknowledged the
//! first piece of a message, the kernel holds the second back. The receiver delays
//! its acknowledgement by up to 40 ms, since it has nothing to send yet.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dev::message::Connection;
use test_support::acceptor::Acceptor;
use test_support::prelude::*;

/// Enough that a few held back by a busy machine do not decide.
const MESSAGES: usize = 50;

/// No answer takes longer than the component's own 29 seconds.
const ANSWER_WAIT: Duration = Duration::from_secs(40);

/// The reply of an Engine that keeps the connection.
const REPLY: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 21\r\n\r\n{\"message\":\"planted\"}";

/// A connection that counts its reads.
struct Counted {
    stream: TcpStream,
    reads: usize,
}

impl Counted {
    fn connection(stream: TcpStream) -> Connection<Self> {
        stream.set_nodelay(true).expect("an open connection");
        Connection::new(Self { stream, reads: 0 })
    }
}

impl Read for Counted {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        self.reads += 1;
        self.stream.read(bytes)
    }
}

/// Reads one message, and how many pieces it came in; `None` if the connection ends. A piece is one
/// read, which takes more than any message here.
fn read_message(connection: &mut Connection<Counted>) -> Option<(String, usize)> {
    let message = connection.message()?;
    let text = String::from_utf8_lossy(&message).into_owned();
    Some((text, std::mem::take(&mut connection.stream.reads)))
}

#[test]
fn answers_and_requests_to_the_engine_leave_in_one_piece() {
    let of_requests = Arc::new(Mutex::new(Vec::new()));
    let seen = of_requests.clone();
    let engine = Acceptor::start("127.0.0.1", move |stream| {
        let mut connection = Counted::connection(stream);
        while let Some((request, pieces)) = read_message(&mut connection) {
            // It has a body.
            if !request.ends_with("\r\n\r\n") {
                seen.lock().expect("no panic").push(pieces);
            }
            if connection.stream.stream.write_all(REPLY).is_err() {
                break;
            }
        }
    });
    let server = Server::over_tcp(&[("docker_url", &format!("http://{}", engine.address()))]);
    let stream = TcpStream::connect(server.address()).expect("the server listens");
    let mut connection = Counted::connection(stream);
    let of_answers: Vec<_> = (0..MESSAGES)
        .map(|_| {
            let body = start_body(&unique("token-"));
            let length = body.len();
            let request = format!(
                "POST /start HTTP/1.1\r\nhost: test\r\nauthorization: Basic {SECRET}\r\ncontent-length: {length}\r\n\r\n{body}"
            );
            let stream = &mut connection.stream.stream;
            stream.write_all(request.as_bytes()).expect("it is open");
            let (answer, pieces) = read_message(&mut connection).expect("the connection is kept");
            assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
            pieces
        })
        .collect();
    let of_requests = of_requests.lock().expect("no panic").clone();
    for pieces in [of_answers, of_requests] {
        assert!(pieces.len() >= MESSAGES, "{pieces:?}");
        let split = pieces.iter().filter(|pieces| **pieces > 1);
        // The host's threads can be interrupted between head and body.
        assert!(split.count() <= pieces.len() / 10, "{pieces:?}");
    }
}

/// The answers to two requests on one connection, one after the other; the second closes it.
fn answers(server: &Server, requests: [(&str, &str, &str); 2]) -> String {
    let mut stream = TcpStream::connect(server.address()).expect("the server listens");
    let wait = stream.set_read_timeout(Some(ANSWER_WAIT));
    wait.expect("a positive timeout");
    for ((method, path, secret), connection) in requests.iter().zip(["keep-alive", "close"]) {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: test\r\nauthorization: Basic {secret}\r\nconnection: {connection}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).expect("it is sent");
    }
    let mut bytes = String::new();
    stream.read_to_string(&mut bytes).expect("the answers");
    bytes
}

/// The status line and the headers, without those that belong to the connection and the moment.
fn lasting(head: &str) -> Vec<&str> {
    let is_lasting = |line: &&str| !line.starts_with("connection:") && !line.starts_with("date:");
    head.split("\r\n").filter(is_lasting).collect()
}

#[test]
fn after_an_answer_without_a_body_the_next_answer_follows() {
    let engine = FakeEngine::answering("200 OK", "[]");
    let server = engine.server(&[]);
    let target = format!("/v1/targets/{}", "a".repeat(64));
    let removal = [("DELETE", &*target, API), ("GET", "/v1/targets", API)];
    let bytes = answers(&server, removal);
    let (head, rest) = bytes.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 204 No Content\r\n"), "{bytes}");
    for header in ["content-length", "transfer-encoding", "content-type"] {
        assert!(!head.to_ascii_lowercase().contains(header), "{bytes}");
    }
    assert!(rest.starts_with("HTTP/1.1 200 OK\r\n"), "{bytes}");
    // An answer to HEAD has the headers of GET.
    for (path, secret) in [("/health", SECRET), ("/start", SECRET), ("/", OPERATOR)] {
        let bytes = answers(&server, [("HEAD", path, secret), ("GET", path, secret)]);
        let (head, rest) = bytes.split_once("\r\n\r\n").expect("a head");
        let (of_get, body) = rest.split_once("\r\n\r\n").expect("another head");
        assert_eq!(lasting(head), lasting(of_get), "{path}: {bytes}");
        let length = format!("content-length: {}", body.len());
        let has_length = lasting(head).contains(&&*length);
        assert!(has_length && !body.is_empty(), "{path}: {bytes}");
    }
}
