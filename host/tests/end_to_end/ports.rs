//! Published ports: where callers find them, and who reaches them.

use std::process::Command;

use serde_json::{Value, json};
use test_support::engine::RealEngine;
use test_support::folder::Folder;
use test_support::greeter::{GREETING, PORTS, command, greeting};
use test_support::http::Answer;
use test_support::own::{Deployment, Network};
use test_support::unique;

use crate::targets::{API, ask, check_status, order, server};

/// The patch of a target that greets whoever connects.
fn greeter() -> Value {
    json!({"Entrypoint": command()})
}

fn started(answer: &Answer) -> Value {
    check_status(answer, 201);
    answer.json()
}

#[test]
fn a_caller_reaches_a_target_where_the_answer_says() {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let patch = greeter().to_string();
    let ports = ("ports", r#"{"greeter":7070,"unused":"7071/udp"}"#);
    let server = server(&engine, &deployment, &[ports, ("container_patch", &patch)]);
    let target = started(&ask(&server, &unique("key"), &order()));
    let endpoints = &target["endpoints"];
    assert_eq!(endpoints.as_object().map(serde_json::Map::len), Some(2));
    let (greeter, unused) = (&endpoints["greeter"], &endpoints["unused"]);
    assert_eq!(greeter["host"], "127.0.0.1");
    let protocols = (&greeter["protocol"], &unused["protocol"]);
    assert_eq!(protocols, (&json!("tcp"), &json!("udp")));
    assert_eq!(greeting(greeter), GREETING);
    let direct = json!({"host": target["address"], "port": 7070});
    assert_eq!(greeting(&direct), GREETING);
    // A list shows the same as the inspect after the start.
    let bearer = format!("Bearer {API}");
    let list = server.send("GET", "/v1/targets", &[("authorization", &bearer)], b"");
    assert_eq!(list.json(), json!({"targets": [target]}));
}

#[test]
fn an_environment_has_ports_of_its_own_and_callers_are_told_the_public_host() {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let variables = [
        PORTS,
        ("public_host", "targets.example.com"),
        ("environments", r#"{"closed":{"ports":{}}}"#),
    ];
    let server = server(&engine, &deployment, &variables);
    let target = started(&ask(&server, &unique("key"), &order()));
    let host = &target["endpoints"]["greeter"]["host"];
    assert_eq!(host, "targets.example.com");
    let mut order = order();
    order["environment"] = json!("closed");
    let closed = started(&ask(&server, &unique("key"), &order));
    assert_eq!(closed["endpoints"], json!({}));
    let inspect = engine.inspect(closed["id"].as_str().expect("an id"));
    assert_eq!(inspect["NetworkSettings"]["Ports"], json!({}));
}

/// The table on the page about the firewall, for the bridge of one test.
struct Firewall(String);

impl Firewall {
    fn of_page(bridge: &str) -> Self {
        const PAGE: &str = include_str!("../../../docs/firewall.md");
        const NAME: &str = "dynamic_access_ports";
        let (_, rest) = PAGE
            .split_once(&format!("```text\ntable inet {NAME}\n"))
            .expect("it is there");
        let (rules, _) = rest.split_once("```").expect("its end");
        let name = unique("ports").replace('-', "_");
        let rules = format!("table inet {NAME}\n{rules}").replace(NAME, &name);
        assert!(rules.contains("\"targets0\""), "{rules}");
        let folder = Folder::new("firewall-");
        let file = folder.file("rules.nft", &rules.replace("targets0", bridge));
        let made = Self(name);
        nft(&["--file", file.to_str().expect("a plain name")]);
        made
    }
}

impl Drop for Firewall {
    fn drop(&mut self) {
        nft(&["delete", "table", "inet", &self.0]);
    }
}

fn nft(arguments: &[&str]) {
    let output = Command::new("nft").args(arguments).output();
    let output = output.expect("nft is there");
    assert!(output.status.success(), "{arguments:?} {output:?}");
}

#[test]
fn the_firewall_on_the_page_keeps_targets_from_published_ports() {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    // The name of an interface has 15 characters at most.
    let digits: String = unique("").chars().filter(char::is_ascii_digit).collect();
    let bridge = format!("dap{}", &digits[digits.len().saturating_sub(12)..]);
    let options = json!({
        "com.docker.network.bridge.enable_icc": "false",
        "com.docker.network.bridge.name": bridge,
    });
    let network = Network::new(&engine, options);
    let gateway = engine.gateway(&network.name).to_string();
    let mut patch = greeter();
    patch["HostConfig"] = json!({"NetworkMode": network.name});
    let patch = patch.to_string();
    let variables = [
        PORTS,
        ("publish_address", gateway.as_str()),
        ("container_patch", &patch),
    ];
    let server = server(&engine, &deployment, &variables);
    let target = || started(&ask(&server, &unique("key"), &order()));
    let (open, other) = (target(), target());
    let endpoint = &open["endpoints"]["greeter"];
    assert_eq!(greeting(endpoint), GREETING);
    let id = other["id"].as_str().expect("an id");
    let script = format!(
        "timeout 3 bash -c 'cat </dev/tcp/{gateway}/{}' || echo \"ended with $?\"",
        endpoint["port"]
    );
    assert_eq!(engine.shell(id, &script), GREETING);
    let firewall = Firewall::of_page(&bridge);
    let kept = engine.shell(id, &script);
    assert_eq!(kept.trim(), "ended with 124");
    assert_eq!(greeting(endpoint), GREETING);
    drop(firewall);
    assert_eq!(engine.shell(id, &script), GREETING);
}
