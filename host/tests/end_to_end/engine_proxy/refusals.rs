//! Requests that the component does not make do not pass, whoever sends them.

use std::io::{Read, Write};
use std::net::TcpStream;

use test_support::bodies::{FORM, Scheduler, check_wrong_bodies};
use test_support::engine_proxy::{EngineProxy, KINDS};
use test_support::fake_engine::FakeEngine;
use test_support::http::try_exchange;

use super::{ID, before_fake, check_words, create, listed};

/// A name of the form that the component gives to containers.
const NAME: &str = "da-0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";

/// The header of a body of JSON.
const JSON: &str = "content-type: application/json\r\n";

/// The requests that no proxy lets through.
fn targets() -> impl Iterator<Item = (&'static str, String)> {
    let lines = include_str!("refused.txt").lines();
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| {
        let (method, target) = line.split_once(' ').expect("a method and a target");
        (method, target.replace("ID", ID).replace("NAME", NAME))
    })
}

/// Runs a check on all four configurations, of which none may let anything
/// through, and each must do so for what is on the list.
fn check_all(check: impl Fn(&EngineProxy)) {
    for kind in KINDS {
        let (proxy, engine) = before_fake(kind);
        check(&proxy);
        check_untouched(&proxy, &engine);
    }
}

fn check_untouched(proxy: &EngineProxy, engine: &FakeEngine) {
    assert_eq!(engine.requests(), Vec::<String>::new());
    proxy.ask(&listed(), "", b"").check(200);
    assert_eq!(engine.requests().len(), 1);
}

/// Checks that a request is refused, in words that the component can read.
#[track_caller]
fn check_refused(proxy: &EngineProxy, line: &str, headers: &str) {
    let answer = proxy.client().ask(line, headers, b"");
    // The answer to a HEAD has no body, whatever length it announces.
    if line.starts_with("HEAD ") {
        return;
    }
    let answer = answer.unwrap_or_else(|| panic!("no answer: {line}"));
    check_status(answer.status, line);
    // HAProxy answers in its own words what it does not recognise as a request.
    if !answer.body.contains("<h1>400 Bad request</h1>") {
        check_words(&answer.body);
    }
}

/// Checks that an invalid request is refused, in any words.
#[track_caller]
fn check_unread(proxy: &EngineProxy, line: &str, headers: &str, body: &[u8]) {
    let what = format!("{line:.200} {headers:.200}");
    if let Some(answer) = proxy.client().ask(line, headers, body) {
        check_status(answer.status, &what);
    }
}

/// A proxy's own refusal, unlike that of an Engine or of a missing one.
#[track_caller]
fn check_status(status: u16, what: &str) {
    let is_refusal = (400..500).contains(&status) || matches!(status, 501 | 505);
    assert!(is_refusal, "{what}: {status}");
}

#[test]
fn what_is_not_on_the_list_is_refused() {
    check_all(|proxy| {
        for (method, target) in targets() {
            // As the call next to it has it.
            let content_type = match &*target {
                target if target.contains("/create?") => JSON,
                target if target.contains("/archive?path=") => {
                    "content-type: application/x-tar\r\n"
                }
                _ => "",
            };
            let headers = format!("{content_type}content-length: 0\r\n");
            check_refused(proxy, &format!("{method} {target} HTTP/1.1"), &headers);
        }
    });
}

/// An Engine would take the parameters of a form for those of the query.
#[test]
fn no_call_reaches_an_engine_with_another_body() {
    check_all(|proxy| check_wrong_bodies(proxy, Scheduler::Engine));
}

#[test]
fn of_two_content_types_an_engine_reads_none_but_the_calls_own() {
    let headers = format!("{JSON}content-type: {FORM}\r\ncontent-length: 2\r\n");
    for kind in KINDS {
        let (proxy, engine) = before_fake(kind);
        let answer = proxy.ask(&create(), &headers, b"{}");
        if answer.status == 415 {
            check_words(&answer.body);
            assert_eq!(engine.requests(), Vec::<String>::new());
            continue;
        }
        // Before 1.23, nginx does not know of the second.
        assert_eq!((kind.0, answer.status), ("nginx", 200));
        let request = engine.requests().concat().to_lowercase();
        assert!(request.contains(JSON), "{request}");
        assert_eq!(request.matches("content-type").count(), 1, "{request}");
    }
}

#[test]
fn http_2_is_neither_offered_nor_taken() {
    check_all(|proxy| {
        let client = proxy.client();
        let stream = client.connect(&["h2", "http/1.1"]).expect("a connection");
        assert_ne!(stream.conn.alpn_protocol(), Some(&b"h2"[..]));
        let mut stream = client.connect(&["http/1.1"]).expect("a connection");
        // The beginning of every HTTP/2 connection, with empty SETTINGS.
        let _ = stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let is_refused = answer.is_empty() || answer.starts_with(b"HTTP/1.1 4");
        assert!(is_refused, "{answer:02x?}");
    });
}

#[test]
fn a_request_that_can_be_read_in_two_ways_is_refused() {
    let (create, inspect) = (&*create(), &*listed());
    check_all(|proxy| {
        let (two, none) = ("content-length: 2\r\n", "0\r\n\r\n");
        let coded = |coding| format!("transfer-encoding: {coding}\r\n");
        let chunked = coded("chunked");
        for (line, headers, body) in [
            (create, format!("{two}content-length: 3\r\n"), "{}"),
            (create, format!("{two}{chunked}"), none),
            (create, chunked.clone(), "2\r\n{}\r\n0\r\n\r\n"),
            (create, coded("gzip, chunked"), none),
            (create, coded("xchunked") + two, "{}"),
            (create, chunked.clone() + &coded("identity"), none),
            (create, "content-length: -2\r\n".to_owned(), "{}"),
            (create, "content-length: 0x2\r\n".to_owned(), "{}"),
            (create, "content-length: 2, 3\r\n".to_owned(), "{}"),
            (inspect, chunked.clone(), none),
            (
                inspect,
                "connection: upgrade\r\nupgrade: tcp\r\n".to_owned(),
                "",
            ),
            (inspect, "upgrade: h2c\r\n".to_owned(), ""),
            (inspect, "host: other\r\n".to_owned(), ""),
            (inspect, "a\0b: c\r\n".to_owned(), ""),
        ] {
            let content_type = if line == create { JSON } else { "" };
            let headers = format!("{content_type}{headers}");
            check_unread(proxy, line, &headers, body.as_bytes());
        }
        let path = format!("/containers/{ID}/json");
        for line in [
            format!("GET {path} x HTTP/1.1"),
            format!("GET {path}\0 HTTP/1.1"),
            format!("GET {path} HTTP/1.0"),
            format!("GET {path} HTTP/2.0"),
            format!("GET {path} HTTP/3.0"),
            format!("GET {path} http/1.1"),
            format!(" GET {path} HTTP/1.1"),
        ] {
            check_unread(proxy, &line, "", b"");
        }
        // HTTP/0.9 has no head to be answered with.
        let _ = proxy.client().ask(&format!("GET {path}"), "", b"");
    });
}

#[test]
fn what_a_proxy_reads_kindly_reaches_the_engine_in_the_one_right_spelling() {
    let right = listed();
    let path = format!("/containers/{ID}/json");
    for kind in KINDS {
        let (proxy, engine) = before_fake(kind);
        for (line, headers) in [
            (format!("GET  {path} HTTP/1.1"), ""),
            (format!("GET {path}  HTTP/1.1"), ""),
            (format!("GET\t{path} HTTP/1.1"), ""),
            (format!("GET {path}\tHTTP/1.1"), ""),
            (format!("\r\n{right}"), ""),
            (right.clone(), "a : b\r\n"),
            (right.clone(), "a: b\r\n c: d\r\n"),
            (right.clone(), "a: b\nc: d\r\n"),
            (right.clone(), "content-length: 0\r\ncontent-length: 0\r\n"),
            (right.clone(), "host: localhost\r\n"),
            (right.clone(), "connection: host, content-length\r\n"),
            (right.clone(), "te: trailers\r\nexpect: 100-continue\r\n"),
        ] {
            let _ = proxy.client().ask(&line, headers, b"");
        }
        for request in engine.requests() {
            assert!(request.starts_with(&format!("{right}\r\n")), "{request}");
            let headers = request.lines().skip(1).filter(|line| !line.is_empty());
            let names = headers.filter_map(|line| line.split(':').next());
            for name in names.map(str::to_ascii_lowercase) {
                let known = ["host", "connection", "content-length"];
                assert!(known.contains(&&*name), "{request}");
            }
        }
    }
}

#[test]
fn what_is_too_large_is_refused_before_it_is_read() {
    let large = format!("{JSON}content-length: {}\r\n", 1024 * 1024 + 1);
    let header = format!("a: {}\r\n", "b".repeat(200 * 1024));
    let line = format!("GET /images/{}/json HTTP/1.1", "a".repeat(200 * 1024));
    check_all(|proxy| {
        check_refused(proxy, &create(), &large);
        check_unread(proxy, &listed(), &header, b"");
        check_unread(proxy, &line, "", b"");
    });
}

#[test]
fn a_second_request_of_a_connection_is_looked_at_too() {
    for kind in KINDS {
        let (proxy, engine) = before_fake(kind);
        let client = proxy.client();
        let mut stream = client.connect(&["http/1.1"]).expect("a connection");
        let head = format!("host: localhost\r\n{}", client.headers);
        let hidden = format!("GET /info HTTP/1.1\r\n{head}connection: close\r\n\r\n");
        // Once as the body of the first, and once after it.
        let requests = format!(
            "{}\r\n{head}{JSON}content-length: {}\r\n\r\n{hidden}{hidden}",
            create(),
            hidden.len()
        );
        stream.write_all(requests.as_bytes()).expect("it reads");
        let mut answers = String::new();
        let _ = stream.read_to_string(&mut answers);
        assert!(answers.starts_with("HTTP/1.1 200"), "{answers}");
        assert!(answers.contains("HTTP/1.1 403"), "{answers}");
        let requests = engine.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        assert!(requests[0].ends_with(&hidden), "{requests:?}");
    }
}

#[test]
fn plain_http_is_not_answered_by_the_engine() {
    check_all(|proxy| {
        let stream = TcpStream::connect(proxy.address).expect("it listens");
        let headers = proxy.client().headers;
        let request = format!("{}\r\nhost: localhost\r\n{headers}\r\n", listed());
        if let Some(answer) = try_exchange(stream, request.as_bytes()) {
            assert_eq!(answer.status, 400, "{answer:?}");
        }
    });
}
