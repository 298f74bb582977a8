//! The choices in the order of one target.

use test_support::prelude::*;

use crate::stage::{Stage, agreed};

/// The target opens the image's folder, as an image for another user than root must.
const SCRIPT: &str = "chmod 0711 /run/dynamic-access; stat --format '%u %a' /run/dynamic-access/a; \
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
        "command": [SCRIPT],
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
