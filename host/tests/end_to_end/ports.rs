//! Published ports: where callers find them, and who reaches them.

use std::net::TcpListener;
use std::process::Command;
use std::sync::{Arc, Mutex};

use dev::process;
use test_support::fault_proxy::{Fault, container_of};
use test_support::greeter::{GREETING, PORTS, command, greeting};
use test_support::markdown;
use test_support::prelude::*;

/// The patch of a target that greets whoever connects.
///
/// Podman's bridges publish ports by rules of the machine's own firewall. slirp4netns does
/// so in a process, and the rest is the same. The guards do not know it.
fn greeter(engine: &RealEngine) -> Value {
    let network = engine.either(json!({}), json!({"NetworkMode": "slirp4netns"}));
    json!({"Entrypoint": command(), "HostConfig": network})
}

const UNGUARDED: (&str, &str) = ("container_patch_unsafe", "allow");

fn started(server: &Server) -> Value {
    server.order(&order()).check(201).json()
}

on_each_engine!(
    a_caller_reaches_a_target_where_the_answer_says,
    a_port_that_is_taken_before_the_start_is_chosen_anew,
);

fn a_caller_reaches_a_target_where_the_answer_says(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let patch = greeter(engine).to_string();
    let ports = ("ports", r#"{"greeter":7070,"unused":"7071/udp"}"#);
    let variables = [ports, ("container_patch", &patch), UNGUARDED];
    let server = deployment.server(&variables);
    let target = started(&server);
    let endpoints = &target["endpoints"];
    assert_eq!(endpoints.as_object().map(serde_json::Map::len), Some(2));
    let (greeter, unused) = (&endpoints["greeter"], &endpoints["unused"]);
    assert_eq!(greeter["host"], "127.0.0.1");
    let protocols = (&greeter["protocol"], &unused["protocol"]);
    assert_eq!(protocols, (&json!("tcp"), &json!("udp")));
    assert_eq!(greeting(greeter), GREETING);
    if !engine.is_podman {
        let direct = json!({"host": target["address"], "port": 7070});
        assert_eq!(greeting(&direct), GREETING);
    }
    // A list shows the same as the inspect after the start.
    assert_eq!(server.targets(""), json!([target]));
}

/// Takes the port of the host that an Engine has chosen for a container, as another
/// program would. Docker chooses at the start, from those that are free.
fn take_port(engine: &RealEngine, id: &str) -> Option<TcpListener> {
    let inspect = engine.inspect(id);
    let chosen = &inspect["HostConfig"]["PortBindings"]["7070/tcp"][0]["HostPort"];
    let port = chosen.as_str().expect("a port").parse().unwrap_or_default();
    let taken = (port > 0).then(|| TcpListener::bind(("127.0.0.1", port)));
    taken.map(|taken| taken.expect("nobody else has it"))
}

fn a_port_that_is_taken_before_the_start_is_chosen_anew(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let taken = Arc::new(Mutex::new(Vec::new()));
    let (taking, all) = (engine.clone(), Arc::clone(&taken));
    let proxy = FakeEngine::before(engine.socket(), move |seen| {
        let mut all = all.lock().expect("no test panics with it");
        if seen.ends_with("/start") && all.is_empty() {
            all.push(take_port(&taking, container_of(seen)));
        }
        Fault::None
    });
    let patch = greeter(engine).to_string();
    let variables = [("container_patch", patch.as_str()), UNGUARDED, PORTS];
    let server = deployment.server_through(&proxy, &variables);
    let target = started(&server);
    assert_eq!(greeting(&target["endpoints"]["greeter"]), GREETING);
    let taken = taken.lock().expect("no test panics with it");
    let is_chosen_early = taken.iter().flatten().next().is_some();
    assert_eq!(is_chosen_early, engine.is_podman);
    for port in taken.iter().flatten() {
        let port = port.local_addr().expect("it listens").port();
        assert_ne!(target["endpoints"]["greeter"]["port"], port);
    }
    assert_eq!(deployment.containers().len(), 1);
}

/// The table on the page about the firewall, for the bridge of one test.
struct Firewall(String);

impl Firewall {
    fn of_page(bridge: &str) -> Self {
        const PAGE: &str = include_str!("../../../docs/firewall.md");
        const NAME: &str = "dynamic_access_ports";
        let rules = markdown::block(PAGE, "text", &format!("table inet {NAME}\n"));
        let name = unique("ports").replace('-', "_");
        let rules = rules.replace(NAME, &name);
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
    process::output(Command::new("nft").args(arguments)).expect("nft");
}

#[test]
fn the_firewall_on_the_page_keeps_targets_from_published_ports() {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    // The name of an interface has 15 characters at most.
    let digits: String = unique("").chars().filter(char::is_ascii_digit).collect();
    let bridge = format!("dap{}", &digits[digits.len().saturating_sub(12)..]);
    let options = json!({"Options": {
        "com.docker.network.bridge.enable_icc": "false",
        "com.docker.network.bridge.name": bridge,
    }});
    let network = engine.network(options);
    let gateway = engine.gateway(&network.id).to_string();
    let mut patch = greeter(&engine);
    patch["HostConfig"] = json!({"NetworkMode": network.id});
    let patch = patch.to_string();
    let variables = [
        PORTS,
        ("publish_address", gateway.as_str()),
        ("container_patch", &patch),
    ];
    let server = deployment.server(&variables);
    let (open, other) = (started(&server), started(&server));
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
