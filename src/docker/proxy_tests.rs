//! What a proxy in front of the Engine must admit is what this module sends.

use std::time::Duration;

use proptest::prelude::*;
use regex::Regex;
use serde_json::Value;

use super::create::create;
use super::{
    ContainerId, ContainerName, DeploymentId, ImageReference, archive, image, inspect, list,
    network, pull, remove, start, stop,
};
use crate::platform::HttpRequest;
use crate::secret::Secret;

/// The table of which the proxies' configurations are made.
const CALLS: &str = include_str!("../../deploy/engine-proxy/calls.txt");

/// One line of the table.
struct Line {
    name: &'static str,
    method: &'static str,
    target: Regex,
}

fn lines() -> Vec<Line> {
    let lines = CALLS.lines().filter(|line| !line.starts_with('#'));
    let lines = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
    lines
        .filter(|words| !words.is_empty())
        .map(|words| {
            let [name, method, path, query] = words[..] else {
                panic!("not a name, a method, a path and a query: {words:?}");
            };
            let target = match query {
                "-" => format!("^{path}$"),
                query => format!(r"^{path}\?{query}$"),
            };
            let target = Regex::new(&target).expect("a regular expression");
            Line {
                name,
                method,
                target,
            }
        })
        .collect()
}

/// The names of the lines that admit a request.
fn admitting(lines: &[Line], request: &HttpRequest) -> Vec<&'static str> {
    let target = request.uri().to_string();
    let admit = |line: &&Line| request.method() == line.method && line.target.is_match(&target);
    lines.iter().filter(admit).map(|line| line.name).collect()
}

/// Every request there is about a container, with the line that is to admit it.
fn about_containers(
    id: &ContainerId,
    deployment: &DeploymentId,
    token: &str,
    grace: u64,
) -> Vec<(&'static str, HttpRequest)> {
    let token = Secret::new(token);
    let name = ContainerName::from_token(deployment, &token);
    vec![
        ("create", create(&name, &Value::Null).request),
        ("write-token", archive::write_token(id, &token).request),
        ("start", start::start(id).request),
        ("stop", stop::stop(id, Duration::from_secs(grace)).request),
        ("inspect", inspect::inspect(id).request),
        ("remove", remove::remove(id).request),
        ("kill", remove::kill_and_remove(id).request),
        ("list-by-id", list::find_by_id(id).request),
        ("list-by-name", list::find_by_name(&name).request),
        (
            "list-by-label",
            list::list_by_deployment(deployment).request,
        ),
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
    let lines = lines();
    let id = ContainerId::parse(&"0a".repeat(32)).expect("an id");
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
        let lines = lines();
        let id = ContainerId::parse(&id).expect("an id");
        let deployment = DeploymentId::parse(&deployment).expect("an id");
        for (name, request) in about_containers(&id, &deployment, &token, grace) {
            prop_assert_eq!(admitting(&lines, &request), [name]);
        }
    }
}

#[test]
fn the_table_has_nothing_that_proxies_read_in_another_way() {
    for line in CALLS.lines().filter(|line| !line.starts_with('#')) {
        let is_plain = line
            .bytes()
            .all(|byte| byte == b' ' || byte.is_ascii_graphic());
        assert!(is_plain, "{line}");
        assert!(!line.contains(['"', '\'', '^', '$', ';', '#']), "{line}");
    }
}
