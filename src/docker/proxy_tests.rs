//! What a proxy in front of the Engine must admit is what this module sends.

use std::time::Duration;

use proptest::prelude::*;
use regex::Regex;

use super::create::{Container, create};
use super::{
    ContainerId, ContainerName, DeploymentId, ImageReference, archive, image, inspect, list,
    network, pull, remove, start, stop,
};
use crate::config::Config;
use crate::config::tests::variables;
use crate::platform::HttpRequest;
use crate::secret::Secret;
use crate::target::StartOrder;

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

fn order(token: &str) -> StartOrder {
    StartOrder {
        service_url: "https://host".to_owned(),
        activation_token: Secret::new(token),
        environment_id: "e".to_owned(),
    }
}

fn create_of(deployment: &'static str, token: &str) -> HttpRequest {
    let config = Config::parse(&variables(&[("deployment_id", deployment)])).expect("a config");
    let order = order(token);
    let name = ContainerName::from_token(&config.deployment_id, &order.activation_token);
    create(&Container::new(&config, &name, &order, 0))
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
        ("write-token", archive::write_token(id, &token)),
        ("start", start::start(id)),
        ("stop", stop::stop(id, Duration::from_secs(grace))),
        ("inspect", inspect::inspect(id)),
        ("remove", remove::remove(id)),
        ("kill", remove::kill_and_remove(id)),
        ("list-by-id", list::list_by_id(id)),
        ("list-by-name", list::list_by_name(&name)),
        ("list-by-label", list::list_by_deployment(deployment, None)),
        (
            "list-by-share",
            list::list_by_deployment(deployment, Some(name.share())),
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
    let pulls = pulled.map(|image| ("pull", pull::pull(image, None)));
    let looks = images.iter().map(|image| ("image", image::inspect(image)));
    pulls.chain(looks).collect()
}

#[test]
fn each_line_of_the_table_admits_a_call_and_no_call_is_left_out() {
    let lines = lines();
    let id = ContainerId::parse(&"0a".repeat(32)).expect("an id");
    let deployment = DeploymentId::parse("dynamic-access").expect("an id");
    let mut requests = about_containers(&id, &deployment, "token", 15);
    requests.push(("create", create_of("dynamic-access", "token")));
    requests.push(("network", network::inspect("dynamic-access")));
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
        let request = create_of("da", &token);
        prop_assert_eq!(admitting(&lines, &request), ["create"]);
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
