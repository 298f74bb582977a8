//! The owners of targets, and waits for targets.

use serde_json::{Value, json};
use test_support::http::Answer;
use test_support::server::Server;

use crate::nodes::NETWORK;
use crate::renewals::{API, call};
use crate::stage::Stage;

/// How many wait at once.
const WAITERS: usize = 5;

fn start(server: &Server, owner: &str) -> Answer {
    let order = json!({"environment": "e", "owner": owner, "labels": {"a": "1"}});
    call(server, "POST", "/v1/targets?wait=20s", &order)
}

pub fn an_owners_targets_are_counted_and_waited_for(stage: &Stage<'_>) {
    // A second is in billionths.
    let check = json!({"Test": ["CMD", "true"], "Interval": 1_000_000_000});
    let patch = json!({
        "Networks": [{"Target": NETWORK}],
        "Placement": {"Constraints": []},
        "ContainerSpec": {"Command": ["sh", "-c", "sleep 15; exit 7"], "Healthcheck": check},
    });
    let patch = patch.to_string();
    let variables = [
        ("api_secret", API),
        ("container_patch", &patch),
        ("max_targets_per_owner", "1"),
    ];
    let server = stage.server_with(1, &variables);
    let first = start(&server, "o");
    assert_eq!(first.status, 201, "{first:?}");
    let first = first.json();
    let told = (&first["ready"], &first["owner"], &first["labels"]);
    assert_eq!(told, (&json!(true), &json!("o"), &json!({"a": "1"})));
    // The first has a vouch, so only its task is listed.
    let refused = start(&server, "o");
    assert_eq!(refused.status, 429, "{refused:?}");
    let other = start(&server, "other");
    assert_eq!(other.status, 201, "{other:?}");
    let list = call(
        &server,
        "GET",
        "/v1/targets?owner=o&label=a=1",
        &Value::Null,
    );
    let list = list.json();
    assert_eq!(list["targets"][0]["id"], first["id"], "{list}");
    assert_eq!(list["targets"].as_array().map(Vec::len), Some(1), "{list}");
    let id = first["id"].as_str().expect("an id");
    let path = format!("/v1/targets/{id}/wait?for=ended");
    std::thread::scope(|scope| {
        for _ in 0..WAITERS {
            scope.spawn(|| {
                let ended = call(&server, "GET", &path, &Value::Null).json();
                let told = (&ended["state"], &ended["exitCode"]);
                assert_eq!(told, (&json!("ended"), &json!(7)), "{ended}");
            });
        }
    });
    for target in [&first, &other.json()] {
        let id = target["id"].as_str().expect("an id");
        assert_eq!(server.stop_target(id).status, 200);
    }
    stage.check_nothing_is_left();
}
