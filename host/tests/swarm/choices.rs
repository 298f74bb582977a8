//! The choices in the order of one target.

use serde_json::json;
use test_support::unique;
use test_support::wait::wait_within;

use crate::renewals::{API, call};
use crate::stage::{AGREED_BOUND, Stage};

/// The target opens the image's folder, as an image for another user than root must.
const SCRIPT: &str = "chmod 0711 /run/dynamic-access; stat --format '%u %a' /run/dynamic-access/a; \
    setpriv --reuid 1000 --clear-groups cat /run/dynamic-access/a; echo; echo \"$GREETING\"; exec sleep 300";

pub fn an_order_has_what_it_chooses(stage: &Stage<'_>) {
    stage.only_on(2);
    let environments = json!({"e": {
        "secret_owner": 1000,
        "allow": ["env", "command"],
        "images": [stage.swarm.image],
        "max": {"memory": "512MiB", "cpus": 1},
        "container_patch": {"ContainerSpec": {"Command": ["sh", "-c"]}},
    }});
    let environments = environments.to_string();
    let variables = [("api_secret", API), ("environments", &*environments)];
    let server = stage.server_with(1, &variables);
    let secret = unique("planted");
    let order = json!({
        "environment": "e",
        "secrets": {"a": secret},
        "env": {"GREETING": "hello $HOME"},
        "command": [SCRIPT],
        "image": stage.swarm.image,
        "resources": {"memory": "256MiB", "cpus": 0.02},
    });
    let made = call(&server, "POST", "/v1/targets", &order);
    assert_eq!(made.status, 201, "{made:?}");
    let containers = stage.containers(2);
    let [container] = &containers[..] else {
        panic!("{containers:?}")
    };
    let node = stage.swarm.node(2);
    let expected = format!("1000 400\n{secret}\nhello $HOME\n");
    wait_within(AGREED_BOUND, "what the target says", || {
        node.log(container).contains(&expected).then_some(())
    });
    let host_config = &node.inspect(container)["HostConfig"];
    assert_eq!(host_config["Memory"], 256 << 20);
    assert_eq!(host_config["NanoCpus"], 20_000_000);
    for (member, value) in [
        ("env", json!({"A": "{{.Node.ID}}"})),
        ("image", json!("agent")),
        ("resources", json!({"memory": "513MiB"})),
    ] {
        let mut refused = order.clone();
        refused[member] = value;
        let answer = call(&server, "POST", "/v1/targets", &refused);
        assert_eq!(answer.status, 422, "{answer:?}");
    }
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    let path = format!("/v1/targets/{id}");
    assert_eq!(call(&server, "DELETE", &path, &json!(null)).status, 204);
    stage.check_nothing_is_left();
}
