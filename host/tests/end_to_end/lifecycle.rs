//! Targets on a real Engine, from start to stop.

use std::time::{Duration, Instant};

use serde_json::json;
use test_support::engine::RealEngine;
use test_support::http::Answer;
use test_support::own::{Deployment, Foreign, Network};
use test_support::{given, unique};

use crate::gone_between::check_no_network;

#[track_caller]
pub fn id_of(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = answer.json();
    assert_eq!(body.as_object().map(|body| body.len()), Some(1));
    body["uniqueId"].as_str().expect("an id").to_owned()
}

#[track_caller]
pub fn check_done(answer: &Answer) {
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
}

/// The create body of a sleeping container of the agent's image, with labels.
pub fn sleeper(labels: &serde_json::Value) -> serde_json::Value {
    json!({
        "Image": given("TEST_AGENT_IMAGE"),
        "Entrypoint": ["sleep", "300"],
        "Labels": labels,
        // Podman waits for this before it kills, and a first process ignores being asked.
        "StopTimeout": 1,
        // Podman's own network would add rules to this machine's firewall.
        "HostConfig": {"NetworkMode": "none"},
    })
}

/// A running container of this deployment, past its lifetime within a second.
pub fn expired<'a>(engine: &'a RealEngine, deployment: &Deployment<'_>) -> Foreign<'a> {
    let name = format!("{}-expired", deployment.id);
    let labels = json!({
        "dynamic-access.deployment": deployment.id,
        "dynamic-access.name": name,
        "dynamic-access.max-lifetime": "0",
        "dynamic-access.start-within": "0",
    });
    let old = engine.foreign(&name, sleeper(&labels));
    old.start();
    old
}

on_each_engine!(
    a_target_runs_from_its_start_to_its_stop,
    a_stop_is_a_success_however_often_it_is_asked,
    twenty_starts_with_one_token_at_two_hosts_make_one_container,
    a_target_that_has_ended_is_not_run_again,
    a_container_that_is_not_ours_is_404_and_untouched,
    a_start_that_fails_leaves_nothing,
    health_is_true_of_the_next_start,
    max_targets_is_never_exceeded,
    a_reap_names_what_it_removes_and_a_dry_run_only_names_it,
);

fn a_target_runs_from_its_start_to_its_stop(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let server = deployment.server(&[]);
    let id = id_of(&server.start_target(&unique("token")));
    assert_eq!(deployment.containers(), std::slice::from_ref(&id));
    assert_eq!(engine.state(&id).as_deref(), Some("running"));
    // Podman asks a container to end before it kills it, and waits for the
    // container's own stop timeout.
    let asked = Instant::now();
    check_done(&server.stop_target(&id));
    assert!(asked.elapsed() < Duration::from_secs(12));
    assert_eq!(engine.state(&id), None);
    assert_eq!(deployment.containers(), Vec::<String>::new());
}

fn a_stop_is_a_success_however_often_it_is_asked(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let server = deployment.server(&[]);
    let id = id_of(&server.start_target(&unique("token")));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| check_done(&server.stop_target(&id)));
        }
    });
    check_done(&server.stop_target(&id));
    check_done(&server.stop_target(&"0".repeat(64)));
}

fn twenty_starts_with_one_token_at_two_hosts_make_one_container(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let hosts = [(); 2].map(|()| deployment.server(&[]));
    let token = unique("token");
    let mut ids: Vec<String> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..20)
            .map(|count| {
                let (host, token) = (&hosts[count % 2], &token);
                scope.spawn(move || id_of(&host.start_target(token)))
            })
            .collect();
        let ids = starts.into_iter().map(|start| start.join().expect("an id"));
        ids.collect()
    });
    ids.dedup();
    assert_eq!(ids, deployment.containers());
    assert_eq!(ids.len(), 1);
}

fn a_target_that_has_ended_is_not_run_again(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let server = deployment.server(&[]);
    let token = unique("token");
    let id = id_of(&server.start_target(&token));
    engine.kill(&id);
    assert_eq!(server.start_target(&token).status, 409);
    assert_eq!(engine.state(&id).as_deref(), Some("exited"));
}

fn a_container_that_is_not_ours_is_404_and_untouched(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let server = deployment.server(&[]);
    let name = |suffix: &str| format!("{}-{suffix}", deployment.id);
    let other_name = name("other");
    let ours = &deployment.id;
    for (suffix, labels) in [
        ("plain", json!({})),
        (
            "image",
            json!({"dynamic-access.deployment": ours, "dynamic-access.name": other_name}),
        ),
        ("unnamed", json!({"dynamic-access.deployment": ours})),
        (
            "theirs",
            json!({"dynamic-access.deployment": "theirs", "dynamic-access.name": name("theirs")}),
        ),
    ] {
        let foreign = engine.foreign(&name(suffix), sleeper(&labels));
        foreign.start();
        let answer = server.stop_target(&foreign.id);
        assert_eq!(answer.status, 404, "{suffix} {answer:?}");
        assert_eq!(server.stop_target(&foreign.id[..12]).status, 400);
        assert_eq!(server.stop_target(&name(suffix)).status, 400);
        assert_eq!(server.call("POST", "/reap", "").status, 200);
        let state = engine.state(&foreign.id);
        assert_eq!(state.as_deref(), Some("running"), "{suffix}");
    }
}

fn a_start_that_fails_leaves_nothing(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    // Docker looks for the network only when a container is started.
    let patch = r#"{"HostConfig":{"NetworkMode":"no-such-network"}}"#;
    let server = deployment.server(&[("container_patch", patch)]);
    check_no_network(&server, "no-such-network");
    assert_eq!(deployment.containers(), Vec::<String>::new());
    let unhealthy = server.call("GET", "/health", "");
    assert_eq!(unhealthy.status, 503, "{unhealthy:?}");
    let line = server.line_about(&unhealthy).to_string();
    assert!(
        line.contains("docker network create") && line.contains("no-such-network"),
        "{line}"
    );
}

fn health_is_true_of_the_next_start(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let server = deployment.server(&[]);
    check_done(&server.call("GET", "/health", ""));
    let server = deployment.server(&[("agent_image", "no-such-image")]);
    let answer = server.call("GET", "/health", "");
    assert_eq!(answer.status, 503);
    let line = server.line_about(&answer);
    let error = line["error"].as_str().expect("an error");
    assert!(error.contains("no-such-image"), "{line}");
    assert_eq!(server.start_target(&unique("token")).status, 500);
}

#[test]
fn a_network_that_does_not_isolate_targets_is_noted_with_each_health_check() {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let note = |network: &str| {
        let patch = json!({"HostConfig": {"NetworkMode": network}}).to_string();
        let server = deployment.server(&[("container_patch", &patch)]);
        check_done(&server.call("GET", "/health", ""));
        let note = format!("the network {network} lets targets reach each other");
        let line = server.wait_for_line(r#""route":"/health""#);
        line.contains(&note)
    };
    let open = Network::new(&engine, json!({}));
    assert!(note(&open.name));
    assert!(!note("dynamic-access"));
}

fn max_targets_is_never_exceeded(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let server = deployment.server(&[("max_targets", "2")]);
    let first = id_of(&server.start_target(&unique("token")));
    id_of(&server.start_target(&unique("token")));
    let refused = server.start_target(&unique("token"));
    assert_eq!(refused.status, 429, "{refused:?}");
    assert!(refused.header("retry-after").is_some());
    check_done(&server.call("GET", "/health", ""));
    assert_eq!(deployment.containers().len(), 2);
    check_done(&server.stop_target(&first));
    id_of(&server.start_target(&unique("token")));
}

fn a_reap_names_what_it_removes_and_a_dry_run_only_names_it(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let server = deployment.server(&[]);
    let old = expired(engine, &deployment);
    let name = format!("{}-young", deployment.id);
    let labels = json!({
        "dynamic-access.deployment": deployment.id,
        "dynamic-access.name": name,
        "dynamic-access.max-lifetime": "3600",
    });
    let young = engine.foreign(&name, sleeper(&labels));
    young.start();
    let removed = |path: &str| {
        let body = server.call("POST", path, "").json();
        body["removed"].as_array().expect("a list").clone()
    };
    // The Engine's clock has a resolution of a second.
    let named = test_support::wait::wait_for("the age of a second", || {
        Some(removed("/reap?dry_run=1")).filter(|named| !named.is_empty())
    });
    let expected = json!({"uniqueId": old.id, "reason": "past its lifetime"});
    assert_eq!(named, std::slice::from_ref(&expected));
    assert_eq!(engine.state(&old.id).as_deref(), Some("running"));
    assert_eq!(server.call("POST", "/reap?dry_run=yes", "").status, 400);
    assert_eq!(removed("/reap"), [expected]);
    assert_eq!(engine.state(&old.id), None);
    assert_eq!(engine.state(&young.id).as_deref(), Some("running"));
    assert_eq!(removed("/reap"), Vec::<serde_json::Value>::new());
}
