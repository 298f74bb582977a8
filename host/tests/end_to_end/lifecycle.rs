//! Targets on a real Engine, from start to stop.

use serde_json::{Value, json};
use test_support::at_once::at_once;
use test_support::engine::RealEngine;
use test_support::own::{Deployment, Own};
use test_support::wait::wait_for;
use test_support::{given, unique};

/// The create body of a sleeping container of the agent's image, with labels.
pub fn sleeper(labels: &Value) -> Value {
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

/// A running container of this deployment, with these labels beside those of every target.
pub fn ours<'a>(engine: &'a RealEngine, deployment: &Deployment<'_>, mut labels: Value) -> Own<'a> {
    let name = unique(&format!("{}-", deployment.id));
    labels["dynamic-access.deployment"] = json!(deployment.id);
    labels["dynamic-access.name"] = json!(name);
    let ours = engine.foreign(&name, sleeper(&labels));
    ours.start();
    ours
}

/// A running container of this deployment, past its lifetime within a second.
pub fn expired<'a>(engine: &'a RealEngine, deployment: &Deployment<'_>) -> Own<'a> {
    let labels = json!({
        "dynamic-access.max-lifetime": "0",
        "dynamic-access.start-within": "0",
    });
    ours(engine, deployment, labels)
}

on_each_engine!(
    a_target_runs_until_its_stop_which_is_a_success_however_often_it_is_asked,
    a_container_that_is_not_ours_is_404_and_untouched,
    a_start_that_fails_leaves_nothing_and_health_tells_why,
    a_reap_names_what_it_removes_and_a_dry_run_only_names_it,
);

fn a_target_runs_until_its_stop_which_is_a_success_however_often_it_is_asked(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let server = deployment.server(&[]);
    let id = server.start_target(&unique("token")).unique_id();
    deployment.check_has(&[&id]);
    assert_eq!(engine.state(&id).as_deref(), Some("running"));
    at_once(4, |_| server.stop_target(&id).check_done());
    assert_eq!(engine.state(&id), None);
    deployment.check_empty();
    server.stop_target(&id).check_done();
    server.stop_target(&"0".repeat(64)).check_done();
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
        server.stop_target(&foreign.id[..12]).check(400);
        server.stop_target(&name(suffix)).check(400);
        for method in ["GET", "DELETE"] {
            server.target(method, &foreign.id).check(404);
        }
        assert_eq!(server.targets(""), json!([]), "{suffix}");
        assert_eq!(server.reaped("/reap"), [Value::Null; 0], "{suffix}");
        let state = engine.state(&foreign.id);
        assert_eq!(state.as_deref(), Some("running"), "{suffix}");
    }
}

fn a_start_that_fails_leaves_nothing_and_health_tells_why(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    deployment.server(&[]).health().check_done();
    // Docker looks for the network only when a container is started.
    let no_network = r#"{"HostConfig":{"NetworkMode":"no-such-network"}}"#;
    for (variable, reasons) in [
        (
            ("container_patch", no_network),
            ["docker network create", "no-such-network"],
        ),
        (
            ("agent_image", "no-such-image"),
            ["no image", "no-such-image"],
        ),
    ] {
        let server = deployment.server(&[variable]);
        let started = server.start_target(&unique("token"));
        let health = server.health();
        for reason in reasons {
            server.check_failed(&started, 500, reason);
            server.check_failed(&health, 503, reason);
        }
        deployment.check_empty();
    }
}

fn a_reap_names_what_it_removes_and_a_dry_run_only_names_it(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let server = deployment.server(&[]);
    let old = expired(engine, &deployment);
    let labels = json!({"dynamic-access.max-lifetime": "3600"});
    let young = ours(engine, &deployment, labels);
    // The Engine's clock has a resolution of a second.
    let named = wait_for("the age of a second", || {
        Some(server.reaped("/reap?dry_run=1")).filter(|named| !named.is_empty())
    });
    let expected = json!({"uniqueId": old.id, "reason": "past its lifetime"});
    assert_eq!(named, std::slice::from_ref(&expected));
    assert_eq!(engine.state(&old.id).as_deref(), Some("running"));
    server.call("POST", "/reap?dry_run=yes", "").check(400);
    assert_eq!(server.reaped("/reap"), [expected]);
    assert_eq!(engine.state(&old.id), None);
    assert_eq!(engine.state(&young.id).as_deref(), Some("running"));
    assert_eq!(server.reaped("/reap"), [Value::Null; 0]);
}
