//! Starts that a node carries out late, or not at all.

use serde_json::{Value, json};
use test_support::unique;

use crate::nodes::nodes;
use crate::stage::{Stage, check_come_again, id_of};

/// A network with an address for one target on each node; dropping it removes it.
struct SmallNetwork<'a, 'b> {
    stage: &'a Stage<'b>,
    name: String,
}

impl<'a, 'b> SmallNetwork<'a, 'b> {
    fn make(stage: &'a Stage<'b>) -> Self {
        let name = unique("small");
        let made = Self { stage, name };
        let configuration = made.configuration();
        for node in nodes() {
            made.create(
                node,
                json!({
                    "Name": configuration,
                    "ConfigOnly": true,
                    "Driver": "bridge",
                    "IPAM": {"Config": [{"Subnet": format!("172.28.{node}.0/30")}]},
                }),
            );
        }
        made.create(
            1,
            json!({
                "Name": made.name,
                "Driver": "bridge",
                "Scope": "swarm",
                "ConfigFrom": {"Network": configuration},
            }),
        );
        made
    }

    fn configuration(&self) -> String {
        format!("{}-configuration", self.name)
    }

    fn create(&self, node: u8, body: Value) {
        let swarm = self.stage.swarm;
        swarm.node(node).create_network(body);
    }
}

impl Drop for SmallNetwork<'_, '_> {
    fn drop(&mut self) {
        let remove = |node, name: &str| {
            let _ = self.stage.swarm.node(node).try_remove_network(name);
        };
        remove(1, &self.name);
        for node in nodes() {
            remove(node, &self.configuration());
        }
    }
}

pub fn full_subnets_are_no_end_of_a_target_and_pass(stage: &Stage<'_>) {
    let network = SmallNetwork::make(stage);
    let patch = json!({
        "Networks": [{"Target": network.name}],
        "Placement": {"Constraints": []},
    });
    let server = stage.server_with(1, &[("container_patch", &patch.to_string())]);
    let ids = [(); 3].map(|()| id_of(&server.start_target(&unique("token"))));
    let token = unique("token");
    let refused = server.start_target(&token);
    assert_eq!(refused.status, 429, "{refused:?}");
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    let line = server.line_about(&refused);
    assert_eq!(line["code"], "no_room", "{line}");
    assert!(
        line["error"].to_string().contains("no available IPv4"),
        "{line}"
    );
    assert_eq!(server.stop_target(&ids[0]).status, 200);
    // The token is not spent: nothing has run with it.
    let last = id_of(&server.start_target(&token));
    for id in [&ids[1], &ids[2], &last] {
        assert_eq!(server.stop_target(id).status, 200);
    }
    stage.check_nothing_is_left();
}

pub fn a_health_check_that_is_late_or_fails_is_named(stage: &Stage<'_>) {
    let server = |check: &str| {
        let image = image_with(stage, &format!("HEALTHCHECK {check}"));
        stage.server_with(1, &[("agent_image", &image)])
    };
    let late = server("--interval=30s CMD true");
    let answer = late.start_target(&unique("token"));
    check_come_again(&answer);
    let line = late.line_about(&answer);
    assert_eq!(line["code"], "unchecked", "{line}");
    let in_time = server("--interval=30s --start-period=20s --start-interval=1s CMD true");
    let id = id_of(&in_time.start_target(&unique("token")));
    assert_eq!(in_time.stop_target(&id).status, 200);
    let failing = server("--interval=1s --retries=1 CMD false");
    let answer = failing.start_target(&unique("token"));
    assert_eq!(answer.status, 409, "{answer:?}");
    let line = failing.line_about(&answer);
    let told = line["error"].to_string();
    assert!(told.contains("because its health check failed"), "{line}");
    for service in stage.list("services") {
        let id = service["ID"].as_str().expect("an id");
        assert_eq!(failing.stop_target(id).status, 200);
    }
    stage.check_nothing_is_left();
}

/// The id of an image that one node alone has: the targets', changed by a line of a Dockerfile.
pub fn image_with(stage: &Stage<'_>, line: &str) -> String {
    let node = stage.swarm.node(3);
    let labels = json!({"only": stage.deployment});
    let body = json!({"Image": stage.swarm.image, "Labels": labels});
    let container = node.foreign(&unique("image-"), body);
    node.commit(&container.id, "", &[], line)
}
