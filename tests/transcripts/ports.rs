//! Targets with ports: what they cost, and where they are.

use dynamic_access::docker::TargetId;
use dynamic_access::target_view::{Filter, TargetView};
use serde_json::{Value, json};

use crate::script::*;
use crate::start::check_start_with;
use crate::swarm::{SERVICE, SWARM, list, service, task_of};

const PORTS: (&str, &str) = ("ports", r#"{"ssh":22}"#);
const ANY: (&str, &str) = ("publish_address", "0.0.0.0");
const LABEL: (&str, &str) = ("ports", "ssh=22/tcp");

#[test]
fn a_start_with_ports_makes_the_calls_of_one_without() {
    for changes in [&[][..], &[PORTS]] {
        let steps = vec![
            ("create", created()),
            ("list all", one("created", &[])),
            ("archive", written()),
            ("start", done()),
        ];
        check_start_with(changes, steps, 200);
    }
}

/// A start that finds the chosen port taken, and the removal of what is left.
fn port_taken() -> Vec<(&'static str, Reply)> {
    vec![
        ("create", created()),
        ("list all", one("created", &[])),
        ("archive", written()),
        (
            "start",
            said(
                500,
                "Bind for 127.0.0.1:40109 failed: port is already allocated",
            ),
        ),
        ("list by id", one("created", &[])),
        ("remove", done()),
        ("list by name", none()),
    ]
}

#[test]
fn a_port_that_is_taken_before_the_start_is_chosen_anew() {
    let mut steps = port_taken();
    steps.extend(vec![
        ("create", created()),
        ("list all", one("created", &[])),
        ("archive", written()),
        ("start", done()),
    ]);
    check_start_with(&[PORTS], steps, 200);
    // After three of them, the caller is told to come again.
    let steps = [port_taken(), port_taken(), port_taken()];
    check_start_with(&[PORTS], steps.into_iter().flatten().collect(), 503);
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
    let found = || Is(200, json!([entry]).to_string());
    let id = TargetId::parse(ID).expect("an id");
    let steps = vec![("list by id", found()), ("list volumes", no_volumes())];
    let shown = run(steps, async |provisioner| provisioner.target(&id).await);
    let shown = shown.expect("a target");
    check_told(&shown, "127.0.0.1");
    assert_eq!(shown.address.as_deref(), Some("172.18.0.5"));
    let steps = vec![("list all", found()), ("list volumes", no_volumes())];
    let all = run(steps, async |provisioner| {
        provisioner.targets(&Filter::default()).await
    });
    assert_eq!(all, Ok(vec![shown]));
}

/// A service whose task publishes a port, and the task.
fn published() -> (Reply, Reply) {
    let mut service = service(1, &["vouched"]);
    service["Spec"]["Labels"]["dynamic-access.ports"] = LABEL.1.into();
    let mut task = task_of(SERVICE, "running", "running");
    task["Status"]["PortStatus"] = json!({"Ports": [
        {"Protocol": "tcp", "TargetPort": 22, "PublishedPort": 40109, "PublishMode": "host"},
    ]});
    (list(&[service]), list(&[task]))
}

fn nodes() -> Value {
    json!([{
        "ID": "n",
        "Spec": {"Role": "worker", "Availability": "active"},
        "Status": {"State": "ready", "Addr": "192.0.2.21"},
    }])
}

#[test]
fn a_swarms_nodes_are_asked_only_where_they_are_the_answer() {
    let id = TargetId::parse(SERVICE).expect("an id");
    let public = ("public_host", "targets.example.com");
    let node = || ("list nodes", Is(200, nodes().to_string()));
    let looks = || {
        let (service, task) = published();
        vec![("find service", service), ("list own tasks", task)]
    };
    for (more, last, host) in [
        (&[][..], Some(node()), "192.0.2.21"),
        (&[public], None, "targets.example.com"),
    ] {
        let variables = [&SWARM[..], &[PORTS, ANY], more].concat();
        let steps = looks().into_iter().chain(last).collect();
        let shown = run_with(&variables, steps, async |provisioner| {
            provisioner.target(&id).await
        });
        let shown = shown.expect("a target");
        check_told(&shown, host);
        assert_eq!(shown.address, None);
    }
    // Without published ports nobody is asked.
    let steps = vec![
        ("find service", crate::swarm::one(1, &["vouched"])),
        ("list own tasks", crate::swarm::task("running")),
    ];
    let shown = run_with(&SWARM, steps, async |provisioner| {
        provisioner.target(&id).await
    });
    assert_eq!(shown.expect("a target").endpoints, []);
}

#[test]
fn a_target_is_shown_without_endpoints_while_its_node_is_not_known() {
    let variables = [&SWARM[..], &[PORTS, ANY]].concat();
    let refused = || said(500, "m");
    for nodes in [vec![none()], vec![refused(), refused(), refused()]] {
        let (service, task) = published();
        let mut steps = vec![("list services", service), ("list tasks", task)];
        steps.extend(nodes.into_iter().map(|reply| ("list nodes", reply)));
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
    let steps = vec![
        ("list services", service),
        ("list tasks", task),
        ("list nodes", Is(200, nodes().to_string())),
    ];
    let shown = run_with(&variables, steps, async |provisioner| {
        provisioner.overview(None).await
    });
    check_told(&shown.expect("an overview").targets[0], "192.0.2.21");
}
