//! The proxies of `deploy/engine-proxy`, in front of a real Engine and of a fake one: the
//! component's requests pass unchanged.

mod bodies;
mod callers;
mod managers;
mod refusals;

use std::io::{Read, Write};
use std::time::Duration;

use serde_json::{Value, json};

use test_support::engine::RealEngine;
use test_support::engine_proxy::{Auth, EngineProxy, Files, KINDS, Program, SECRETS};
use test_support::fake_engine::{FakeEngine, Reply};
use test_support::own::Deployment;
use test_support::registry::Registry;
use test_support::server::Server;
use test_support::unique;
use test_support::wait::{wait_for, wait_within};

use crate::lifecycle::{check_done, expired, id_of};
use crate::renew::renew;
use crate::targets::{ask, check_status, order};

/// A container's id.
const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// How long a proxy may take to pass on what it has read.
const PATIENCE: Duration = Duration::from_secs(20);

/// A call that is on the list.
fn listed() -> String {
    format!("GET /containers/{ID}/json HTTP/1.1")
}

/// A proxy in front of an Engine that answers all with an empty object.
fn before_fake(program: Program, auth: Auth) -> (EngineProxy, FakeEngine) {
    before(program, auth, |_| Reply::json("200 OK", "{}"))
}

fn before(
    program: Program,
    auth: Auth,
    reply: impl Fn(&str) -> Reply + Send + Sync + 'static,
) -> (EngineProxy, FakeEngine) {
    let engine = FakeEngine::start(reply);
    let address = engine.url().trim_start_matches("http://").to_owned();
    (Files::default().start(program, auth, &address), engine)
}

fn server(proxy: &EngineProxy, deployment: &Deployment<'_>, more: &[(&str, &str)]) -> Server {
    proxy.server(&deployment.variables(more))
}

/// Lets the component make each of its calls.
fn check_visit(program: Program, auth: Auth) {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let proxy = Files::default().start_on(program, auth, &engine);
    let more = [("stop_grace", "1s"), ("max_targets", "1")];
    let server = server(&proxy, &deployment, &more);
    check_done(&server.call("GET", "/health", ""));
    let token = unique("token");
    let id = id_of(&server.start_target(&token));
    assert_eq!(engine.state(&id).as_deref(), Some("running"));
    assert_eq!(id_of(&server.start_target(&token)), id);
    // Docker has the count of processes at once since then.
    if engine.release() >= (25, 0) {
        server.wait_for_line("stats 200");
    }
    // It is made, and removed since there is one target already.
    assert_eq!(server.start_target(&unique("token")).status, 429);
    check_done(&server.stop_target(&id));
    assert_eq!(engine.state(&id), None);
    check_renewals(&server);
    check_reap(&engine, &deployment, &server);
    check_pull(&engine, &deployment, &proxy);
    let users = proxy.users();
    assert!(!users.is_empty() && !users.contains(&0), "{users:?}");
    check_log(&proxy, &token);
}

/// The second renewal removes the first.
fn check_renewals(server: &Server) {
    let mut order = order();
    order["lifetime"] = json!("1h");
    let created = ask(server, &unique("key"), &order);
    check_status(&created, 201);
    let id = created.id();
    for lifetime in ["2h", "3h"] {
        check_status(&renew(server, &id, lifetime), 200);
    }
    check_done(&server.stop_target(&id));
}

fn check_reap(engine: &RealEngine, deployment: &Deployment<'_>, server: &Server) {
    let old = expired(engine, deployment);
    let reaped = |path: &str| server.call("POST", path, "").json()["removed"].clone();
    // The Engine's clock shows whole seconds.
    wait_for("the age of a second", || {
        (reaped("/reap?dry_run=1") != json!([])).then_some(())
    });
    assert_eq!(reaped("/reap")[0]["uniqueId"], Value::from(old.id.clone()));
    assert_eq!(engine.state(&old.id), None);
}

fn check_pull(engine: &RealEngine, deployment: &Deployment<'_>, proxy: &EngineProxy) {
    let registry = Registry::open();
    registry.hold_image();
    let image = registry.reference("team/agent:1");
    // The image has no program. The Engine's own init is what starts, and ends at once.
    let patch = r#"{"Cmd":["none"]}"#;
    let more = [("agent_image", image.as_str()), ("container_patch", patch)];
    let server = server(proxy, deployment, &more);
    assert_eq!(server.start_target(&unique("token")).status, 409);
    server.wait_for_line("pull 200");
    for id in deployment.containers() {
        check_done(&server.stop_target(&id));
    }
    registry.forget_image(engine);
}

/// Each call is in the access log, over HTTP/1.1, and no secret is.
fn check_log(proxy: &EngineProxy, token: &str) {
    for call in [
        "create",
        "write-token",
        "start",
        "inspect",
        "stop",
        "remove",
        "kill",
        "list-by-id",
        "list-by-name",
        "list-by-label",
        "create-volume",
        "list-volumes",
        "remove-volume",
        "image",
        "pull",
        "network",
    ] {
        proxy.logged(&[&format!("[{call}]"), " HTTP/1.1 "]);
    }
    let log = proxy.log();
    assert!(!log.contains(" 403 ") && !log.contains(" 401 "), "{log}");
    for secret in SECRETS.into_iter().chain([token]) {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn a_visit_goes_through_each_proxy() {
    std::thread::scope(|scope| {
        for (program, auth) in KINDS {
            scope.spawn(move || check_visit(program, auth));
        }
    });
}

#[test]
fn a_request_reaches_the_engine_as_it_was_and_with_no_other_header() {
    let name = format!("da-{}", "0a".repeat(20));
    let target = format!("/containers/create?name={name}");
    let headers = "content-type: application/json\r\nx-registry-auth: e30=\r\ncontent-length: 2\r\ncookie: a=b\r\nx-http-method-override: DELETE\r\nx-forwarded-for: 192.0.2.1\r\nx-original-url: /info\r\nvia: x\r\n";
    for (program, auth) in KINDS {
        let (proxy, engine) = before_fake(program, auth);
        let answer = proxy
            .client()
            .ask(&format!("POST {target} HTTP/1.1"), headers, b"{}");
        assert_eq!(answer.expect("an answer").status, 200);
        let [request] = &engine.requests()[..] else {
            panic!("one request, and not {:?}", engine.requests());
        };
        let (head, body) = request.split_once("\r\n\r\n").expect("it was read whole");
        let mut lines = head.lines();
        assert_eq!(lines.next(), Some(&*format!("POST {target} HTTP/1.1")));
        let mut headers: Vec<_> = lines.map(str::to_ascii_lowercase).collect();
        headers.sort();
        let expected = [
            "connection: close",
            "content-length: 2",
            "content-type: application/json",
            "host: docker",
            "x-registry-auth: e30=",
        ];
        assert_eq!(headers, expected);
        assert_eq!(body, "{}");
        proxy.logged(&["[create]", " HTTP/1.1 "]);
    }
}

#[test]
fn the_largest_of_what_the_component_sends_and_reads_goes_through() {
    // A list of 10 MiB, a registry's credentials of 16 KiB, and a body of 1 MiB.
    let long = format!("\"{}\"", "x".repeat(10 * 1024 * 1024 - 2));
    let credentials = "a".repeat(16 * 1024);
    let body = vec![b' '; 1024 * 1024];
    let target = format!("/containers/create?name=da-{}", "0a".repeat(20));
    let headers = format!(
        "content-type: application/json\r\nx-registry-auth: {credentials}\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (program, auth) in KINDS {
        let reply = Reply::json("200 OK", &long);
        let (proxy, engine) = before(program, auth, move |_| reply.clone());
        let answer = proxy
            .client()
            .ask(&format!("POST {target} HTTP/1.1"), &headers, &body);
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 200);
        assert!(answer.body == long);
        let requests = engine.requests();
        assert!(requests[0].contains(&credentials) && requests[0].len() > body.len());
    }
}

#[test]
fn the_engines_own_time_name_and_words_come_back_as_they_are() {
    let date = "Mon, 23 Nov 2020 01:10:00 GMT";
    let name = "Docker/28.5.1 (linux)";
    for (program, auth) in KINDS {
        for (status, body) in [
            ("404 Not Found", r#"{"message":"No such container: x"}"#),
            ("500 Internal Server Error", "x"),
        ] {
            let length = body.len();
            let reply = format!(
                "HTTP/1.1 {status}\r\ndate: {date}\r\nserver: {name}\r\ncontent-length: {length}\r\n\r\n{body}"
            );
            let reply = Reply::Bytes(reply.into_bytes());
            let (proxy, _engine) = before(program, auth, move |_| reply.clone());
            let answer = proxy.client().ask(&listed(), "", b"").expect("an answer");
            assert_eq!(answer.header("date"), Some(date));
            assert_eq!(answer.header("server"), Some(name));
            assert!(status.starts_with(&answer.status.to_string()), "{answer:?}");
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
    for (program, auth) in KINDS {
        let reply = reply.clone();
        let (proxy, _engine) = before(program, auth, move |_| reply.clone());
        let client = proxy.client();
        let mut stream = client.connect(&["http/1.1"]).expect("a connection");
        let request = format!(
            "POST /images/create?fromImage=r.example.com%2Fa&tag=1 HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n{}\r\n",
            client.headers()
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
    for (program, auth) in KINDS {
        // It reads the request and hangs up.
        let (proxy, engine) = before(program, auth, |_| Reply::Bytes(Vec::new()));
        let line = format!("POST /containers/{ID}/start HTTP/1.1");
        let answer = proxy
            .client()
            .ask(&line, "content-length: 0\r\n", b"")
            .expect("an answer");
        assert_eq!(answer.status, 502, "{answer:?}");
        check_words(&answer.body);
        assert_eq!(engine.requests().len(), 1);
        drop(engine);
        let proxy = Files::default().start(program, auth, "127.0.0.1:1");
        let answer = proxy.client().ask(&listed(), "", b"").expect("an answer");
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
