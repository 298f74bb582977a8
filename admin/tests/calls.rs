//! What a proxy in front of the Engine must admit is what this module sends.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::Value;

use dynamic_access::docker::create::create;
use dynamic_access::docker::{
    ContainerName, DeploymentId, ImageReference, TargetId, archive, image, inspect, list, network,
    pull, remove, start, stop,
};
use dynamic_access::platform::HttpRequest;
use dynamic_access::secret::Secret;
use dynamic_access_admin::proxy_config::calls::{Call, table};

/// The names of the calls that admit a request.
fn admitting<'a>(calls: &'a [Call], request: &HttpRequest) -> Vec<&'a str> {
    let line = format!("{} {}", request.method(), request.uri());
    let admit = |call: &&Call| call.admits(&line);
    calls.iter().filter(admit).map(|call| &*call.name).collect()
}

/// Every request there is about a container, with the line that is to admit it.
fn about_containers(
    id: &TargetId,
    deployment: &DeploymentId,
    token: &str,
    grace: u64,
) -> Vec<(&'static str, HttpRequest)> {
    let token = Secret::new(token);
    let name = ContainerName::from_token(deployment, &token);
    let file = archive::SecretFile {
        name: archive::ACTIVATION_TOKEN.to_owned(),
        content: token,
    };
    vec![
        ("create", create(&name, &Value::Null).request),
        ("write-token", archive::write_secrets(id, &[file]).request),
        ("start", start::start(id).request),
        ("stop", stop::stop(id, Duration::from_secs(grace)).request),
        ("inspect", inspect::inspect(id).request),
        ("remove", remove::remove(id).request),
        ("kill", remove::kill_and_remove(id).request),
        ("list-by-id", list::find_by_id(id).request),
        ("list-by-name", list::find_by_name(&name).request),
        ("list-by-label", list::survey(deployment).request),
    ]
}

/// References of every form, the first ones such as can be pulled.
const IMAGES: [&str; 12] = [
    "r.example.com/agent",
    "localhost/agent:1",
    "localhost:5000/agent",
    "registry:5000/a/b__c/d-e.f:1.2_3-rc.1",
    "192.0.2.1:5000/agent",
    "r.example.com/agent@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "r.example.com:443/a:1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "dynamic-access-agent",
    "agent:1",
    "team/agent",
    "0123456789ab",
    "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
];

fn about_images() -> Vec<(&'static str, HttpRequest)> {
    let images = IMAGES.map(|text| ImageReference::parse(text).expect(text));
    let pulled = images.iter().filter(|image| image.has_registry());
    let pulls = pulled.map(|image| ("pull", pull::pull(image, None).request));
    let looks = images
        .iter()
        .map(|image| ("image", image::inspect(image).request));
    pulls.chain(looks).collect()
}

#[test]
fn each_line_of_the_table_admits_a_call_and_no_call_is_left_out() {
    let lines = table().expect("a table");
    let id = TargetId::parse(&"0a".repeat(32)).expect("an id");
    let deployment = DeploymentId::parse("dynamic-access").expect("an id");
    let mut requests = about_containers(&id, &deployment, "token", 15);
    requests.push(("network", network::inspect("dynamic-access").request));
    requests.extend(about_images());
    for (name, request) in &requests {
        let uri = request.uri();
        assert_eq!(admitting(&lines, request), [*name], "{uri}");
    }
    for line in &lines {
        let is_used = requests.iter().any(|(name, _)| *name == line.name);
        assert!(is_used, "{} admits what is never sent", line.name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whatever_is_said_of_a_container_is_admitted_by_one_line(
        id in "[0-9a-f]{64}",
        deployment in "[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?",
        token in ".{1,40}",
        grace in 0..=15_u64,
    ) {
        let lines = table().expect("a table");
        let id = TargetId::parse(&id).expect("an id");
        let deployment = DeploymentId::parse(&deployment).expect("an id");
        for (name, request) in about_containers(&id, &deployment, &token, grace) {
            prop_assert_eq!(admitting(&lines, &request), [name]);
        }
    }
}
