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
use test_support::prelude::*;

/// Enough that a few held back by a busy machine do not decide.
const MESSAGES: usize = 50;

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
