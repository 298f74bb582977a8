//! An Engine that is down, hangs, or does not answer like one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use test_support::prelude::*;
use test_support::server::TOKEN;

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// An answer takes at most 25 s. On hosted Spin, a handler is stopped after this time.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Checks the answers to all webhooks of a server with this `docker_url`, and words of the log.
#[track_caller]
fn check(docker_url: &str, expected: [u16; 3], words: &str) {
    let server = Server::over_tcp(&[("docker_url", docker_url)]);
    let begun = Instant::now();
    let answers = server.webhooks();
    assert!(begun.elapsed() < ANSWER_WITHIN);
    for (answer, status) in answers.iter().zip(expected) {
        let message = answer.json()["ErrorMessage"].to_string();
        let is_told = message.contains("Engine") || message.contains("cannot start");
        assert!(is_told, "{message}");
        assert_eq!(answer.header("retry-after").is_some(), status == 503);
        server.check_failed(answer, status, words);
    }
}

#[test]
fn every_request_shows_a_proxy_its_credentials_and_nobody_else_sees_them() {
    const CREDENTIALS: &str = "planted-credentials-of-the-proxy";
    let authorization = format!("Bearer {CREDENTIALS}");
    for status in ["401 Unauthorized", "403 Forbidden"] {
        let shown = authorization.clone();
        let proxy = FakeEngine::start(move |line| {
            // A start alone knows its token.
            let token = if line.contains("/create") { TOKEN } else { "" };
            // In our own proxy's words: a 403 in an Engine's words is about the container.
            let denial = format!("dynamic-access engine proxy: {shown} may not {SECRET} {token}");
            Reply::json(status, &json!({"message": denial}).to_string())
        });
        let server = proxy.server(&[("docker_authorization", &authorization)]);
        let answers = server.webhooks();
        for (answer, status) in answers.iter().zip([500, 500, 503]) {
            let line = server.check_failed(answer, status, "check docker_authorization");
            assert!(line.to_string().contains("[redacted] may not"), "{line}");
        }
        let seen = format!("{answers:?} {:?}", server.log());
        let is_seen = |secret: &&str| seen.contains(*secret);
        assert!(![CREDENTIALS, SECRET, TOKEN].iter().any(is_seen), "{seen}");
        // A start that is refused looks for its target once, and no denied call is repeated.
        let requests = proxy.requests();
        assert_eq!(requests.len(), 4, "{requests:?}");
        let header = format!("authorization: {authorization}\r\n");
        let show_it = requests.iter().all(|request| request.contains(&header));
        assert!(show_it, "{requests:?}");
    }
}

/// A request whose instance fails gets an empty 500, and no line in the log.
#[test]
fn no_depth_of_json_exhausts_the_stack() {
    // One level less than the reader of JSON permits, with that of the body.
    let deep = format!("{}1{}", r#"{"a":"#.repeat(126), "}".repeat(126));
    let body =
        format!(r#"{{"id":"{ID}","Id":"{ID}","message":"no","environment":"e","x":{deep}}}"#);
    let reply = body.clone();
    let engine = FakeEngine::start(move |line| match line.starts_with("GET") {
        true => Reply::json("200 OK", &reply),
        false => Reply::json("201 Created", &reply),
    });
    let patch = format!(r#"{{"Labels":{deep}}}"#);
    for patch in ["{}", &patch] {
        let server = engine.server(&[("container_patch", patch)]);
        for answer in [
            server.health(),
            server.call("POST", "/start", &body),
            server.start_target("a-token"),
            server.stop_target(ID),
            server.by(API, "POST", "/v1/targets", &body),
            server.by(API, "GET", "/v1/targets", ""),
        ] {
            assert!(server.line_about(&answer)["error"].is_string());
        }
    }
}

#[test]
fn an_engine_that_is_down_hangs_drips_breaks_off_or_is_a_web_server_is_told_in_time() {
    let body = "x".repeat(1000);
    let slow = format!("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{body}");
    let slow = Reply::Dripped(slow.into_bytes(), 1, Duration::from_millis(200));
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n[]".to_vec();
    let html = |status| Reply::with(status, "connection: close\r\n", "<html></html>");
    let (late, wrong) = ([504, 504, 503], [502, 502, 503]);
    let replies = [
        (Reply::Silence, late),
        (slow, late),
        (Reply::Bytes(cut), wrong),
        (Reply::Bytes(Vec::new()), wrong),
        (html("200 OK"), wrong),
        (html("404 Not Found"), wrong),
        (html("302 Found"), wrong),
    ];
    at_once(replies.len(), |number| {
        let (reply, expected) = replies[number].clone();
        let engine = FakeEngine::start(move |_| reply.clone());
        check(&engine.url(), expected, "");
    });
    // A fixed port: one that was just free could be taken by another program.
    check("http://127.0.0.1:1", [503; 3], "docker_url");
}

#[test]
fn a_reply_without_end_is_not_read_to_it() {
    let mut reply = b"HTTP/1.1 200 OK\r\n\r\n[".to_vec();
    reply.resize(12 * 1024 * 1024, b' ');
    let engine = FakeEngine::start(move |_| Reply::Bytes(reply.clone()));
    let server = engine.server(&[]);
    // One after the other, since each reads all that may be read.
    let start = server.start_target("a-token");
    server.check_failed(&start, 502, "call create is longer than 10 MiB");
    let stop = server.stop_target(ID);
    for words in ["call list is longer than 10 MiB", "labels of its image"] {
        server.check_failed(&stop, 502, words);
    }
    server.health().check(503);
}

#[test]
fn a_pull_that_counts_no_bytes_goes_on_after_the_answer() {
    // A line for each second, as Podman sends them, and for longer than a webhook lasts.
    let line = format!("{:99}\n", r#"{"status":"Downloading","progressDetail":{}}"#);
    let lines = format!("HTTP/1.1 200 OK\r\n\r\n{}", line.repeat(30));
    let pulls = AtomicUsize::new(0);
    let engine = FakeEngine::start(move |request| match request {
        _ if !request.contains("/images/create") => {
            Reply::json("404 Not Found", r#"{"message":"No such image: x"}"#)
        }
        _ if pulls.fetch_add(1, Ordering::SeqCst) == 0 => {
            Reply::Dripped(lines.clone().into_bytes(), 1, Duration::from_millis(10))
        }
        _ => Reply::json("200 OK", r#"{"status":"Downloaded"}"#),
    });
    let image = ("agent_image", "registry.example.com/agent:1");
    let server = engine.server(&[image, ("image_pull", "missing")]);
    server.check_code(&server.health(), 503, "image_being_pulled");
    server.wait_for_line("pulled registry.example.com/agent:1");
}
