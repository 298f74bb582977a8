//! Published ports of targets on nodes.

use test_support::greeter::{GREETING, PORTS, command, greeting};
use test_support::markdown;
use test_support::prelude::*;

use crate::nodes::{NETWORK, must, nodes};
use crate::stage::Stage;

/// A target on a node that greets whoever connects, and its server, which asks another
/// manager than this node.
fn greeter_on(stage: &Stage<'_>, node: u8) -> (Server, Value) {
    let stage = stage.patched("ContainerSpec", &json!({"Command": command()}));
    let variables = [PORTS, ("publish_address", "0.0.0.0")];
    let server = stage.only_on(node).server_with(node % 3 + 1, &variables);
    let order = json!({"environment": "e"});
    let target = server.order(&order).check(201).json();
    (server, target)
}

fn id_of(target: &Value) -> &str {
    target["id"].as_str().expect("an id")
}

fn remove(server: &Server, target: &Value) {
    server.target("DELETE", id_of(target)).check(204);
}

/// A target of any node is greeted from where the answer says, and is the same in a list.
pub fn a_caller_reaches_a_targets_port_on_its_node(stage: &Stage<'_>) {
    for node in nodes() {
        let (server, target) = greeter_on(stage, node);
        let endpoint = &target["endpoints"]["greeter"];
        let address = stage.swarm.address(node).ip().to_string();
        assert_eq!(endpoint["host"], address.as_str(), "{target}");
        assert_eq!(target.get("address"), None);
        assert_eq!(greeting(endpoint), GREETING);
        assert_eq!(server.target("GET", id_of(&target)).json(), target);
        remove(&server, &target);
    }
}

/// The table on the page about Swarms, with the addresses of this one and the bridge of
/// the targets' network.
fn firewall(stage: &Stage<'_>) -> String {
    const PAGE: &str = include_str!("../../../deploy/swarm/README.md");
    let all = nodes().map(|node| stage.swarm.address(node).ip().to_string());
    let all = all.collect::<Vec<_>>().join(", ");
    let network = format!("/networks/{NETWORK}");
    let network = stage.swarm.node(1).call("GET", &network, None).json();
    let id = network["Id"].as_str().expect("an id");
    let table = "table inet dynamic_access_swarm\n";
    let mut rules = markdown::block(PAGE, "text", table).to_owned();
    for (on_page, here) in [
        ("192.0.2.11-192.0.2.13, 192.0.2.21-192.0.2.29", all),
        ("192.0.2.10", stage.swarm.gateway().to_string()),
        ("targets0", format!("br-{}", &id[..12])),
    ] {
        assert!(rules.contains(on_page), "{rules}");
        rules = rules.replace(on_page, &here);
    }
    rules
}

/// A target reaches a published port of another one, unless the firewall keeps it.
pub fn the_firewall_keeps_targets_from_published_ports(stage: &Stage<'_>) {
    let (server, target) = greeter_on(stage, 1);
    let (other_server, other) = greeter_on(stage, 2);
    let endpoint = &target["endpoints"]["greeter"];
    assert_eq!(greeting(endpoint), GREETING);
    let address = stage.swarm.address(1).ip();
    let script = format!(
        "timeout 3 bash -c 'cat </dev/tcp/{address}/{}' || echo \"ended with $?\"",
        endpoint["port"]
    );
    // From another node, and from its own.
    let tried = || {
        [&other, &target].map(|target| {
            let (node, container) = stage.place_of(id_of(target));
            node.shell(&container, &script).trim().to_owned()
        })
    };
    assert_eq!(tried()[0], GREETING);
    let folder = Folder::new("firewall-");
    let rules = folder.file("rules.nft", &firewall(stage));
    let none = folder.file("none.nft", "delete table inet dynamic_access_swarm\n");
    for node in [1, 2] {
        must(stage.swarm.nft(node, &rules));
    }
    assert_eq!(tried(), ["ended with 124", "ended with 124"]);
    assert_eq!(greeting(endpoint), GREETING);
    for node in [1, 2] {
        must(stage.swarm.nft(node, &none));
    }
    remove(&server, &target);
    remove(&other_server, &other);
}
