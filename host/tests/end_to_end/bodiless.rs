//! Answers without a body, as bytes on the wire: after them, the connection goes on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use test_support::prelude::*;

/// No answer takes longer than the component's own 29 seconds.
const ANSWER_WAIT: Duration = Duration::from_secs(40);

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
fn a_204_has_no_length_and_the_next_answer_follows_it() {
    let engine = FakeEngine::answering("200 OK", "[]");
    let target = format!("/v1/targets/{}", "a".repeat(64));
    let requests = [("DELETE", &*target, API), ("GET", "/v1/targets", API)];
    let bytes = answers(&engine.server(&[]), requests);
    let (head, rest) = bytes.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 204 No Content\r\n"), "{bytes}");
    for header in ["content-length", "transfer-encoding", "content-type"] {
        assert!(!head.to_ascii_lowercase().contains(header), "{bytes}");
    }
    assert!(rest.starts_with("HTTP/1.1 200 OK\r\n"), "{bytes}");
}

#[test]
fn an_answer_to_head_has_the_headers_of_get_and_the_next_answer_follows_them() {
    let engine = FakeEngine::answering("200 OK", "[]");
    let server = engine.server(&[]);
    let target = format!("/v1/targets/{}", "a".repeat(64));
    for (path, secret) in [
        ("/health", SECRET),
        ("/start", SECRET),
        ("/", OPERATOR),
        ("/metrics", OPERATOR),
        ("/v1/targets", API),
        ("/v1/openapi.json", API),
        (&target, API),
        ("/nothing", API),
    ] {
        let bytes = answers(&server, [("HEAD", path, secret), ("GET", path, secret)]);
        let (head, rest) = bytes.split_once("\r\n\r\n").expect("a head");
        let (of_get, body) = rest.split_once("\r\n\r\n").expect("another head");
        assert_eq!(lasting(head), lasting(of_get), "{path}: {bytes}");
        let length = format!("content-length: {}", body.len());
        let has_length = lasting(head).contains(&&*length);
        assert!(has_length && !body.is_empty(), "{path}: {bytes}");
    }
}
