//! Messages on a connection that stays open leave in one piece.
//!
//! Spin leaves Nagle's algorithm on: while the receiver has not acknowledged the
//! first piece of a message, the kernel holds the second back. The receiver delays
//! its acknowledgement by up to 40 ms, since it has nothing to send yet.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use dev::message::Connection;
use test_support::acceptor::Acceptor;
use test_support::server::{SECRET, Server, start_body};
use test_support::unique;

/// Enough that a few held back by a busy machine do not decide.
const MESSAGES: usize = 50;

/// One in ten may be in two pieces: the host's threads can be interrupted between
/// head and body.
const IN_PIECES_MAX: usize = MESSAGES / 10;

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

/// Sends the same request again and again over one connection, and returns how
/// many answers were in pieces.
fn answers(server: &Server, request: impl Fn() -> String, expected: &str) -> usize {
    let stream = TcpStream::connect(server.address()).expect("the server listens");
    let mut connection = Counted::connection(stream);
    let mut in_pieces = 0;
    for _ in 0..MESSAGES {
        let request = request();
        let stream = &mut connection.stream.stream;
        stream.write_all(request.as_bytes()).expect("it is open");
        let (answer, pieces) = read_message(&mut connection).expect("the connection is kept");
        assert!(answer.starts_with(expected), "{answer}");
        in_pieces += usize::from(pieces > 1);
    }
    in_pieces
}

fn request(path: &str, secret: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: test\r\nauthorization: Basic {secret}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

#[test]
fn an_answer_leaves_in_one_piece() {
    let server = Server::over_tcp(&[("docker_url", "http://127.0.0.1:9")]);
    let refused = || request("/stop", "wrong-secret-of-16", "{}");
    let in_pieces = answers(&server, refused, "HTTP/1.1 401 ");
    assert!(in_pieces <= IN_PIECES_MAX, "{in_pieces} of {MESSAGES}");
}

/// Plays an Engine that refuses every request and keeps the connection. Also returns the pieces of
/// each request with a body.
fn refusing_engine() -> (Acceptor, Arc<Mutex<Vec<usize>>>) {
    const REPLY: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 21\r\n\r\n{\"message\":\"planted\"}";
    let all = Arc::new(Mutex::new(Vec::new()));
    let seen = all.clone();
    let engine = Acceptor::start("127.0.0.1", move |stream| {
        let mut connection = Counted::connection(stream);
        while let Some((request, pieces)) = read_message(&mut connection) {
            if !request.ends_with("\r\n\r\n") {
                seen.lock().expect("no panic").push(pieces);
            }
            if connection.stream.stream.write_all(REPLY).is_err() {
                break;
            }
        }
    });
    (engine, all)
}

#[test]
fn a_request_to_the_engine_leaves_in_one_piece() {
    let (engine, pieces) = refusing_engine();
    let server = Server::over_tcp(&[("docker_url", &format!("http://{}", engine.address()))]);
    let start = || request("/start", SECRET, &start_body(&unique("token-")));
    answers(&server, start, "HTTP/1.1 500 ");
    let pieces = pieces.lock().expect("no panic").clone();
    assert!(pieces.len() >= MESSAGES, "{pieces:?}");
    let in_pieces = pieces.iter().filter(|pieces| **pieces > 1).count();
    assert!(in_pieces <= pieces.len() / 10, "{in_pieces}: {pieces:?}");
}
