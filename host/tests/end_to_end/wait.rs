//! Waits until a target is ready, or has ended.

use std::time::{Duration, Instant};

use test_support::prelude::*;

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
    let lines = "ENTRYPOINT [\"sleep\", \"600\"]\n\
        HEALTHCHECK --interval=1s --retries=1 CMD test -e /tmp/ready";
    let image = engine.image_of_agent(lines);
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

on_each_engine!(a_start_waits_for_the_health_check_of_a_patch_where_the_engine_tells_it);

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
