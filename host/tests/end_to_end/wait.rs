//! Waits until a target is ready, or has ended.

use std::time::Instant;

use serde_json::{Value, json};
use test_support::engine::{Kind, RealEngine};
use test_support::own::{Deployment, Image};
use test_support::server::{OPERATOR, Server};
use test_support::unique;

use crate::targets::{ask_with, check_status, order};

/// How many wait at once.
const WAITERS: usize = 20;

/// The id of a target that was started with this query.
#[track_caller]
fn started(server: &Server, query: &str, ready: &Value) -> String {
    let answer = ask_with(
        server,
        &format!("/v1/targets{query}"),
        &unique("key"),
        &order(),
        &[],
    );
    check_status(&answer, 201);
    let target = answer.json();
    assert_eq!(&target["ready"], ready, "{target}");
    target["id"].as_str().expect("an id").to_owned()
}

#[track_caller]
fn waited(server: &Server, id: &str, query: &str) -> Value {
    let answer = server.by(
        OPERATOR,
        "GET",
        &format!("/v1/targets/{id}/wait?{query}"),
        "",
    );
    check_status(&answer, 200);
    answer.json()
}

#[test]
fn many_wait_for_an_images_health_check() {
    let engine = RealEngine::given();
    let check = "HEALTHCHECK --interval=1s --retries=1 CMD test -e /tmp/ready";
    let image = Image::of_agent(&engine, &["sleep", "600"], check);
    // Dropped before its image.
    let deployment = Deployment::new(&engine);
    let server = deployment.server(&[("agent_image", &image.name)]);
    let id = started(&server, "?wait=2s", &json!(false));
    assert_eq!(waited(&server, &id, "for=ready&timeout=1s")["ready"], false);
    std::thread::scope(|scope| {
        let waiters = (0..WAITERS).map(|_| {
            scope.spawn(|| {
                let begun = Instant::now();
                let target = waited(&server, &id, "for=ready");
                assert_eq!(target["ready"], true, "{target}");
                begun.elapsed().as_secs()
            })
        });
        let waiters: Vec<_> = waiters.collect();
        engine.shell(&id, "sleep 3; touch /tmp/ready");
        for waiter in waiters {
            let took = waiter.join().expect("an answer");
            assert!((3..10).contains(&took), "{took} s");
        }
    });
    // It is ready already.
    assert_eq!(waited(&server, &id, "for=ready&timeout=1s")["ready"], true);
    let page = server.send(
        "GET",
        "/",
        &[("authorization", &format!("Basic {OPERATOR}"))],
        b"",
    );
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
    let ready = match engine.kind() {
        Kind::Docker => json!(true),
        Kind::Podman => Value::Null,
    };
    let id = started(&server, "?wait=20s", &ready);
    assert_eq!(waited(&server, &id, "for=ready")["ready"], ready);
}

fn a_wait_for_the_end_tells_the_exit_code(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let patch = r#"{"Entrypoint":["sh","-c","sleep 4; exit 7"]}"#;
    let server = deployment.server(&[("container_patch", patch)]);
    let id = started(&server, "", &Value::Null);
    let target = waited(&server, &id, "for=ended&timeout=1s");
    assert_eq!(
        (&target["state"], &target["exitCode"]),
        (&json!("running"), &Value::Null)
    );
    let target = waited(&server, &id, "for=ended");
    assert_eq!(
        (&target["state"], &target["exitCode"]),
        (&json!("ended"), &json!(7))
    );
    let path = format!("/v1/targets/{id}");
    assert_eq!(server.by(OPERATOR, "GET", &path, "").json(), target);
    let list = server.by(OPERATOR, "GET", "/v1/targets", "").json();
    assert_eq!(list["targets"][0], target);
    let path = format!("/v1/targets/{id}/wait?for=ready");
    check_status(&server.by(OPERATOR, "GET", &path, ""), 200);
    engine.try_remove(&id).expect("it is removed");
    check_status(&server.by(OPERATOR, "GET", &path, ""), 404);
}
