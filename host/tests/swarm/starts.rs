//! Starts that a node carries out late, or not at all.

use serde_json::{Value, json};

use crate::nodes::{NETWORK, nodes};
use crate::stage::{Stage, check_come_again, id_of};
use crate::support::unique;

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
        let made = swarm.call(node, "POST", "/networks/create", Some(body));
        assert_eq!(made.status, 201, "{made:?}");
    }
}

impl Drop for SmallNetwork<'_, '_> {
    fn drop(&mut self) {
        let remove = |node, name: &str| {
            let path = format!("/networks/{name}");
            self.stage.swarm.try_call(node, "DELETE", &path)
        };
        remove(1, &self.name);
        for node in nodes() {
            remove(node, &self.configuration());
        }
    }
}

pub fn full_subnets(stage: &Stage<'_>) {
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

pub fn health_checks(stage: &Stage<'_>) {
    const SECOND: u64 = 1_000_000_000;
    let server = |healthcheck: Value| {
        let patch = json!({
            "Networks": [{"Target": NETWORK}],
            "Placement": {"Constraints": []},
            "ContainerSpec": {"Healthcheck": healthcheck},
        });
        stage.server_with(1, &[("container_patch", &patch.to_string())])
    };
    let late = server(json!({"Test": ["CMD", "true"], "Interval": 30 * SECOND}));
    let answer = late.start_target(&unique("token"));
    check_come_again(&answer);
    let line = late.line_about(&answer);
    assert_eq!(line["code"], "unchecked", "{line}");
    assert!(
        line["error"].to_string().contains("30 s in the patch"),
        "{line}"
    );
    let in_time = server(json!({
        "Test": ["CMD", "true"],
        "Interval": 30 * SECOND,
        "StartPeriod": 20 * SECOND,
        "StartInterval": SECOND,
    }));
    let id = id_of(&in_time.start_target(&unique("token")));
    assert_eq!(in_time.stop_target(&id).status, 200);
    let failing = server(json!({"Test": ["CMD", "false"], "Interval": SECOND, "Retries": 1}));
    let answer = failing.start_target(&unique("token"));
    assert_eq!(answer.status, 409, "{answer:?}");
    let line = failing.line_about(&answer);
    assert!(line["error"].to_string().contains("health check"), "{line}");
    for service in stage.list("services") {
        let id = service["ID"].as_str().expect("an id");
        assert_eq!(failing.stop_target(id).status, 200);
    }
    stage.check_nothing_is_left();
}
