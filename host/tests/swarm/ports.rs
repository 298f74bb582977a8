//! Published ports of targets on nodes.

use serde_json::json;
use test_support::greeter::{GREETING, PORTS, command, greeting};
use test_support::unique;

use crate::nodes::{NETWORK, nodes};
use crate::stage::Stage;

const API: &str = "dGhlIHNlY3JldCBvZiBhIHByb2dyYW0=";

/// A target of any node is greeted from where the answer says, and is the same in a list.
pub fn a_caller_reaches_a_targets_port_on_its_node(stage: &Stage<'_>) {
    let authorization = format!("Bearer {API}");
    for node in nodes() {
        let constraint = format!("node.id=={}", stage.swarm.id_of(node));
        let patch = json!({
            "Networks": [{"Target": NETWORK}],
            "Placement": {"Constraints": [constraint]},
            "ContainerSpec": {"Command": command()},
        });
        let variables = [
            PORTS,
            ("publish_address", "0.0.0.0"),
            ("api_secret", API),
            ("container_patch", &patch.to_string()),
        ];
        // Another manager than the one that runs it.
        let server = stage.server_with(node % 3 + 1, &variables);
        let key = unique("key");
        let headers = [
            ("authorization", authorization.as_str()),
            ("idempotency-key", &key),
            ("content-type", "application/json"),
        ];
        let order = br#"{"environment":"e"}"#;
        let answer = server.send("POST", "/v1/targets", &headers, order);
        assert_eq!(answer.status, 201, "{answer:?}");
        let target = answer.json();
        let endpoint = &target["endpoints"]["greeter"];
        let address = stage.swarm.address(node).ip().to_string();
        assert_eq!(endpoint["host"], address.as_str(), "{target}");
        assert_eq!(target.get("address"), None);
        assert_eq!(greeting(endpoint), GREETING);
        let path = format!("/v1/targets/{}", target["id"].as_str().expect("an id"));
        let headers = [("authorization", authorization.as_str())];
        let shown = server.send("GET", &path, &headers, b"");
        assert_eq!(shown.json(), target);
        let removed = server.send("DELETE", &path, &headers, b"");
        assert_eq!(removed.status, 204, "{removed:?}");
    }
    stage.check_nothing_is_left();
}
