//! The answers to every kind of request; a refused request causes no call to the
//! Engine.

use serde_json::json;
use test_support::fake_engine::{FakeEngine, Reply};
use test_support::http::{Answer, exchange, request};
use test_support::server::{SECRET, Server, start_body};

/// A server in front of an Engine that must not be called.
struct Refusing {
    server: Server,
    engine: FakeEngine,
}

impl Refusing {
    fn new(variables: &[(&str, &str)]) -> Self {
        let engine = FakeEngine::start(|_| Reply::json("200 OK", "[]"));
        let url = engine.url();
        let mut all = vec![("docker_url", url.as_str())];
        all.extend(variables);
        Self {
            server: Server::over_tcp(&all),
            engine,
        }
    }

    #[track_caller]
    fn check(&self, answer: &Answer, status: u16) {
        assert_eq!(answer.status, status, "{answer:?}");
        let body = answer.json();
        assert_eq!(body["status"], status);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let message = body["ErrorMessage"].as_str().expect("a message");
        assert!(!message.is_empty());
        assert_eq!(body["detail"], message);
        assert_eq!(self.engine.requests(), Vec::<String>::new());
        assert_eq!(self.server.line_about(answer)["status"], status);
    }
}

fn right() -> String {
    format!("Basic {SECRET}")
}

#[test]
fn wrong_credentials_are_401_on_every_path_and_all_alike() {
    let refusing = Refusing::new(&[]);
    let right = right();
    let mut bodies = Vec::new();
    for headers in [
        vec![],
        vec![("authorization", "Basic d3Jvbmcgd3Jvbmcgd3Jvbmc=")],
        vec![("authorization", &right), ("authorization", &right)],
        vec![("authorization", &right), ("authentication", "Basic other")],
    ] {
        for (method, path) in [("POST", "/start"), ("GET", "/unknown"), ("DELETE", "/stop")] {
            let answer = refusing.server.send(method, path, &headers, b"{}");
            refusing.check(&answer, 401);
            let challenge = r#"Basic realm="dynamic-access", charset="UTF-8""#;
            assert_eq!(answer.header("www-authenticate"), Some(challenge));
            let mut body = answer.json();
            body["instance"].take();
            bodies.push(body);
        }
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
}

#[test]
fn a_header_that_is_not_utf8_never_reaches_the_component() {
    let refusing = Refusing::new(&[]);
    let mut bytes = b"GET /health HTTP/1.1\r\nhost: test\r\nauthorization: Basic \xff\r\n".to_vec();
    bytes.extend_from_slice(b"connection: close\r\n\r\n");
    let answer = exchange(refusing.server.address(), &bytes);
    assert_eq!((answer.status, answer.body.as_str()), (500, ""));
}

#[test]
fn each_refusal_has_its_status_its_headers_and_its_event() {
    let refusing = Refusing::new(&[]);
    let bad_id = r#"{"uniqueId":"../images/json"}"#;
    for (method, path, header, body, status, event, extra) in [
        ("GET", "/%73tart", None, "", 404, "request.denied", None),
        (
            "PUT",
            "/stop",
            None,
            "",
            405,
            "request.denied",
            Some(("allow", "POST")),
        ),
        (
            "POST",
            "/reap?dry_run",
            None,
            "",
            400,
            "request.denied",
            None,
        ),
        (
            "POST",
            "/start",
            None,
            "{}",
            400,
            "target.start.denied",
            None,
        ),
        ("POST", "/stop", None, bad_id, 400, "target.stop", None),
        (
            "POST",
            "/start",
            Some(("content-type", "text/plain")),
            "{}",
            415,
            "target.start.denied",
            None,
        ),
        (
            "POST",
            "/start",
            Some(("content-encoding", "gzip")),
            "{}",
            415,
            "target.start.denied",
            Some(("accept-encoding", "identity")),
        ),
    ] {
        // In the other header, and with the scheme in another case.
        let credentials = right().replace("Basic", "basic");
        let mut headers = vec![("authentication", credentials.as_str())];
        headers.extend(header);
        let answer = refusing
            .server
            .send(method, path, &headers, body.as_bytes());
        refusing.check(&answer, status);
        if let Some((name, value)) = extra {
            assert_eq!(answer.header(name), Some(value));
        }
        let line = refusing.server.line_about(&answer);
        let told = (&line["event"], &line["outcome"]);
        assert_eq!(told, (&json!(event), &json!("failure")), "{line}");
    }
}

#[test]
fn a_body_is_read_up_to_64_kib_and_no_further() {
    let refusing = Refusing::new(&[]);
    let padded = |length: usize| {
        let body = r#"{"uniqueId":"x"}"#;
        format!("{body}{}", " ".repeat(length - body.len()))
    };
    for (length, status) in [(65_535, 400), (65_536, 400), (65_537, 413)] {
        let answer = refusing.server.call("POST", "/stop", &padded(length));
        refusing.check(&answer, status);
    }
    refusing.check(&refusing.server.call("POST", "/stop", ""), 400);
}

#[test]
fn a_body_whose_length_is_not_told_is_cut_off_at_the_limit() {
    let refusing = Refusing::new(&[]);
    let right = right();
    let headers = [
        ("authorization", right.as_str()),
        ("transfer-encoding", "chunked"),
        ("content-length", "0"),
    ];
    // The body is added by hand, because `http` would add its length.
    let head = request("POST", "/stop", &headers[..2], b"");
    let mut bytes = head;
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    for _ in 0..3 {
        bytes.extend_from_slice(chunk.as_bytes());
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    refusing.check(&exchange(refusing.server.address(), &bytes), 413);
}

#[test]
fn a_gibibyte_is_refused_by_its_length_alone() {
    let refusing = Refusing::new(&[]);
    let right = right();
    let headers = [
        ("authorization", right.as_str()),
        ("content-length", "1073741824"),
    ];
    let bytes = request("POST", "/start", &headers, b"");
    refusing.check(&exchange(refusing.server.address(), &bytes), 413);
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
        let answer = refusing
            .server
            .send("POST", "/start", &headers, body.as_bytes());
        assert_eq!(answer.status, status, "{answer:?}");
        let line = refusing.server.line_about(&answer).to_string();
        assert!(!line.contains(TRACE), "{line}");
    }
}

#[test]
fn a_weak_or_missing_secret_is_500_and_opens_nothing() {
    for secret in ["", &format!("{SECRET} short")] {
        let refusing = Refusing::new(&[("webhook_secret", secret)]);
        for credentials in [format!("Basic {secret}"), right(), String::new()] {
            let headers = [("authorization", credentials.as_str())];
            let answer = refusing.server.send("GET", "/health", &headers, b"");
            refusing.check(&answer, 500);
            let line = refusing.server.line_about(&answer);
            let error = line["error"].as_str().expect("an error");
            assert!(error.contains("webhook_secret"), "{line}");
        }
    }
}

#[test]
fn a_bad_variable_is_500_and_named_in_the_log_alone() {
    for (name, value) in [
        ("docker_url", "http://192.0.2.1:2375"),
        ("max_lifetime", "8 days"),
    ] {
        let refusing = Refusing::new(&[(name, value)]);
        let answer = refusing.server.call("GET", "/health", "");
        refusing.check(&answer, 500);
        assert!(!answer.body.contains(name), "{answer:?}");
        let line = refusing.server.line_about(&answer);
        let error = line["error"].as_str().expect("an error");
        assert!(error.contains(name), "{line}");
    }
}

#[test]
fn what_is_allowed_and_unsafe_is_named_once_with_each_health_and_nowhere_else() {
    let engine = FakeEngine::start(|_| Reply::json("500 Internal Server Error", "{}"));
    // The same machine, by an address that is not a loopback address.
    let url = engine.url().replace("127.0.0.1", "0.0.0.0");
    let server = Server::over_tcp(&[
        ("docker_url", &url),
        ("docker_plaintext", "allow"),
        ("container_patch_unsafe", "allow"),
        ("agent_image", "registry.example.com/agent:1"),
    ]);
    let health = server.call("GET", "/health", "");
    let line = server.line_about(&health);
    let notes = line["notes"].as_array().expect("notes").clone();
    let names = ["docker_plaintext", "container_patch_unsafe", "agent_image"];
    assert_eq!(notes.len(), names.len(), "{line}");
    for name in names {
        let naming = |note: &&serde_json::Value| note.to_string().contains(name);
        assert_eq!(notes.iter().filter(naming).count(), 1, "{name}: {line}");
        assert!(!health.body.contains(name), "{health:?}");
    }
    let start = server.start_target("a-token");
    assert_eq!(server.line_about(&start).get("notes"), None);
}
