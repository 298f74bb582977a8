//! Targets on a real Engine, from start to stop.

use serde_json::{Value, json};
use test_support::at_once::at_once;
use test_support::engine::RealEngine;
use test_support::own::{Deployment, sleeper};
use test_support::unique;
use test_support::wait::wait_for;

on_each_engine!(
    a_target_runs_until_its_stop_which_is_a_success_however_often_it_is_asked,
    a_container_that_is_not_ours_is_404_and_untouched,
    a_start_that_fails_leaves_nothing_and_health_tells_why,
    a_reap_names_what_it_removes_and_a_dry_run_only_names_it,
);

fn a_target_runs_until_its_stop_which_is_a_success_however_often_it_is_asked(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let server = deployment.server(&[]);
    let id = server.started();
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
    // The labels of a deployment and a name, which may be those of another container.
    for (suffix, of, named) in [
        ("plain", None, None),
        ("image", Some(&*deployment.id), Some(name("other"))),
        ("unnamed", Some(&*deployment.id), None),
        ("theirs", Some("theirs"), Some(name("theirs"))),
    ] {
        let mut labels = json!({});
        if let Some(of) = of {
            labels["dynamic-access.deployment"] = json!(of);
        }
        if let Some(named) = named {
            labels["dynamic-access.name"] = json!(named);
        }
        let foreign = engine.foreign(&name(suffix), sleeper(&labels));
        foreign.start();
        server.stop_target(&foreign.id).check(404);
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
    let network = r#"{"HostConfig":{"NetworkMode":"no-such-network"}}"#;
    let create = "docker network create";
    for (variable, reasons) in [
        (("container_patch", network), [create, "no-such-network"]),
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
    let old = deployment.expired();
    let young = deployment.running(json!({"dynamic-access.max-lifetime": "3600"}));
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
