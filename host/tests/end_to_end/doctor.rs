//! `cargo xtask doctor`: its findings about this machine and its Engine, and with `--against URL`
//! about a server.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use dev::process;
use serde_json::{Value, json};
use test_support::engine::RealEngine;
use test_support::fake_engine::{FakeEngine, Reply};
use test_support::folder::Folder;
use test_support::given;
use test_support::own::Deployment;
use test_support::podman::podman;
use test_support::server::{SECRET, Server};

/// What it prints about the server at `url`, on a machine with these variables, and whether it is
/// content.
fn against(url: &str, secret: &str, variables: &[(&str, &str)]) -> (bool, String) {
    let secret = ("SPIN_VARIABLE_WEBHOOK_SECRET", secret);
    let variables = [variables, &[secret]].concat();
    doctor(&["--against", url], &variables)
}

/// What it prints, and whether it is content.
fn doctor(arguments: &[&str], variables: &[(&str, &str)]) -> (bool, String) {
    let run = Command::new(given("TEST_XTASK"))
        .arg("doctor")
        .args(arguments)
        .env_remove("DOCKER_HOST")
        .env_remove("DOCKER_CONTEXT")
        .env_remove("SPIN_VARIABLE_DOCKER_URL")
        .envs(variables.iter().copied())
        .output()
        .expect("xtask is there");
    let text = [run.stdout, run.stderr].concat();
    (run.status.success(), String::from_utf8(text).expect("text"))
}

/// As [`doctor`], of an Engine, as a server of this deployment with this variable would use it.
fn of_engine(
    engine: &RealEngine,
    deployment: &Deployment<'_>,
    arguments: &[&str],
    (name, value): (&str, &str),
) -> String {
    let socket = engine.socket().display().to_string();
    let arguments = [&["--engine", &socket], arguments].concat();
    let name = format!("SPIN_VARIABLE_{name}");
    let variables = [
        ("SPIN_VARIABLE_DEPLOYMENT_ID", deployment.id.as_str()),
        (&name, value),
    ];
    doctor(&arguments, &variables).1
}

/// The variable with a patch.
const PATCH: &str = "CONTAINER_PATCH";

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
    let (content, told) = against(url, secret, &[]);
    assert_eq!(content, is_content, "{told}");
    assert!(told.contains(expected), "{told}");
    assert!(!told.contains(SECRET), "{told}");
}

#[test]
fn a_server_is_looked_at_as_bastionzero_would() {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let server = deployment.server(&[]);
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
    let (content, told) = against(&url, SECRET, &[]);
    assert!(!content && told.contains("unencrypted"), "{told}");
    let requests = listener.requests();
    // Whether anything is open, and nothing with the secret.
    assert_eq!(requests.len(), 4, "{requests:?}");
    let mut with_secret = requests.iter().filter(|request| request.contains(SECRET));
    assert_eq!(with_secret.next(), None);
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
    let (content, told) = against(&server.url(), SECRET, &variables);
    assert_eq!(proxy.requests(), Vec::<String>::new(), "{told}");
    let requests = server.requests();
    assert_eq!(requests.len(), 5, "{requests:?}");
    assert!(requests[4].contains(SECRET), "{requests:?}");
    assert!(!content && !told.contains(SECRET), "{told}");
}

#[test]
fn the_engine_of_the_docker_context_is_used() {
    let socket = RealEngine::given().socket().display().to_string();
    let folder = Folder::new("context");
    let config = folder.path().display().to_string();
    let host = format!("host=unix://{socket}");
    for arguments in [
        &["create", "colima", "--docker", &host][..],
        &["use", "colima"],
    ] {
        let mut docker = Command::new("docker");
        docker
            .env_remove("DOCKER_HOST")
            .env("DOCKER_CONFIG", &config);
        process::output(docker.arg("context").args(arguments)).expect("a context");
    }
    let (_, told) = doctor(&[], &[("DOCKER_CONFIG", &config)]);
    let named = format!("unix://{socket}, named by the docker context colima");
    assert!(told.contains(&named), "{told}");
}

/// A start for a service that does not answer: the agent then does not end at once.
const START: [&str; 3] = ["--start", "--service-url", "http://192.0.2.1:9"];

/// More processors than any host of these tests has: the Engine refuses the create.
const TOO_MANY_PROCESSORS: &str = r#"{"HostConfig":{"NanoCpus":1024000000000}}"#;

/// A program that no image has: the Engine refuses the start.
const NO_PROGRAM: &str = r#"{"Entrypoint":["/no/such/program"],"HostConfig":{"Init":false}}"#;

/// A program that ends as soon as it has started.
const ENDS_AT_ONCE: &str = r#"{"Entrypoint":["sh","-c","exit 78"]}"#;

/// A patch that the server refuses.
const PRIVILEGED: &str = r#"{"HostConfig":{"Privileged":true}}"#;

#[test]
fn an_engine_is_tried_without_a_start_and_with_one() {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let start = &["--start"][..];
    for (arguments, patch, expected) in [
        (&[][..], "{}", "agent: created and removed"),
        (
            &[],
            "{}",
            "ok       network: dynamic-access, without traffic",
        ),
        (&[], TOO_MANY_PROCESSORS, "it cannot be created: 400"),
        (&[], NO_PROGRAM, "created and removed"),
        (&[], PRIVILEGED, "WRONG    variables: container_patch"),
        (start, "{}", "agent: created, started and removed"),
        (&START, "{}", "agent: created, started and removed"),
        (start, ENDS_AT_ONCE, "it ended at once with exit code 78"),
        (start, NO_PROGRAM, "it cannot be started: 400"),
    ] {
        let told = of_engine(&engine, &deployment, arguments, (PATCH, patch));
        assert!(told.contains(expected), "{told}");
        deployment.check_empty();
    }
}

#[test]
fn the_target_of_each_environment_is_tried() {
    let engine = RealEngine::given();
    let environments = format!(r#"{{"e1":{{"container_patch":{TOO_MANY_PROCESSORS}}}}}"#);
    let deployment = Deployment::new(&engine);
    let variable = ("ENVIRONMENTS", environments.as_str());
    let wrong = "in the environment e1: it cannot be created";
    let told = of_engine(&engine, &deployment, &[], variable);
    assert!(told.contains("agent: created and removed"), "{told}");
    assert!(told.contains(wrong), "{told}");
    let told = of_engine(&engine, &deployment, &["--environment-id", "e1"], variable);
    assert!(!told.contains("agent: created and removed"), "{told}");
    assert!(told.contains(wrong), "{told}");
}

#[test]
fn a_network_on_which_targets_reach_each_other_is_named() {
    // The Engines of these tests make no firewall rules, so the option has no effect.
    let isolated = json!({"com.docker.network.bridge.enable_icc": "false"});
    let (docker, podman) = (RealEngine::given(), podman());
    let deployment = Deployment::new(&docker);
    let told_of = |engine: &RealEngine, options: &Value, arguments: &[&str]| {
        let network = engine.network(options.clone());
        let patch = network.patch();
        let told = of_engine(engine, &deployment, arguments, (PATCH, &patch));
        // Nothing is left on it.
        let gone = engine.try_remove_network(&network.id);
        gone.expect("a network that nobody uses");
        told.replace(&network.id, "NAME")
    };
    let fix = "docker network rm NAME, and then: docker network create --opt com.docker.network.bridge.enable_icc=false NAME";
    let told = told_of(&docker, &json!({}), &[]);
    assert!(told.contains("WRONG    network: on NAME"), "{told}");
    assert!(told.contains(fix), "{told}");
    let told = told_of(&docker, &isolated, &[]);
    assert!(told.contains("ok       network: NAME"), "{told}");
    let told = told_of(&docker, &isolated, &START);
    let reached = "WRONG    network: on NAME, two containers reached";
    assert!(told.contains(reached), "{told}");
    // Podman ignores the option.
    let told = told_of(&podman, &isolated, &[]);
    assert!(told.contains("Podman has no option for this"), "{told}");
    assert!(told.contains("created and removed"), "{told}");
}

#[test]
fn a_deployed_server_is_asked_for_a_target_if_that_is_wanted() {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let secret = [("SPIN_VARIABLE_WEBHOOK_SECRET", SECRET)];
    for (patch, is_content, words) in [
        ("{}", true, "ok       started a target"),
        // Healthy, and no start is possible.
        (
            TOO_MANY_PROCESSORS,
            false,
            "WRONG    the start of a target: 5",
        ),
    ] {
        let server = deployment.server(&[("container_patch", patch)]);
        let url = format!("http://{}", server.address());
        let (content, told) = doctor(&[&["--against", &url], &START[..]].concat(), &secret);
        assert_eq!(content, is_content, "{told}");
        assert!(told.contains("ok       healthy"), "{told}");
        assert!(told.contains(words), "{told}");
        assert_eq!(told.contains("ok       stopped it"), is_content, "{told}");
        assert!(!told.contains(SECRET), "{told}");
        deployment.check_empty();
    }
}

#[test]
fn a_start_whose_answer_is_lost_is_asked_for_again_and_stopped() {
    let starts = std::sync::atomic::AtomicU32::new(0);
    let id = "0123456789abcdef".repeat(4);
    let body = format!(r#"{{"uniqueId":"{id}"}}"#);
    let server = FakeEngine::start(move |line| match line.split(' ').nth(1) {
        Some("/start") if starts.fetch_add(1, Ordering::SeqCst) == 0 => Reply::Bytes(Vec::new()),
        Some("/start") => Reply::json("200 OK", &body),
        _ => Reply::json("200 OK", "{}"),
    });
    let start = ["--start", "--service-url", "https://here"];
    let url = server.url();
    let arguments = [&["--against", &url], &start[..]].concat();
    let (_, told) = doctor(&arguments, &[("SPIN_VARIABLE_WEBHOOK_SECRET", SECRET)]);
    assert!(told.contains("ok       stopped it"), "{told}");
    let body_of = |request: &String| request.split("\r\n\r\n").nth(1).map(str::to_owned);
    let sent: Vec<_> = server.requests().iter().filter_map(body_of).collect();
    assert_eq!(sent.len(), 8, "{sent:?}");
    // The same token: there is one target.
    assert_eq!(sent[5], sent[6]);
    assert!(sent[5].contains("https://here"), "{sent:?}");
    assert_eq!(sent[7], format!(r#"{{"uniqueId":"{id}"}}"#));
}
