//! Waits until a target is ready, or has ended.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use test_support::engine::RealEngine;
use test_support::members::check_members;
use test_support::own::Deployment;
use test_support::server::{OPERATOR, Server, order};
use test_support::unique;

/// How many wait at once.
const WAITERS: usize = 20;

/// How long they wait at least.
const NOT_READY: Duration = Duration::from_secs(3);

/// The id of a target that was started with this query.
#[track_caller]
fn started(server: &Server, query: &str, ready: &Value) -> String {
    let path = format!("/v1/targets{query}");
    let answer = server.ask_with(&path, &unique("key"), &order(), &[]);
    let answer = answer.check(201);
    check_members(&answer.json(), &json!({"ready": ready}));
    answer.id()
}

#[track_caller]
fn waited(server: &Server, id: &str, query: &str) -> Value {
    let path = format!("/v1/targets/{id}/wait?{query}");
    server.by(OPERATOR, "GET", &path, "").check(200).json()
}

#[test]
fn many_wait_for_an_images_health_check() {
    let engine = RealEngine::given();
    let check = "HEALTHCHECK --interval=1s --retries=1 CMD test -e /tmp/ready";
    let image = engine.image_of_agent(&["sleep", "600"], check);
    // Dropped before its image.
    let deployment = Deployment::new(&engine);
    let server = deployment.server(&[("agent_image", &image.id)]);
    let id = started(&server, "?wait=2s", &json!(false));
    assert_eq!(waited(&server, &id, "for=ready&timeout=1s")["ready"], false);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..WAITERS {
            scope.spawn(|| {
                let target = waited(&server, &id, "for=ready");
                assert_eq!(target["ready"], true, "{target}");
                assert!(begun.elapsed() >= NOT_READY);
            });
        }
        let script = format!("sleep {}; touch /tmp/ready", NOT_READY.as_secs());
        engine.shell(&id, &script);
    });
    // It is ready already.
    assert_eq!(waited(&server, &id, "for=ready&timeout=1s")["ready"], true);
    let page = server.with_basic(OPERATOR, "GET", "/", "");
    assert!(page.body.contains("running, ready"), "{page:?}");
}

on_each_engine!(
    a_start_waits_for_the_health_check_of_a_patch_where_the_engine_tells_it,
    a_wait_for_the_end_tells_the_exit_code,
);

fn a_start_waits_for_the_health_check_of_a_patch_where_the_engine_tells_it(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let patch = json!({
        "Entrypoint": ["sleep", "600"],
        "Healthcheck": {"Test": ["CMD-SHELL", "true"], "Interval": 1_000_000_000},
    });
    let server = deployment.server(&[("container_patch", &patch.to_string())]);
    // Podman's list has no word of it.
    let ready = engine.either(json!(true), Value::Null);
    let id = started(&server, "?wait=20s", &ready);
    assert_eq!(waited(&server, &id, "for=ready")["ready"], ready);
}

fn a_wait_for_the_end_tells_the_exit_code(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let script = "until test -e /tmp/end; do sleep 0.1; done; exit 7";
    let patch = json!({"Entrypoint": ["sh", "-c", script]}).to_string();
    let server = deployment.server(&[("container_patch", &patch)]);
    let id = started(&server, "", &Value::Null);
    let target = waited(&server, &id, "for=ended&timeout=1s");
    check_members(&target, &json!({"state": "running", "exitCode": null}));
    engine.shell(&id, "touch /tmp/end");
    let target = waited(&server, &id, "for=ended");
    check_members(&target, &json!({"state": "ended", "exitCode": 7}));
    assert_eq!(server.target("GET", &id).json(), target);
    assert_eq!(server.targets(""), json!([target]));
    waited(&server, &id, "for=ready");
    engine.try_remove(&id).expect("it is removed");
    let path = format!("/v1/targets/{id}/wait?for=ready");
    server.by(OPERATOR, "GET", &path, "").check(404);
}
