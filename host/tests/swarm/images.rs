//! Where a node has its image from.

use test_support::free_address_at;
use test_support::prelude::*;
use test_support::registry::{PASSWORD, Registry, auth_for};

use crate::stage::Stage;
use crate::starts::image_with;

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
    let digest = node.push_image(&repository, registry);
    let removed = node.try_remove_image(&format!("{repository}:1"));
    removed.expect("an image");
    format!("{repository}@{digest}")
}
