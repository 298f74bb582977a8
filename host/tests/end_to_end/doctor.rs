//! `cargo xtask doctor`: its findings about this machine and its Engine, and with `--against URL`
//! about a server.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use dev::process;
use test_support::prelude::*;

/// What it prints, on a machine with these variables, and whether it is content.
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

/// As [`doctor`], about the server at `url`, with the right secret.
fn against(url: &str, more: &[&str], variables: &[(&str, &str)]) -> (bool, String) {
    let secret = [("SPIN_VARIABLE_WEBHOOK_SECRET", SECRET)];
    let arguments = [&["--against", url], more].concat();
    let (is_content, told) = doctor(&arguments, &[&secret, variables].concat());
    assert!(!told.contains(SECRET), "{told}");
    (is_content, told)
}

/// What it prints of an Engine, as a server of this deployment with this variable would use it.
fn of_engine(
    engine: &RealEngine,
    deployment: &Deployment,
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

#[test]
fn a_secret_is_never_sent_in_the_clear_beyond_this_machine() {
    let listener = FakeEngine::answering("401 Unauthorized", "{}");
    // The same machine, by an address that is not loopback's.
    let url = listener.url().replace("127.0.0.1", "0.0.0.0");
    let (content, told) = against(&url, &[], &[]);
    assert!(!content && told.contains("unencrypted"), "{told}");
    let requests = listener.requests();
    // Whether anything is open, and nothing with the secret.
    assert_eq!(requests.len(), 4, "{requests:?}");
    assert!(!requests.concat().contains(SECRET), "{requests:?}");
}

#[test]
fn a_secret_is_given_to_no_proxy_and_shown_in_no_message() {
    // It refuses whoever comes first, and hangs up on all others.
    let refusing_once = || {
        let asked = AtomicU32::new(0);
        let body = r#"{"instance":"urn:uuid:0","ErrorMessage":"refused"}"#;
        FakeEngine::start(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
            0 => Reply::json("401 Unauthorized", body),
            _ => Reply::Bytes(Vec::new()),
        })
    };
    let (server, proxy) = (refusing_once(), refusing_once());
    let proxy_url = proxy.url();
    let names = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
    let variables = names.map(|name| (name, proxy_url.as_str()));
    let (content, told) = against(
        &server.url(),
        &[],
        &[&variables[..], &[("no_proxy", "")]].concat(),
    );
    assert!(!content && proxy.requests().is_empty(), "{told}");
    let requests = server.requests();
    assert_eq!(requests.len(), 5, "{requests:?}");
    assert!(requests[4].contains(SECRET), "{requests:?}");
}

#[test]
fn the_engine_of_the_docker_context_is_used() {
    let host = format!("unix://{}", RealEngine::given().socket().display());
    let folder = Folder::new("context");
    let config = folder.path().display().to_string();
    let mut docker = Command::new("docker");
    docker
        .env_remove("DOCKER_HOST")
        .env("DOCKER_CONFIG", &config);
    let named = format!("host={host}");
    docker.args(["context", "create", "colima", "--docker", &named]);
    process::output(&mut docker).expect("a context");
    let variables = [("DOCKER_CONFIG", &*config), ("DOCKER_CONTEXT", "colima")];
    let (_, told) = doctor(&[], &variables);
    let named = format!("{host}, named by the docker context colima");
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

/// One that ends like an agent with a token that no service knows.
const NOT_REGISTERED: &str = r#"{"Entrypoint":["sh","-c","exit 77"]}"#;

/// A patch that the server refuses.
const PRIVILEGED: &str = r#"{"HostConfig":{"Privileged":true}}"#;

#[test]
fn an_engine_is_tried_without_a_start_and_with_one_in_each_environment() {
    const CREATED: &str = "ok       created and removed a target;";
    const OF_E1: &str = "WRONG    the start of a target in the environment e1: 500";
    let environments = format!(r#"{{"e1":{{"container_patch":{TOO_MANY_PROCESSORS}}}}}"#);
    let deployment = Deployment::given();
    let start = &["--start"][..];
    let of_patch = |arguments: &'static [&'static str], patch, words| {
        (arguments, (PATCH, patch), words, "environment e1")
    };
    let of_e1 = ("ENVIRONMENTS", environments.as_str());
    for (arguments, variable, words, absent) in [
        of_patch(&[][..], "{}", CREATED),
        of_patch(&[], "{}", "ok       healthy"),
        of_patch(&[], TOO_MANY_PROCESSORS, "the Engine refused: 400"),
        of_patch(&[], NO_PROGRAM, CREATED),
        of_patch(&[], PRIVILEGED, "misconfigured: container_patch"),
        of_patch(&START, "{}", "ok       stopped it"),
        of_patch(
            start,
            NOT_REGISTERED,
            "ok       a target ran, and its agent",
        ),
        of_patch(start, ENDS_AT_ONCE, "with exit code 78"),
        of_patch(start, NO_PROGRAM, "the Engine refused: 400"),
        (&[], of_e1, CREATED, "misconfigured"),
        (&[], of_e1, OF_E1, "misconfigured"),
        (&["--environment-id", "e1"], of_e1, OF_E1, CREATED),
    ] {
        let told = of_engine(&deployment.engine, &deployment, arguments, variable);
        assert!(told.contains(words) && !told.contains(absent), "{told}");
        deployment.check_empty();
    }
}

#[test]
fn a_network_on_which_targets_reach_each_other_is_named() {
    // The Engines of these tests make no firewall rules, so the option has no effect.
    let isolated = json!({"com.docker.network.bridge.enable_icc": "false"});
    let (docker, podman) = (RealEngine::given(), RealEngine::podman());
    let deployment = Deployment::new(&docker);
    let shown = "WRONG    the network NAME lets targets reach each other";
    let tried = "WRONG    network: on NAME, two containers reached";
    for (engine, options, arguments, words, is_said) in [
        (&docker, &json!({}), &[][..], shown, true),
        (&docker, &isolated, &[], shown, false),
        (&docker, &isolated, &START, tried, true),
        // Podman ignores the option.
        (&podman, &isolated, &[], shown, true),
    ] {
        let network = engine.network(json!({"Options": options}));
        let told = of_engine(engine, &deployment, arguments, (PATCH, &network.patch()));
        // Nothing is left on it.
        let path = format!("/networks/{}", network.id);
        engine.call("DELETE", &path, None).check(204);
        let told = told.replace(&network.id, "NAME");
        assert_eq!(told.contains(words), is_said, "{told}");
        let is_tried = told.contains("created and removed") || told.contains("stopped it");
        assert!(is_tried, "{told}");
    }
}

#[test]
fn a_deployed_server_is_asked_for_a_target_if_that_is_wanted() {
    let deployment = Deployment::given();
    let (content, told) = against("http://127.0.0.1:1", &[], &[]);
    assert!(!content && told.contains("it does not answer"), "{told}");
    // The other one is healthy, and no start is possible.
    let refused = "WRONG    the start of a target: 5";
    for (patch, is_content, words) in [
        ("{}", true, "ok       started a target"),
        (TOO_MANY_PROCESSORS, false, refused),
    ] {
        let server = deployment.server(&[("container_patch", patch)]);
        // The URL of a webhook will do.
        let url = format!("http://{}/health", server.address());
        let (content, told) = against(&url, &START, &[]);
        assert_eq!(content, is_content, "{told}");
        for words in [
            words,
            "ok       healthy",
            "ok       without the secret: refused",
        ] {
            assert!(told.contains(words), "{told}");
        }
        assert_eq!(told.contains("ok       stopped it"), is_content, "{told}");
        deployment.check_empty();
        let (content, told) = doctor(&["--against", &url], &[]);
        assert!(content && !told.contains("healthy"), "{told}");
    }
}

#[test]
fn a_start_whose_answer_is_lost_is_asked_for_again_and_stopped() {
    let starts = AtomicU32::new(0);
    let id = "0123456789abcdef".repeat(4);
    let body = format!(r#"{{"uniqueId":"{id}"}}"#);
    let server = FakeEngine::start(move |line| match line.split(' ').nth(1) {
        Some("/start") if starts.fetch_add(1, Ordering::SeqCst) == 0 => Reply::Bytes(Vec::new()),
        Some("/start") => Reply::json("200 OK", &body),
        _ => Reply::json("200 OK", "{}"),
    });
    let start = ["--start", "--service-url", "https://here"];
    let (_, told) = against(&server.url(), &start, &[]);
    assert!(told.contains("ok       stopped it"), "{told}");
    let body_of = |request: &String| request.split("\r\n\r\n").nth(1).map(str::to_owned);
    let sent: Vec<_> = server.requests().iter().filter_map(body_of).collect();
    assert_eq!(sent.len(), 8, "{sent:?}");
    // The same token: there is one target.
    assert_eq!(sent[5], sent[6]);
    assert!(sent[5].contains("https://here"), "{sent:?}");
    assert_eq!(sent[7], format!(r#"{{"uniqueId":"{id}"}}"#));
}
