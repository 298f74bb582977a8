//! `cargo xtask doctor`: what a person is told of this machine and its Engine, and
//! with `--against URL`, of a server.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::engine::{Deployment, RealEngine};
use crate::support::fake_engine::{FakeEngine, Reply};
use crate::support::folder::Folder;
use crate::support::given;
use crate::support::server::{SECRET, Server};

/// What it prints about the server at `url`, and whether it is content.
fn against(url: &str, secret: &str) -> (bool, String) {
    against_with(url, secret, &[])
}

/// As [`against`], on a machine with these variables.
fn against_with(url: &str, secret: &str, variables: &[(&str, &str)]) -> (bool, String) {
    let run = Command::new(given("TEST_XTASK"))
        .args(["doctor", "--against", url])
        .env("SPIN_VARIABLE_WEBHOOK_SECRET", secret)
        .envs(variables.iter().copied())
        .output()
        .expect("xtask is there");
    let text = [run.stdout, run.stderr].concat();
    (run.status.success(), String::from_utf8(text).expect("text"))
}

/// A server that refuses whoever comes first, and hangs up on all others.
fn refusing_once() -> FakeEngine {
    let is_first = AtomicBool::new(true);
    let body = r#"{"instance":"urn:uuid:0","ErrorMessage":"refused"}"#;
    FakeEngine::start(move |_| match is_first.swap(false, Ordering::SeqCst) {
        true => Reply::json("401 Unauthorized", body),
        false => Reply::Bytes(Vec::new()),
    })
}

#[track_caller]
fn check(url: &str, secret: &str, is_content: bool, expected: &str) {
    let (content, told) = against(url, secret);
    assert_eq!(content, is_content, "{told}");
    assert!(told.contains(expected), "{told}");
    assert!(!told.contains(SECRET), "{told}");
}

#[test]
fn a_server_is_looked_at_as_bastionzero_would() {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let server = Server::on(&engine, &deployment.id);
    let url = format!("http://{}/health", server.address());
    check(&url, SECRET, true, "ok       healthy");
    check(&url, "", true, "ok       without the secret: refused");
    check(&url, "another-secret-that-is-long", false, "webhook_secret");
    // An Engine that is down, and a port of nobody's.
    let down = Server::over_tcp(&[("docker_url", "http://127.0.0.1:1")]);
    let url = format!("http://{}", down.address());
    check(&url, SECRET, false, "the server's log has the reason");
    check("http://127.0.0.1:1", SECRET, false, "it does not answer");
}

#[test]
fn a_secret_is_never_sent_in_the_clear_beyond_this_machine() {
    let listener = FakeEngine::start(|_| Reply::json("401 Unauthorized", "{}"));
    // The same machine, by an address that is not loopback's.
    let url = listener.url().replace("127.0.0.1", "0.0.0.0");
    let (content, told) = against(&url, SECRET);
    assert!(!content && told.contains("unencrypted"), "{told}");
    let requests = listener.requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert!(!requests[0].contains(SECRET), "{requests:?}");
}

#[test]
fn a_secret_is_given_to_no_proxy_and_shown_in_no_message() {
    let (server, proxy) = (refusing_once(), refusing_once());
    let proxy_url = proxy.url();
    let variables = [
        ("http_proxy", &*proxy_url),
        ("HTTP_PROXY", &proxy_url),
        ("all_proxy", &proxy_url),
        ("ALL_PROXY", &proxy_url),
        ("no_proxy", ""),
    ];
    let (content, told) = against_with(&server.url(), SECRET, &variables);
    assert_eq!(proxy.requests(), Vec::<String>::new(), "{told}");
    let requests = server.requests();
    assert_eq!(requests.len(), 2, "{requests:?}");
    assert!(requests[1].contains(SECRET), "{requests:?}");
    assert!(!content && !told.contains(SECRET), "{told}");
}

/// `cargo xtask doctor` on a machine where only `docker context` names an Engine.
fn with_context(engine: &RealEngine) -> (bool, String) {
    let folder = Folder::new("context");
    let socket = engine.socket().display();
    let host = format!("host=unix://{socket}");
    for arguments in [
        &["context", "create", "colima", "--docker", &host][..],
        &["context", "use", "colima"],
    ] {
        let made = Command::new("docker")
            .args(arguments)
            .env("DOCKER_CONFIG", folder.path())
            .env_remove("DOCKER_HOST")
            .output()
            .expect("the Docker CLI is there");
        assert!(made.status.success(), "{made:?}");
    }
    let run = Command::new(given("TEST_XTASK"))
        .arg("doctor")
        .env("DOCKER_CONFIG", folder.path())
        .env_remove("DOCKER_HOST")
        .env_remove("DOCKER_CONTEXT")
        .env_remove("SPIN_VARIABLE_DOCKER_URL")
        .output()
        .expect("xtask is there");
    let text = [run.stdout, run.stderr].concat();
    (run.status.success(), String::from_utf8(text).expect("text"))
}

#[test]
fn the_engine_of_the_docker_context_is_used() {
    let engine = RealEngine::given();
    let (_, told) = with_context(&engine);
    let named = format!(
        "unix://{}, named by the docker context colima",
        engine.socket().display()
    );
    assert!(told.contains(&named), "{told}");
}
