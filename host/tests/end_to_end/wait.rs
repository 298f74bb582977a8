//! Waits until a target is ready, or has ended.

use std::time::Instant;

use serde_json::{Value, json};
use test_support::engine::{Kind, RealEngine};
use test_support::own::Deployment;
use test_support::server::{OPERATOR, Server};
use test_support::unique;
use test_support::wait::wait_for;

use crate::lifecycle::sleeper;
use crate::targets::{ask_at, call, check_status};

/// How many wait at once.
const WAITERS: usize = 20;

/// The id of a target that was started with this query.
#[track_caller]
fn started(server: &Server, query: &str, ready: &Value) -> String {
    let answer = ask_at(server, &format!("/v1/targets{query}"), &unique("key"));
    check_status(&answer, 201);
    let target = answer.json();
    assert_eq!(&target["ready"], ready, "{target}");
    target["id"].as_str().expect("an id").to_owned()
}

#[track_caller]
fn waited(server: &Server, id: &str, query: &str) -> Value {
    let answer = call(
        server,
        OPERATOR,
        "GET",
        &format!("/v1/targets/{id}/wait?{query}"),
    );
    check_status(&answer, 200);
    answer.json()
}

#[test]
fn many_wait_for_an_images_health_check_and_look_once_a_second() {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let image = unique("checked");
    let model = engine.foreign(&unique("model"), sleeper(&json!({})));
    let check = "HEALTHCHECK --interval=1s --retries=1 CMD test -e /tmp/ready";
    engine.commit(&model.id, &image, &["sleep", "600"], check);
    let server = deployment.server(&[("agent_image", &image)]);
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
    let looks = |line: &String| {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let is_wait = line["route"] == "/v1/targets/{id}/wait";
        let ms = line["ms"].as_u64().expect("a time");
        let calls = line["calls"].as_array().map_or(0, Vec::len) as u64;
        is_wait.then_some((calls, ms))
    };
    // A line may come after its answer.
    let looks = wait_for("a line for each wait", || {
        let looks: Vec<_> = server.log().iter().filter_map(looks).collect();
        (looks.len() == WAITERS + 1).then_some(looks)
    });
    for (calls, ms) in looks {
        assert!(calls <= 2 + ms / 1000, "{calls} calls in {ms} ms");
    }
    // It is ready already.
    assert_eq!(waited(&server, &id, "for=ready&timeout=1s")["ready"], true);
    let page = server.send(
        "GET",
        "/",
        &[("authorization", &format!("Basic {OPERATOR}"))],
        b"",
    );
    assert!(page.body.contains("running, ready"), "{page:?}");
    let _ = engine.try_remove_image(&image);
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
    let path = format!("/v1/targets/{id}/wait?for=ready");
    check_status(&call(&server, OPERATOR, "GET", &path), 200);
    engine.try_remove(&id).expect("it is removed");
    check_status(&call(&server, OPERATOR, "GET", &path), 404);
}
