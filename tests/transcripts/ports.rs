//! Targets with ports: their calls, and their endpoints.

use dynamic_access::docker::TargetId;
use dynamic_access::provision::StartOrder;
use dynamic_access::target_view::{Filter, TargetView};

use serde_json::Map;

use crate::script::*;
use crate::start::check_start_with;

const PORTS: (&str, &str) = ("ports", r#"{"ssh":22}"#);
const ANY: (&str, &str) = ("publish_address", "0.0.0.0");
const LABEL: (&str, &str) = ("ports", "ssh=22/tcp");

#[test]
fn a_start_with_ports_variables_an_owner_and_labels_makes_the_calls_of_one_without() {
    let mut labels = Map::new();
    labels.insert("course".to_owned(), json!("c1"));
    let of_portal = StartOrder {
        env: vec!["A=b".to_owned()],
        owner: Some("ada".to_owned()),
        labels,
        ..order()
    };
    let allowed = ("environments", r#"{"e":{"allow":["env"]}}"#);
    let per_owner = ("max_targets_per_owner", "1");
    for (order, changes) in [
        (order(), &[][..]),
        (of_portal, &[PORTS, allowed, per_owner]),
    ] {
        let started = start_of(&order, changes, steps(UNTIL_STARTED) + "inspect");
        assert!(started.expect("a target").is_new);
    }
}

#[test]
fn a_port_that_is_taken_before_the_start_is_chosen_anew() {
    let port_taken = steps(UNTIL_WRITTEN)
        + "start: 500 Bind for 127.0.0.1:40109 failed: port is already allocated"
        + CLEANED_UP
        + "list by name: none";
    check_start_with(&[PORTS], port_taken.clone() + UNTIL_STARTED, 200);
    // After three of them, the caller gets a 503.
    check_start_with(&[PORTS], port_taken * 3, 503);
}

#[track_caller]
fn check_told(target: &TargetView, host: &str) {
    let told: Vec<_> = target.endpoints.iter().map(ToString::to_string).collect();
    assert_eq!(told, [format!("ssh {host}:40109/tcp")]);
}

#[test]
fn a_list_of_an_engine_tells_the_endpoints() {
    let mut entry = entry(ID, "running", 0, &[LABEL]);
    entry["Ports"] = json!([
        {"IP": "127.0.0.1", "PrivatePort": 22, "PublicPort": 40109, "Type": "tcp"},
    ]);
    entry["NetworkSettings"] = json!({"Networks": {"n": {"IPAddress": "172.18.0.5"}}});
    let found = list(&[entry]);
    let id = TargetId::parse(ID).expect("an id");
    let steps = call("list by id", found.clone()) + "list volumes";
    let shown = run(steps, async |provisioner| provisioner.target(&id).await);
    let shown = shown.expect("a target");
    check_told(&shown, "127.0.0.1");
    assert_eq!(shown.address.as_deref(), Some("172.18.0.5"));
    let steps = call("list all", found) + "list volumes";
    let all = run(steps, async |provisioner| {
        provisioner.targets(&Filter::default()).await
    });
    assert_eq!(all, Ok(vec![shown]));
}

/// A service whose task publishes a port, and the task.
fn published() -> (Reply, Reply) {
    let mut service = service("1 vouched");
    service["Spec"]["Labels"]["dynamic-access.ports"] = LABEL.1.into();
    let mut task = task("running");
    task["Status"]["PortStatus"] = json!({"Ports": [
        {"Protocol": "tcp", "TargetPort": 22, "PublishedPort": 40109, "PublishMode": "host"},
    ]});
    (list(&[service]), list(&[task]))
}

fn nodes() -> Steps {
    let nodes = json!([{
        "ID": "n",
        "Spec": {"Role": "worker", "Availability": "active"},
        "Status": {"State": "ready", "Addr": "192.0.2.21"},
    }]);
    call("list nodes", shows(nodes))
}

#[test]
fn a_swarms_nodes_are_asked_only_where_they_are_the_answer() {
    let id = TargetId::parse(SERVICE).expect("an id");
    let public = ("public_host", "targets.example.com");
    let (service, task) = published();
    let looks = call("find service", service) + call("list own tasks", task);
    for (more, last, host) in [
        (&[][..], nodes(), "192.0.2.21"),
        (&[public], no_call(), "targets.example.com"),
    ] {
        let variables = [&SWARM[..], &[PORTS, ANY], more].concat();
        let shown = run_with(&variables, looks.clone() + last, async |provisioner| {
            provisioner.target(&id).await
        });
        let shown = shown.expect("a target");
        check_told(&shown, host);
        assert_eq!(shown.address, None);
    }
    // Without published ports, there is no further call.
    let steps = "find service: 1 vouched; list own tasks: running";
    let shown = run_with(&SWARM, steps, async |provisioner| {
        provisioner.target(&id).await
    });
    assert_eq!(shown.expect("a target").endpoints, []);
}

#[test]
fn a_target_is_shown_without_endpoints_while_its_node_is_not_known() {
    let variables = [&SWARM[..], &[PORTS, ANY]].concat();
    let refused = steps("list nodes: 500 m");
    for nodes in [steps("list nodes: none"), refused * 3] {
        let (service, task) = published();
        let steps = call("list services", service) + call("list tasks", task) + nodes;
        let shown = run_with(&variables, steps, async |provisioner| {
            provisioner.targets(&Filter::default()).await
        });
        assert_eq!(shown.expect("a list")[0].endpoints, []);
    }
}

#[test]
fn the_page_tells_endpoints_with_the_list_of_nodes_that_it_shows() {
    let variables = [&SWARM[..], &[PORTS, ANY]].concat();
    let (service, task) = published();
    let steps = call("list services", service) + call("list tasks", task) + nodes();
    let shown = run_with(&variables, steps, async |provisioner| {
        provisioner.overview(None).await
    });
    check_told(&shown.expect("an overview").targets[0], "192.0.2.21");
}
