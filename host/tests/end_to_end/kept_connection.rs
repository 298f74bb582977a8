//! Messages on a connection that stays open leave in one piece.
//!
//! Spin leaves Nagle's algorithm on: while the receiver has not acknowledged the
//! first piece of a message, the kernel holds the second back. The receiver delays
//! its acknowledgement by up to 40 ms, since it has nothing to send yet.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use test_support::server::{SECRET, Server, start_body};
use test_support::unique;

/// Enough that a few held back by a busy machine do not decide.
const MESSAGES: usize = 50;

/// One in ten may be in two pieces: the host's threads can be interrupted between
/// head and body.
const IN_PIECES_MAX: usize = MESSAGES / 10;

/// Less than a delayed acknowledgement takes, and far more than a message of one
/// piece does.
const SLOW: Duration = Duration::from_millis(30);

/// One in five may be slow, because other tests run at the same time.
const SLOW_MAX: usize = MESSAGES / 5;

/// One HTTP message with its length in a header.
struct Message {
    /// Its head and body.
    text: String,
    /// How many reads it took.
    pieces: usize,
}

/// Reads one message; `None` if the connection ends.
fn read_message(stream: &mut TcpStream) -> Option<Message> {
    let mut bytes = Vec::new();
    // Larger than every message here, so that a message of one piece is one read.
    let mut chunk = [0; 65_536];
    for pieces in 1.. {
        let count = stream.read(&mut chunk).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, value)| value.parse().expect("a length"));
        if body.len() >= length {
            return Some(Message {
                text: text.into_owned(),
                pieces,
            });
        }
    }
    None
}

/// Sends the same request again and again over one connection, and returns how
/// many answers were in pieces, and how many were slow.
fn answers(server: &Server, request: impl Fn() -> String, expected: &str) -> (usize, usize) {
    let mut stream = TcpStream::connect(server.address()).expect("the server listens");
    stream.set_nodelay(true).expect("an open connection");
    let (mut in_pieces, mut slow) = (0, 0);
    for _ in 0..MESSAGES {
        let request = request();
        let begun = Instant::now();
        stream.write_all(request.as_bytes()).expect("it is open");
        let answer = read_message(&mut stream).expect("the connection is kept");
        assert!(answer.text.starts_with(expected), "{}", answer.text);
        in_pieces += usize::from(answer.pieces > 1);
        slow += usize::from(begun.elapsed() > SLOW);
    }
    (in_pieces, slow)
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
    let (in_pieces, slow) = answers(&server, refused, "HTTP/1.1 401 ");
    assert!(in_pieces <= IN_PIECES_MAX, "{in_pieces} of {MESSAGES}");
    assert!(slow <= SLOW_MAX, "{slow} of {MESSAGES}");
}

/// Plays an Engine that refuses every request and keeps the connection. Returns
/// its port, and the pieces of each request with a body.
fn refusing_engine() -> (u16, Arc<Mutex<Vec<usize>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let pieces = Arc::new(Mutex::new(Vec::new()));
    let seen = pieces.clone();
    // The thread ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, seen) = (stream.expect("a connection"), seen.clone());
            stream.set_nodelay(true).expect("an open connection");
            std::thread::spawn(move || {
                while let Some(request) = read_message(&mut stream) {
                    if !request.text.ends_with("\r\n\r\n") {
                        seen.lock().expect("no panic").push(request.pieces);
                    }
                    let reply = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 21\r\n\r\n{\"message\":\"planted\"}";
                    if stream.write_all(reply.as_bytes()).is_err() {
                        break;
                    }
                }
            });
        }
    });
    (port, pieces)
}

#[test]
fn a_request_to_the_engine_leaves_in_one_piece() {
    let (port, pieces) = refusing_engine();
    let server = Server::over_tcp(&[("docker_url", &format!("http://127.0.0.1:{port}"))]);
    let start = || request("/start", SECRET, &start_body(&unique("token-")));
    let (_, slow) = answers(&server, start, "HTTP/1.1 500 ");
    let pieces = pieces.lock().expect("no panic").clone();
    assert!(pieces.len() >= MESSAGES, "{pieces:?}");
    let in_pieces = pieces.iter().filter(|pieces| **pieces > 1).count();
    assert!(in_pieces <= pieces.len() / 10, "{in_pieces}: {pieces:?}");
    assert!(slow <= SLOW_MAX, "{slow} of {MESSAGES}");
}
