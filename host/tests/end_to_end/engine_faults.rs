//! An Engine that is down, hangs, or does not answer like one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use test_support::fake_engine::{FakeEngine, Reply};
use test_support::http::Answer;
use test_support::server::{API, Server};

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// The longest that a webhook's answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(25);

/// The answers of all three webhooks in front of an Engine that always gives this reply.
fn answers(reply: Reply) -> (FakeEngine, Server, [Answer; 3]) {
    let engine = FakeEngine::start(move |_| reply.clone());
    let server = Server::over_tcp(&[("docker_url", &engine.url())]);
    let begun = Instant::now();
    let answers = std::thread::scope(|scope| {
        let start = scope.spawn(|| server.start_target("a-token"));
        let stop = scope.spawn(|| server.stop_target(ID));
        let health = scope.spawn(|| server.call("GET", "/health", ""));
        [start, stop, health].map(|thread| thread.join().expect("an answer"))
    });
    assert!(begun.elapsed() < ANSWER_WITHIN + Duration::from_secs(2));
    (engine, server, answers)
}

#[track_caller]
fn check(reply: Reply, statuses: [u16; 3]) {
    let (_engine, server, answers) = answers(reply);
    assert_eq!(answers.each_ref().map(|answer| answer.status), statuses);
    for answer in answers {
        let message = answer.json()["ErrorMessage"].to_string();
        assert!(
            message.contains("Engine") || message.contains("cannot start"),
            "{message}"
        );
        assert!(server.line_about(&answer)["error"].is_string());
    }
}

#[test]
fn an_engine_that_is_down_is_503() {
    // A fixed port: one that was just free could be taken by another program.
    let server = Server::over_tcp(&[("docker_url", "http://127.0.0.1:1")]);
    for answer in [
        server.start_target("a-token"),
        server.stop_target(ID),
        server.call("GET", "/health", ""),
    ] {
        assert!(answer.header("retry-after").is_some());
        server.check_failed(&answer, 503, "docker_url");
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
        let variables = [("docker_url", &*engine.url()), ("container_patch", patch)];
        let server = Server::over_tcp(&variables);
        for answer in [
            server.call("GET", "/health", ""),
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
fn an_engine_that_hangs_is_given_up_in_time() {
    check(Reply::Silence, [504, 504, 503]);
}

#[test]
fn an_engine_that_drips_is_given_up_in_time() {
    let body = "x".repeat(1000);
    let whole = format!("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{body}");
    let reply = Reply::Dripped(whole.into_bytes(), 1, Duration::from_millis(200));
    check(reply, [504, 504, 503]);
}

#[test]
fn a_web_server_is_not_taken_for_an_engine() {
    for status in ["200 OK", "404 Not Found", "302 Found"] {
        let reply = Reply::answer(status, "text/html", "<html></html>");
        check(reply, [502, 502, 503]);
    }
}

#[test]
fn a_reply_that_is_cut_off_is_not_taken_for_whole() {
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n[]".to_vec();
    check(Reply::Bytes(cut), [502, 502, 503]);
    check(Reply::Bytes(Vec::new()), [502, 502, 503]);
}

#[test]
fn a_reply_without_end_is_not_read_to_it() {
    let mut reply = b"HTTP/1.1 200 OK\r\n\r\n[".to_vec();
    reply.resize(12 * 1024 * 1024, b' ');
    let (_engine, server, answers) = answers(Reply::Bytes(reply));
    assert_eq!(
        answers.each_ref().map(|answer| answer.status),
        [502, 502, 503]
    );
    let [start, stop, _] = answers.map(|answer| server.line_about(&answer)["error"].to_string());
    assert!(
        start.contains("call create is longer than 10 MiB"),
        "{start}"
    );
    for words in ["call list is longer than 10 MiB", "labels of its image"] {
        assert!(stop.contains(words), "{stop}");
    }
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
    let variables = [
        ("docker_url", engine.url()),
        ("agent_image", "registry.example.com/agent:1".to_owned()),
        ("image_pull", "missing".to_owned()),
    ];
    let variables = variables
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let server = Server::over_tcp(&variables);
    let answer = server.call("GET", "/health", "");
    assert_eq!(answer.status, 503, "{answer:?}");
    let line = server.line_about(&answer);
    assert_eq!(line["code"], "image_being_pulled", "{line}");
    server.wait_for_line("pulled registry.example.com/agent:1");
}
