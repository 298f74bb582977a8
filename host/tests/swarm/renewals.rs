//! Renewals: a label of the service, which any manager updates.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::http::Answer;
use test_support::server::Server;
use test_support::unique;
use test_support::wait::wait_within;

use crate::stage::Stage;

/// The secret that opens `/v1`.
pub const API: &str = "dGhlIHNlY3JldCBvZiBhIHByb2dyYW0=";

/// The lifetime of targets without a renewal, and time for a busy machine.
const EXPIRED_BOUND: Duration = Duration::from_secs(90);

pub fn call(server: &Server, method: &str, path: &str, body: &Value) -> Answer {
    let authorization = format!("Basic {API}");
    let key = unique("key");
    let headers = [
        ("authorization", authorization.as_str()),
        ("content-type", "application/json"),
        ("idempotency-key", key.as_str()),
    ];
    server.send(method, path, &headers, body.to_string().as_bytes())
}

/// The id of a new target that lives a minute.
fn short_lived(server: &Server) -> String {
    let order = json!({
        "environment": "e",
        "serviceUrl": "http://192.0.2.1:9",
        "secrets": {"activation-token": "planted"},
        "lifetime": "1m",
    });
    let answer = call(server, "POST", "/v1/targets", &order);
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["id"].as_str().expect("an id").to_owned()
}

pub fn a_renewed_target_outlives_its_lifetime(stage: &Stage<'_>) {
    let [first, second] = [1, 2].map(|node| stage.server_with(node, &[("api_secret", API)]));
    let renewed = short_lived(&first);
    let renew = |server: &Server, lifetime: &str| {
        let path = format!("/v1/targets/{renewed}/renew");
        call(server, "POST", &path, &json!({"lifetime": lifetime}))
    };
    for (server, lifetime) in [(&second, "30m"), (&first, "1h")] {
        let answer = renew(server, lifetime);
        assert_eq!(answer.status, 200, "{answer:?}");
        // Whatever manager is asked shows it.
        let shown = call(
            &first,
            "GET",
            &format!("/v1/targets/{renewed}"),
            &json!(null),
        );
        assert_eq!(shown.json()["expires"], answer.json()["expires"]);
    }
    // The update has replaced no task.
    assert_eq!(stage.list("tasks").len(), 1);
    let twin = short_lived(&second);
    let reaped = |path: &str| {
        let answer = call(&first, "POST", path, &json!(null));
        assert_eq!(answer.status, 200, "{answer:?}");
        let removed = answer.json()["removed"].clone();
        let removed = removed.as_array().expect("a list").clone();
        let ids = removed.iter().map(|entry| entry["uniqueId"].clone());
        ids.collect::<Vec<_>>()
    };
    wait_within(EXPIRED_BOUND, "the end of a lifetime", || {
        let due = reaped("/reap?dry_run=1");
        due.contains(&json!(twin)).then_some(())
    });
    // A reap leaves a target whose node takes longer to confirm its end to the next one.
    let mut removed = Vec::new();
    wait_within(EXPIRED_BOUND, "its removal", || {
        removed.extend(reaped("/reap"));
        (!removed.is_empty()).then_some(())
    });
    assert_eq!(removed, [json!(twin)]);
    let tasks = stage.live_tasks();
    let [task] = &tasks[..] else {
        panic!("{tasks:?}")
    };
    assert_eq!(task["ServiceID"], renewed.as_str());
    assert_eq!(first.stop_target(&renewed).status, 200);
    assert_eq!(renew(&first, "30m").status, 404);
    stage.check_nothing_is_left();
}
