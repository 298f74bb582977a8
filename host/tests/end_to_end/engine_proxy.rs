//! The proxies of `deploy/engine-proxy`, in front of a real Engine and of a fake one: the
//! component's requests pass unchanged.

mod callers;
mod managers;
mod refusals;

use std::io::{Read, Write};
use std::time::Duration;

use test_support::bodies::{Scheduler, calls};
use test_support::engine_proxy::{EngineProxy, Files, KINDS, Kind, SECRETS};
use test_support::prelude::*;
use test_support::registry::Registry;

/// A container's id.
const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// How long a proxy may take to pass on what it has read.
const PATIENCE: Duration = Duration::from_secs(20);

/// A call that is on the list.
fn listed() -> String {
    format!("GET /containers/{ID}/json HTTP/1.1")
}

/// A create with a name of the form that the component gives to containers.
fn create() -> String {
    format!(
        "POST /containers/create?name=da-{} HTTP/1.1",
        "0a".repeat(20)
    )
}

/// A proxy in front of an Engine that answers all with an empty object.
fn before_fake(kind: Kind) -> (EngineProxy, FakeEngine) {
    before(kind, Reply::json("200 OK", "{}"))
}

fn before(kind: Kind, reply: Reply) -> (EngineProxy, FakeEngine) {
    let engine = FakeEngine::start(move |_| reply.clone());
    let address = engine.address().to_string();
    (Files::default().start(kind, &address), engine)
}

/// Lets the component make each of its calls.
fn check_visit(kind: Kind) {
    let deployment = Deployment::given();
    let engine = &deployment.engine;
    let proxy = Files::default().start_on(kind, engine);
    let server = |more: &[_]| proxy.server(&deployment.variables(more));
    let visited = server(&[("stop_grace", "1s"), ("max_targets", "1")]);
    visited.health().check_done();
    let token = unique("token");
    let id = visited.start_target(&token).unique_id();
    assert_eq!(engine.state(&id).as_deref(), Some("running"));
    assert_eq!(visited.start_target(&token).unique_id(), id);
    // Docker has the count of processes at once since then.
    if engine.release() >= (25, 0) {
        visited.wait_for_line("stats 200");
    }
    // It is made, and removed since there is one target already.
    visited.start_target(&unique("token")).check(429);
    visited.stop_target(&id).check_done();
    assert_eq!(engine.state(&id), None);
    let order = order_with(json!({"lifetime": "1h"}));
    let id = visited.order(&order).check(201).id();
    // The second renewal removes the first.
    for lifetime in ["2h", "3h"] {
        visited.renew(&id, lifetime).check(200);
    }
    visited.stop_target(&id).check_done();
    let old = deployment.expired();
    // The Engine's clock shows whole seconds.
    wait_until("the age of a second", || {
        !visited.reaped("/reap?dry_run=1").is_empty()
    });
    assert_eq!(visited.reaped_ids("/reap"), [&*old.id]);
    assert_eq!(engine.state(&old.id), None);
    let registry = Registry::open();
    registry.hold_image();
    let image = registry.reference("team/agent:1");
    // The image has no program. The Engine's own init is what starts, and ends at once.
    let patch = r#"{"Cmd":["none"]}"#;
    let pulling = server(&[("agent_image", &image), ("container_patch", patch)]);
    pulling.start_target(&unique("token")).check(409);
    pulling.wait_for_line("pull 200");
    for id in deployment.containers() {
        pulling.stop_target(&id).check_done();
    }
    registry.forget_image(engine);
    let users = proxy.users();
    let is_root = users.iter().any(|user| user == "root");
    assert!(!users.is_empty() && !is_root, "{users:?}");
    check_log(&proxy, &token);
}

/// Each call is in the access log, over HTTP/1.1, and no secret is.
fn check_log(proxy: &EngineProxy, token: &str) {
    for (call, ..) in calls(Scheduler::Engine) {
        // An older Docker is not asked for it.
        if call != "stats" {
            proxy.logged(&[&format!("[{call}]"), " HTTP/1.1 "]);
        }
    }
    let log = proxy.log();
    assert!(!log.contains(" 403 ") && !log.contains(" 401 "), "{log}");
    for secret in SECRETS.into_iter().chain([token]) {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn a_visit_goes_through_each_proxy() {
    at_once(KINDS.len(), |number| check_visit(KINDS[number]));
}

#[test]
fn the_largest_request_and_answer_go_through_as_they_are_and_with_no_other_header() {
    // A list of 10 MiB, a registry's credentials of 16 KiB, and a body of 1 MiB.
    let long = format!("\"{}\"", "x".repeat(10 * 1024 * 1024 - 2));
    let body = " ".repeat(1024 * 1024);
    let passed = format!(
        "content-length: {}\r\ncontent-type: application/json\r\nx-registry-auth: {}\r\n",
        body.len(),
        "a".repeat(16 * 1024)
    );
    let dropped = "cookie: a=b\r\nx-http-method-override: DELETE\r\nx-forwarded-for: 192.0.2.1\r\nx-original-url: /info\r\nvia: x\r\n";
    for kind in KINDS {
        let (proxy, engine) = before(kind, Reply::json("200 OK", &long));
        let answer = proxy.ask(&create(), &format!("{passed}{dropped}"), body.as_bytes());
        assert!(answer.check(200).body == long);
        let [request] = &engine.requests()[..] else {
            panic!("one request, and not {:?}", engine.requests());
        };
        let (head, content) = request.split_once("\r\n\r\n").expect("it was read whole");
        let mut lines = head.lines();
        assert_eq!(lines.next(), Some(&*create()));
        let mut headers: Vec<_> = lines.map(str::to_ascii_lowercase).collect();
        headers.sort();
        let expected = format!("connection: close\r\n{passed}host: docker\r\n");
        let mut expected: Vec<_> = expected.lines().collect();
        expected.sort_unstable();
        assert_eq!(headers, expected);
        assert!(content == body);
        proxy.logged(&["[create]", " HTTP/1.1 "]);
    }
}

#[test]
fn the_engines_own_time_name_and_words_come_back_as_they_are() {
    let date = "Mon, 23 Nov 2020 01:10:00 GMT";
    let name = "Docker/28.5.1 (linux)";
    let replies = [
        (404, "Not Found", r#"{"message":"No such container: x"}"#),
        (500, "Internal Server Error", "x"),
    ];
    for kind in KINDS {
        for (status, reason, body) in replies {
            let headers = format!("date: {date}\r\nserver: {name}\r\n");
            let reply = Reply::with(&format!("{status} {reason}"), &headers, body);
            let (proxy, _engine) = before(kind, reply);
            let answer = proxy.ask(&listed(), "", b"").check(status);
            assert_eq!(answer.header("date"), Some(date));
            assert_eq!(answer.header("server"), Some(name));
            assert_eq!(answer.body, body);
        }
    }
}

#[test]
fn the_progress_of_a_pull_is_not_held_back() {
    let line = "{\"status\":\"Pulling\"}\r\n";
    let begun = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{line}\r\n",
        line.len()
    );
    let whole = format!("{begun}0\r\n\r\n").into_bytes();
    let reply = Reply::Dripped(whole, begun.len(), PATIENCE * 2);
    for kind in KINDS {
        let (proxy, _engine) = before(kind, reply.clone());
        let client = proxy.client();
        let mut stream = client.connect(&["http/1.1"]).expect("a connection");
        let request = format!(
            "POST /images/create?fromImage=r.example.com%2Fa&tag=1 HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n{}\r\n",
            client.headers
        );
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut read = String::new();
        wait_within(PATIENCE, "the line", || {
            let mut bytes = [0; 4096];
            let count = stream.read(&mut bytes).expect("it is not over");
            read.push_str(&String::from_utf8_lossy(&bytes[..count]));
            read.contains("Pulling").then_some(())
        });
    }
}

#[test]
fn what_fails_at_the_engine_is_told_in_its_form_and_not_tried_again() {
    for kind in KINDS {
        // It reads the request and hangs up.
        let (proxy, engine) = before(kind, Reply::Bytes(Vec::new()));
        let line = format!("POST /containers/{ID}/start HTTP/1.1");
        let answer = proxy.ask(&line, "content-length: 0\r\n", b"");
        check_words(&answer.check(502).body);
        assert_eq!(engine.requests().len(), 1);
        drop(engine);
        let proxy = Files::default().start(kind, "127.0.0.1:1");
        let answer = proxy.ask(&listed(), "", b"");
        assert!(matches!(answer.status, 502 | 503), "{answer:?}");
        check_words(&answer.body);
    }
}

/// A proxy's own answers have the form that the component reads.
#[track_caller]
fn check_words(body: &str) {
    let words: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("not JSON: {body:?}"));
    let message = words["message"].as_str().expect("a message");
    assert!(
        message.starts_with("dynamic-access engine proxy: "),
        "{message}"
    );
}
