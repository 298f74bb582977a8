//! The answers to every kind of request; a refused request causes no call to the
//! Engine.

use std::collections::BTreeSet;

use test_support::http::{exchange, request};
use test_support::prelude::*;

/// A server in front of an Engine that must not be called.
struct Refusing {
    server: Server,
    engine: FakeEngine,
}

impl Refusing {
    fn new(variables: &[(&str, &str)]) -> Self {
        let engine = FakeEngine::answering("200 OK", "[]");
        let server = engine.server(variables);
        Self { server, engine }
    }

    /// Checks a refusal, and returns its line in the log.
    #[track_caller]
    fn check(&self, answer: &Answer, status: u16) -> Value {
        assert_eq!(answer.status, status, "{answer:?}");
        let body = answer.json();
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let message = body["ErrorMessage"].as_str().expect("a message");
        assert!(!message.is_empty());
        check_members(&body, &json!({"status": status, "detail": message}));
        assert_eq!(self.engine.requests(), Vec::<String>::new());
        let line = self.server.line_about(answer);
        check_members(&line, &json!({"status": status}));
        assert!(!line.to_string().contains(SECRET), "{line}");
        line
    }
}

fn right() -> String {
    format!("Basic {SECRET}")
}

#[test]
fn a_header_that_is_not_utf8_never_reaches_the_component() {
    const BYTES: &[u8] =
        b"GET / HTTP/1.1\r\nhost: test\r\nauthorization: Basic \xff\r\nconnection: close\r\n\r\n";
    let answer = exchange(Refusing::new(&[]).server.address(), BYTES);
    assert_eq!((answer.status, answer.body.as_str()), (500, ""));
}

/// The name and the value of a header.
fn named(header: &str) -> (&str, &str) {
    header.split_once(": ").expect("a name and a value")
}

/// Requests with their headers; and of each refusal the status, the event, and a header.
const REFUSED: &str = "
    POST /start        |                                           | 401 | auth.failure        | CHALLENGE
    GET /unknown       | authorization: Basic d3JvbmcgdGV4dA==     | 401 | auth.failure        | CHALLENGE
    DELETE /stop       | AUTHORIZATION; AUTHORIZATION              | 401 | auth.failure        | CHALLENGE
    POST /stop         | AUTHORIZATION; authentication: Basic no   | 401 | auth.failure        | CHALLENGE
    GET /%73tart       | AUTHENTICATION                            | 404 | request.denied
    PUT /stop          | AUTHENTICATION                            | 405 | request.denied      | allow: POST
    POST /reap?dry_run | AUTHENTICATION                            | 400 | request.denied
    POST /start        | AUTHENTICATION                            | 400 | target.start.denied
    POST /stop         | AUTHENTICATION                            | 400 | target.stop
    POST /start        | AUTHENTICATION; content-type: text/plain  | 415 | target.start.denied
    POST /start        | AUTHENTICATION; content-encoding: gzip    | 415 | target.start.denied | CODING";

#[test]
fn each_refusal_has_its_status_its_headers_and_its_event() {
    let refusing = Refusing::new(&[]);
    let rows = REFUSED
        .replace(
            "CHALLENGE",
            r#"www-authenticate: Basic realm="dynamic-access", charset="UTF-8""#,
        )
        .replace("CODING", "accept-encoding: identity")
        .replace("AUTHORIZATION", &format!("authorization: {}", right()))
        // The scheme's case does not count.
        .replace("AUTHENTICATION", &format!("authentication: basic {SECRET}"));
    let mut unauthorized = BTreeSet::new();
    for row in rows.lines().skip(1) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let (method, path) = cells[0].split_once(' ').expect("a method and a path");
        let headers = cells[1].split("; ").filter(|header| !header.is_empty());
        let headers: Vec<_> = headers.map(named).collect();
        let body = br#"{"uniqueId":"../images/json"}"#;
        let answer = refusing.server.send(method, path, &headers, body);
        let line = refusing.check(&answer, cells[2].parse().expect("a status"));
        check_members(&line, &json!({"event": cells[3], "outcome": "failure"}));
        if let Some(header) = cells.get(4) {
            let (name, value) = named(header);
            assert_eq!(answer.header(name), Some(value));
        }
        if answer.status == 401 {
            let mut body = answer.json();
            body["instance"].take();
            unauthorized.insert(body.to_string());
        }
    }
    assert_eq!(unauthorized.len(), 1, "{unauthorized:?}");
}

#[test]
fn a_body_is_read_up_to_64_kib_and_no_further() {
    let refusing = Refusing::new(&[]);
    let right = right();
    let kibibytes_64 = r#"{"uniqueId":"x"}"#.to_owned() + &" ".repeat(65_536 - 16);
    // Its length is not told.
    let chunked = format!("10000\r\n{kibibytes_64}\r\n").repeat(3) + "0\r\n\r\n";
    let one_more = format!("{kibibytes_64} ");
    for (framing, body, status) in [
        (("content-length", "0"), "", 400),
        (("content-length", "65536"), &*kibibytes_64, 400),
        (("content-length", "65537"), &one_more, 413),
        // A gibibyte is refused before any of it comes.
        (("content-length", "1073741824"), "", 413),
        (("transfer-encoding", "chunked"), &chunked, 413),
    ] {
        let headers = [("authorization", right.as_str()), framing];
        // The body is added by hand, because `http` would add its length.
        let mut bytes = request("POST", "/stop", &headers, b"");
        bytes.extend_from_slice(body.as_bytes());
        refusing.check(&exchange(refusing.server.address(), &bytes), status);
    }
}

#[test]
fn a_token_that_is_a_trace_is_not_logged_as_one() {
    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    let refusing = Refusing::new(&[]);
    let traceparent = format!("00-{TRACE}-b7ad6b7169203331-01");
    let wrong = format!("Basic {TRACE}");
    let bad = start_body(TRACE).replace("http:", "ftp:");
    let good = start_body(TRACE).replace("192.0.2.1", "192.0.2.3");
    for (credentials, body, status) in [
        (&wrong, &good, 401),
        (&right(), &bad, 400),
        (&right(), &good, 422),
    ] {
        let headers = [
            ("authorization", credentials.as_str()),
            ("traceparent", &traceparent),
        ];
        let body = body.as_bytes();
        let answer = refusing.server.send("POST", "/start", &headers, body);
        let line = refusing.server.line_about(&answer).to_string();
        assert_eq!(answer.status, status, "{line}");
        assert!(!line.contains(TRACE), "{line}");
    }
}

#[test]
fn a_bad_variable_is_500_opens_nothing_and_is_named_in_the_log_alone() {
    let short = format!("{SECRET} short");
    for (name, value) in [
        ("webhook_secret", ""),
        ("webhook_secret", &short),
        ("max_lifetime", "8 days"),
    ] {
        let refusing = Refusing::new(&[(name, value)]);
        let mut credentials = vec![right()];
        if name == "webhook_secret" {
            credentials.extend([format!("Basic {value}"), String::new()]);
        }
        for credentials in credentials {
            let headers = [("authorization", credentials.as_str())];
            let answer = refusing.server.send("GET", "/health", &headers, b"");
            let line = refusing.check(&answer, 500);
            assert!(!answer.body.contains(name), "{answer:?}");
            assert!(line["error"].to_string().contains(name), "{line}");
        }
    }
}
