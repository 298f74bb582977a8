//! What callers of `/v1` ask of a Swarm: their choices, owners, waits and renewals.

use std::time::Duration;

use test_support::prelude::*;

use crate::stage::{Stage, agreed};

/// The target opens the image's folder, as an image for another user than root must.
const TELLS: &str = "chmod 0711 /run/dynamic-access; stat --format '%u %a' /run/dynamic-access/a; \
    setpriv --reuid 1000 --clear-groups cat /run/dynamic-access/a; echo; echo \"$GREETING\"; exec sleep 300";

pub fn an_order_has_what_it_chooses(stage: &Stage<'_>) {
    let stage = stage.only_on(2);
    let environments = json!({"e": {
        "secret_owner": 1000,
        "allow": ["env", "command"],
        "images": [stage.swarm.image],
        "max": {"memory": "512MiB", "cpus": 1},
        "container_patch": {"ContainerSpec": {"Command": ["sh", "-c"]}},
    }});
    let environments = environments.to_string();
    let server = stage.server_with(1, &[("environments", &environments)]);
    let secret = unique("planted");
    let order = json!({
        "environment": "e",
        "secrets": {"a": secret},
        "env": {"GREETING": "hello $HOME"},
        "command": [TELLS],
        "image": stage.swarm.image,
        "resources": {"memory": "256MiB", "cpus": 0.02},
    });
    let id = server.order(&order).check(201).id();
    let (node, container) = stage.place_of(&id);
    let expected = format!("1000 400\n{secret}\nhello $HOME\n");
    agreed("what the target says", || {
        node.log(&container).contains(&expected)
    });
    let limits = json!({"Memory": 256 << 20, "NanoCpus": 20_000_000});
    check_members(&node.inspect(&container)["HostConfig"], &limits);
    for (member, value) in [
        ("env", json!({"A": "{{.Node.ID}}"})),
        ("image", json!("agent")),
        ("resources", json!({"memory": "513MiB"})),
    ] {
        let mut refused = order.clone();
        refused[member] = value;
        server.order(&refused).check(422);
    }
    server.target("DELETE", &id).check(204);
}

/// How many wait at once.
const WAITERS: usize = 5;

/// A target that runs until it is told to end.
const WAITS: &str = "until test -e /tmp/end; do sleep 1; done; exit 7";

fn owned(server: &Server, owner: &str) -> Answer {
    let order = json!({"environment": "e", "owner": owner, "labels": {"a": "1"}});
    server.ask_with("/v1/targets?wait=20s", &unique("key"), &order, &[])
}

pub fn an_owners_targets_are_counted_and_waited_for(stage: &Stage<'_>) {
    // A second is in billionths.
    let check = json!({"Test": ["CMD", "true"], "Interval": 1_000_000_000});
    let spec = json!({"Command": ["sh", "-c", WAITS], "Healthcheck": check});
    let server = stage
        .patched("ContainerSpec", &spec)
        .server_with(1, &[("max_targets_per_owner", "1")]);
    let first = owned(&server, "o").check(201);
    let told = json!({"ready": true, "owner": "o", "labels": {"a": "1"}});
    check_members(&first.json(), &told);
    // The first has a vouch, so only its task is listed.
    owned(&server, "o").check(429);
    let other = owned(&server, "other").check(201);
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

/// The lifetime of targets without a renewal, and time for a busy machine.
const EXPIRED_BOUND: Duration = Duration::from_secs(90);

/// The id of a new target that lives a minute.
fn short_lived(server: &Server) -> String {
    let order = order_with(json!({"lifetime": "1m"}));
    server.order(&order).check(201).id()
}

pub fn a_renewed_target_outlives_its_lifetime(stage: &Stage<'_>) {
    let [first, second] = [1, 2].map(|node| stage.server(node));
    let renewed = short_lived(&first);
    for (server, lifetime) in [(&second, "30m"), (&first, "1h")] {
        let answer = server.renew(&renewed, lifetime).check(200).json();
        // Whatever manager is asked shows it.
        let shown = first.target("GET", &renewed).json();
        assert_eq!(shown["expires"], answer["expires"]);
    }
    // The update has replaced no task.
    assert_eq!(stage.list("tasks").len(), 1);
    let twin = short_lived(&second);
    wait_within(EXPIRED_BOUND, "the end of a lifetime", || {
        let due = first.reaped_ids("/reap?dry_run=1");
        due.contains(&twin).then_some(())
    });
    // A reap leaves a target whose node takes longer to confirm its end to the next one.
    let removed = wait_within(EXPIRED_BOUND, "its removal", || {
        Some(first.reaped_ids("/reap")).filter(|removed| !removed.is_empty())
    });
    assert_eq!(removed, [twin]);
    assert_eq!(stage.live_tasks().len(), 1);
    stage.place_of(&renewed);
    first.stop_target(&renewed).check(200);
    first.renew(&renewed, "30m").check(404);
}
