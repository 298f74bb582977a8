//! Targets with ports: their calls, and their endpoints.

use dynamic_access::provision::StartOrder;
use dynamic_access::target_view::{Filter, TargetView};

use serde_json::Map;

use crate::script::*;

const PORTS: (&str, &str) = ("ports", r#"{"ssh":22}"#);
const ANY: (&str, &str) = ("publish_address", "0.0.0.0");

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
        let started = start_of(&order, changes, "STARTED; inspect");
        assert!(started.expect("a target").is_new);
    }
}

transcripts! { starts:
    a_port_that_is_taken_before_the_start_is_chosen_anew
        r#"[ports={"ssh":22}] PORT_TAKEN; STARTED; inspect => 201
           // After three of them, the caller gets a 503.
           [ports={"ssh":22}] PORT_TAKEN * 3 => 503"#
}

#[track_caller]
fn check_told(target: &TargetView, host: &str) {
    let told: Vec<_> = target.endpoints.iter().map(ToString::to_string).collect();
    assert_eq!(told, [format!("ssh {host}:40109/tcp")]);
}

#[test]
fn a_list_of_an_engine_tells_the_endpoints() {
    let found = r#"running ports=ssh=22/tcp
        /Ports=[{"IP":"127.0.0.1","PrivatePort":22,"PublicPort":40109,"Type":"tcp"}]
        /NetworkSettings={"Networks":{"n":{"IPAddress":"172.18.0.5"}}}"#;
    let steps = format!("list by id: {found}; list volumes");
    let shown = run(steps, async |provisioner| {
        provisioner.target(&own(&provisioner)).await
    });
    let shown = shown.expect("a target");
    check_told(&shown, "127.0.0.1");
    assert_eq!(shown.address.as_deref(), Some("172.18.0.5"));
    let steps = format!("list all: {found}; list volumes");
    let all = run(steps, async |provisioner| {
        provisioner.targets(&Filter::default()).await
    });
    assert_eq!(all, Ok(vec![shown]));
}

/// A service whose task publishes a port, and the task.
const SERVICE_WITH_PORT: &str = "1 vouched ports=ssh=22/tcp";
const TASK_WITH_PORT: &str = r#"running /Status/PortStatus={}
/Status/PortStatus/Ports=[{"Protocol":"tcp","TargetPort":22,"PublishedPort":40109,"PublishMode":"host"}]"#;

fn lists(end: &str) -> Steps {
    let lists = format!("list services: {SERVICE_WITH_PORT}; list tasks: {TASK_WITH_PORT}");
    steps(format!("{lists}; {end}"))
}

const NODES: &str = r#"list nodes: 200 [{"ID":"n","Status":{"State":"ready","Addr":"192.0.2.21"},
    "Spec":{"Role":"worker","Availability":"active"}}]"#;

#[test]
fn a_swarms_nodes_are_asked_only_where_they_are_the_answer() {
    let public = ("public_host", "targets.example.com");
    let looks = format!("find service: {SERVICE_WITH_PORT}; LOOKED: {TASK_WITH_PORT}");
    for (more, last, host) in [
        (&[][..], NODES, "192.0.2.21"),
        (&[public], "", "targets.example.com"),
    ] {
        let variables = [&SWARM[..], &[PORTS, ANY], more].concat();
        let shown = run_with(
            &variables,
            format!("{looks}; {last}"),
            async |provisioner| provisioner.target(&own(&provisioner)).await,
        );
        let shown = shown.expect("a target");
        check_told(&shown, host);
        assert_eq!(shown.address, None);
    }
    // Without published ports, there is no further call.
    let steps = "find service: 1 vouched; LOOKED: running";
    let shown = run_with(&SWARM, steps, async |provisioner| {
        provisioner.target(&own(&provisioner)).await
    });
    assert_eq!(shown.expect("a target").endpoints, []);
}

#[test]
fn a_target_is_shown_without_endpoints_while_its_node_is_not_known() {
    let variables = [&SWARM[..], &[PORTS, ANY]].concat();
    for nodes in ["list nodes: none", "list nodes: 500 m * 3"] {
        let shown = run_with(&variables, lists(nodes), async |provisioner| {
            provisioner.targets(&Filter::default()).await
        });
        assert_eq!(shown.expect("a list")[0].endpoints, []);
    }
}

#[test]
fn the_page_tells_endpoints_with_the_list_of_nodes_that_it_shows() {
    let variables = [&SWARM[..], &[PORTS, ANY]].concat();
    let shown = run_with(&variables, lists(NODES), async |provisioner| {
        provisioner.overview(None).await
    });
    check_told(&shown.expect("an overview").targets[0], "192.0.2.21");
}
