//! What a start meets on a node: an image, a network and a health check.

use test_support::free_address_at;
use test_support::prelude::*;
use test_support::registry::{PASSWORD, Registry, auth_for};

use crate::nodes::nodes;
use crate::stage::Stage;

/// A network with an address for one target on each node; dropping it removes it.
struct SmallNetwork<'a, 'b> {
    stage: &'a Stage<'b>,
    name: String,
}

impl<'a, 'b> SmallNetwork<'a, 'b> {
    fn make(stage: &'a Stage<'b>) -> Self {
        let name = unique("small");
        let made = Self { stage, name };
        for node in nodes() {
            let part = json!({
                "Name": made.configuration(),
                "ConfigOnly": true,
                "Driver": "bridge",
                "IPAM": {"Config": [{"Subnet": format!("172.28.{node}.0/30")}]},
            });
            stage.swarm.node(node).create_network(part);
        }
        let whole = json!({
            "Name": made.name,
            "Driver": "bridge",
            "Scope": "swarm",
            "ConfigFrom": {"Network": made.configuration()},
        });
        stage.swarm.node(1).create_network(whole);
        made
    }

    fn configuration(&self) -> String {
        format!("{}-configuration", self.name)
    }
}

impl Drop for SmallNetwork<'_, '_> {
    fn drop(&mut self) {
        let remove = |node, name: &str| {
            let node = self.stage.swarm.node(node);
            node.discard(&format!("/networks/{name}"));
        };
        remove(1, &self.name);
        for node in nodes() {
            remove(node, &self.configuration());
        }
    }
}

pub fn full_subnets_are_no_end_of_a_target_and_pass(stage: &Stage<'_>) {
    let network = SmallNetwork::make(stage);
    let networks = json!([{"Target": network.name}]);
    let server = stage.patched("Networks", &networks).server(1);
    let ids = [(); 3].map(|()| server.started());
    let token = unique("token");
    let refused = server.start_target(&token).check_come_again(429);
    server.check_code(&refused, 429, "no_room");
    server.check_failed(&refused, 429, "no available IPv4");
    server.stop_target(&ids[0]).check(200);
    // The token is not spent: nothing has run with it.
    let last = server.start_target(&token).unique_id();
    for id in [&ids[1], &ids[2], &last] {
        server.stop_target(id).check(200);
    }
}

pub fn a_health_check_that_is_late_or_fails_is_named(stage: &Stage<'_>) {
    let server = |check: &str| {
        let image = image_with(stage, &format!("HEALTHCHECK {check}"));
        stage.server_with(1, &[("agent_image", &image)])
    };
    let late = server("--interval=30s CMD true");
    let answer = late.start_target(&unique("token")).check_come_again(503);
    late.check_code(&answer, 503, "unchecked");
    let in_time = server("--interval=30s --start-period=20s --start-interval=1s CMD true");
    let id = in_time.start_target(&unique("token")).unique_id();
    in_time.stop_target(&id).check(200);
    let failing = server("--interval=1s --retries=1 CMD false");
    let answer = failing.start_target(&unique("token"));
    failing.check_failed(&answer, 409, "its health check, from the image");
    for service in stage.list("services") {
        let id = service["ID"].as_str().expect("an id");
        failing.stop_target(id).check(200);
    }
}

/// The id of an image that one node alone has: the targets', changed by a line of a Dockerfile.
fn image_with(stage: &Stage<'_>, line: &str) -> String {
    let node = stage.swarm.node(3);
    let labels = json!({"only": stage.deployment});
    let body = json!({"Image": stage.swarm.image, "Labels": labels});
    let container = node.foreign(&unique("image-"), body);
    node.commit(&container.id, "", line)
}

pub fn a_target_runs_on_the_one_node_that_has_its_image(stage: &Stage<'_>) {
    let image = image_with(stage, &format!("LABEL only={}", stage.deployment));
    let server = stage.server_with(1, &[("agent_image", &image)]);
    for _ in 0..3 {
        let id = server.started();
        assert_eq!(stage.containers(3).len(), 1);
        server.stop_target(&id).check(200);
    }
}

pub fn a_registry_is_given_its_own_credentials_and_nobody_else(stage: &Stage<'_>) {
    let registry = Registry::closed_at(free_address_at(stage.swarm.gateway()));
    let image = push(stage, &registry);
    let stage = stage.only_on(2);
    let elsewhere = auth_for("registry.example.com");
    let (registrys, rest) = image.split_once('/').expect("a registry");
    // Nobody listens there.
    let nobody = free_address_at(stage.swarm.gateway()).to_string();
    let nowhere = image.replace(registrys, &nobody);
    for (image, auth) in [(&image, ""), (&image, &elsewhere), (&nowhere, "")] {
        let server = stage.server_with(1, &[("agent_image", image), ("registry_auth", auth)]);
        let answer = server.start_target(&unique("token"));
        server.check_code(&answer, 503, "node_pull_failed");
        server.check_failed(&answer, 503, rest);
        answer.check_come_again(503);
    }
    let auth = registry.auth();
    let server = stage.server_with(1, &[("agent_image", &image), ("registry_auth", &auth)]);
    let id = server.started();
    let shown = ["services", "tasks", "secrets"].map(|what| Value::from(stage.list(what)));
    let told = [json!(shown).to_string(), server.log().join("\n")].concat();
    for secret in [PASSWORD, &auth] {
        assert!(!told.contains(secret), "{told}");
    }
    server.stop_target(&id).check(200);
}

/// Lets the first node push the targets' image, and returns its reference with the digest.
fn push(stage: &Stage<'_>, registry: &Registry) -> String {
    let repository = registry.reference("team/agent");
    let node = stage.swarm.node(1);
    let path = format!("/images/{}/tag?repo={repository}&tag=1", stage.swarm.image);
    node.call("POST", &path, None).check(201);
    format!("{repository}@{}", registry.take_image(&node))
}
