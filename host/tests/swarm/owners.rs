//! The owners of targets, and waits for targets.

use test_support::prelude::*;

use crate::stage::Stage;

/// How many wait at once.
const WAITERS: usize = 5;

/// A target that runs until it is told to end.
const SCRIPT: &str = "until test -e /tmp/end; do sleep 1; done; exit 7";

fn start(server: &Server, owner: &str) -> Answer {
    let order = json!({"environment": "e", "owner": owner, "labels": {"a": "1"}});
    server.ask_with("/v1/targets?wait=20s", &unique("key"), &order, &[])
}

pub fn an_owners_targets_are_counted_and_waited_for(stage: &Stage<'_>) {
    // A second is in billionths.
    let check = json!({"Test": ["CMD", "true"], "Interval": 1_000_000_000});
    let spec = json!({"Command": ["sh", "-c", SCRIPT], "Healthcheck": check});
    let server = stage
        .patched("ContainerSpec", &spec)
        .server_with(1, &[("max_targets_per_owner", "1")]);
    let first = start(&server, "o").check(201);
    let told = json!({"ready": true, "owner": "o", "labels": {"a": "1"}});
    check_members(&first.json(), &told);
    // The first has a vouch, so only its task is listed.
    start(&server, "o").check(429);
    let other = start(&server, "other").check(201);
    let list = server.targets("?owner=o&label=a=1");
    assert_eq!(list.as_array().map(Vec::len), Some(1), "{list}");
    assert_eq!(list[0]["id"], json!(first.id()));
    let path = format!("/v1/targets/{}/wait?for=ended", first.id());
    std::thread::scope(|scope| {
        for _ in 0..WAITERS {
            scope.spawn(|| {
                let ended = server.by(API, "GET", &path, "").json();
                check_members(&ended, &json!({"state": "ended", "exitCode": 7}));
            });
        }
        let (node, container) = stage.place_of(&first.id());
        node.shell(&container, "touch /tmp/end");
    });
    for target in [first, other] {
        server.stop_target(&target.id()).check(200);
    }
}
