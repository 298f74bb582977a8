//! Targets on a real Engine, from start to stop.

use test_support::own::sleeper;
use test_support::prelude::*;

on_each_engine!(
    a_target_runs_until_its_stop_which_is_a_success_however_often_it_is_asked,
    only_what_is_ours_is_stopped_and_reaped_and_a_dry_run_only_names_it,
    a_start_that_fails_leaves_nothing_and_health_tells_why,
    an_entry_point_that_is_missing_is_no_success_and_not_run_again,
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

fn only_what_is_ours_is_stopped_and_reaped_and_a_dry_run_only_names_it(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let server = deployment.server(&[]);
    let name = |suffix: &str| format!("{}-{suffix}", deployment.id);
    // The labels of a deployment and a name, which may be those of another container.
    let foreign = [
        ("plain", None, None),
        ("image", Some(&*deployment.id), Some(name("other"))),
        ("unnamed", Some(&*deployment.id), None),
        ("theirs", Some("theirs"), Some(name("theirs"))),
    ];
    let foreign = foreign.map(|(suffix, of, named)| {
        // Ours would be past its lifetime within a second.
        let mut labels = json!({
            "dynamic-access.max-lifetime": "0",
            "dynamic-access.start-within": "0",
        });
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
        foreign
    });
    // Younger than those, which would be due too.
    let old = deployment.expired();
    let young = deployment.running(json!({"dynamic-access.max-lifetime": "3600"}));
    // The Engine's clock has a resolution of a second.
    let named = wait_for("the age of a second", || {
        Some(server.reaped("/reap?dry_run=1")).filter(|named| !named.is_empty())
    });
    let expected = json!({"uniqueId": old.id, "reason": "past its lifetime"});
    assert_eq!(named, std::slice::from_ref(&expected));
    assert_eq!(engine.state(&old.id).as_deref(), Some("running"));
    assert_eq!(server.reaped("/reap"), [expected]);
    assert_eq!(engine.state(&old.id), None);
    assert_eq!(server.reaped("/reap"), [Value::Null; 0]);
    for one in foreign.iter().chain([&young]) {
        assert_eq!(engine.state(&one.id).as_deref(), Some("running"));
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

#[test]
fn a_network_that_is_full_has_no_room() {
    let deployment = Deployment::given();
    // One address for the gateway and one for a target.
    let options = json!({
        "Options": {"com.docker.network.bridge.enable_icc": "false"},
        "IPAM": {"Config": [{"Subnet": "10.231.8.0/30"}]},
    });
    let network = deployment.engine.network(options);
    let patch = network.patch();
    let server = deployment.server(&[("container_patch", &patch)]);
    let id = server.started();
    let answer = server.start_target(&unique("token"));
    server.check_failed(&answer, 429, "no available IPv4 addresses");
    answer.check_come_again(429);
    deployment.check_has(&[&id]);
    server.stop_target(&id).check_done();
}

/// Checks that a start, and a repeated one, report the end of the target. They are repeated while
/// the Engine is too busy for an answer, which Podman reports as its own failure. Returns whether
/// the first was answered before the end showed.
#[track_caller]
fn is_told_too_early(server: &Server, exit_code: &str) -> bool {
    let token = unique("token");
    let told = || {
        let mut answers = (0..5).map(|_| server.start_target(&token));
        let told = answers.find(|answer| !matches!(answer.status, 502..=504));
        told.expect("one of five starts is told how its target has ended")
    };
    let first = told();
    let is_early = first.status == 200;
    if !is_early {
        server.check_failed(&first, 409, exit_code);
    }
    let again = wait_for("the end of the target", || {
        Some(told()).filter(|answer| answer.status != 200)
    });
    server.check_failed(&again, 409, exit_code);
    is_early
}

fn an_entry_point_that_is_missing_is_no_success_and_not_run_again(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let server = deployment.server(&[("container_patch", r#"{"Entrypoint":["/no/such/file"]}"#)]);
    let ending = of_a_missing_program(engine);
    // Many at once keep the Engine busy. On an overloaded host, one start in three hundred is
    // answered too early (bench/README.md).
    let early = at_once(8, |_| is_told_too_early(&server, ending));
    let early = early.into_iter().filter(|is_early| *is_early).count();
    assert!(
        early <= 1,
        "{early} of 8 starts of a missing program succeeded"
    );
    for id in deployment.containers() {
        assert_eq!(engine.state(&id).as_deref(), Some("exited"));
    }
}

/// How the init process of an Engine ends without the program that it should start.
pub fn of_a_missing_program(engine: &RealEngine) -> &'static str {
    engine.either("exit code 127", "exit code 1")
}
