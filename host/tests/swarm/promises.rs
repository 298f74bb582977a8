//! The promises of a target, checked on a real Swarm of three managers.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use test_support::prelude::*;

use crate::nodes::{NETWORK, Swarm};
use crate::stage::{Stage, agreed, start_in_the_end};
use crate::{between, examples, lost_nodes, orders, ports, starts, visits};

/// Checks of claims on a Swarm, with the claims, which are the names of the checks.
macro_rules! claims {
    ($($claim:path),+ $(,)?) => {
        [$((stringify!($claim), $claim as fn(&Stage<'_>))),+]
    };
}

/// One Swarm takes half a minute to make, so the claims share it, one after the other.
#[test]
fn the_promises_hold_on_a_swarm() {
    let _alone = crate::alone();
    let swarm = Swarm::start(false);
    let claims = claims![
        a_target_runs_from_its_start_to_its_stop,
        twenty_starts_with_one_token_make_one_target,
        what_cannot_be_started_is_told_at_once_and_leaves_nothing,
        starts::a_target_runs_on_the_one_node_that_has_its_image,
        starts::a_registry_is_given_its_own_credentials_and_nobody_else,
        examples::ssh_reaches_a_box_at_its_node,
        starts::full_subnets_are_no_end_of_a_target_and_pass,
        starts::a_health_check_that_is_late_or_fails_is_named,
        ports::a_caller_reaches_a_targets_port_on_its_node,
        ports::the_firewall_keeps_targets_from_published_ports,
        what_is_not_ours_is_untouched,
        max_targets_is_never_exceeded,
        a_target_that_ends_is_told_and_not_started_again,
        orders::an_owners_targets_are_counted_and_waited_for,
        orders::a_renewed_target_outlives_its_lifetime,
        orders::an_order_has_what_it_chooses,
        lost_nodes::a_stop_is_true_of_a_node_that_is_cut_off,
        lost_nodes::a_node_that_is_drained_ends_its_targets_and_gets_no_more,
        lost_nodes::without_a_majority_nothing_is_done_and_nothing_is_wrong_afterwards,
        lost_nodes::a_node_that_was_killed_runs_targets_again_once_its_networks_are_forgotten,
        between::behind_a_proxy_targets_come_and_go_also_without_the_leader,
        between::with_clocks_an_hour_apart_nothing_is_wrong_but_ages,
        visits::a_hundred_visits_outlast_a_leader_that_is_killed,
    ];
    for (claim, check) in claims {
        println!("{claim}");
        let begun = Instant::now();
        let stage = Stage::new(&swarm);
        check(&stage);
        stage.check_nothing_is_left();
        println!("  held, after {} s", begun.elapsed().as_secs());
    }
}

fn a_target_runs_from_its_start_to_its_stop(stage: &Stage<'_>) {
    let server = stage.server(1);
    server.health().check_done();
    let token = unique("planted-token");
    let id = server.start_target(&token).unique_id();
    assert_eq!(id.len(), 25);
    let tasks = stage.live_tasks();
    assert_eq!(tasks.len(), 1, "{tasks:?}");
    assert_eq!(tasks[0]["Status"]["State"], "running");
    let (node, container) = stage.place_of(&id);
    check_is_confined(&node, &container, &token);
    // The managers show the token nowhere.
    for what in ["services", "tasks", "secrets"] {
        let shown = json!(stage.list(what)).to_string();
        assert!(!shown.contains(&token), "{what}");
    }
    assert!(!server.log().join("\n").contains(&token));
    // A caller that has lost the answer asks again, and another manager.
    assert_eq!(stage.server(2).start_target(&token).unique_id(), id);
    let other = start_body(&token).replace("192.0.2.1", "192.0.2.2");
    server.call("POST", "/start", &other).check(422);
    server.stop_target(&id).check_done();
    assert_eq!(stage.live_tasks(), Vec::<Value>::new());
    assert_ne!(node.state(&container).as_deref(), Some("running"));
    server.stop_target(&id).check(200);
    // An id of an Engine's container is no target that is gone.
    server.stop_target(&"0".repeat(64)).check(404);
}

const AGENTS_CAPABILITIES: [&str; 6] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
];

fn check_is_confined(node: &RealEngine, container: &str, token: &str) {
    let shown = node.inspect(container);
    assert!(!shown.to_string().contains(token), "{shown}");
    let host = &shown["HostConfig"];
    let expected = json!({
        "Memory": 1 << 30,
        "NanoCpus": 1_000_000_000,
        "PidsLimit": 512,
        "CapDrop": ["ALL"],
        "CapAdd": AGENTS_CAPABILITIES,
        "SecurityOpt": ["no-new-privileges=true"],
        "Init": true,
        "Privileged": false,
        "PortBindings": {},
    });
    check_members(host, &expected);
    assert_eq!(host["RestartPolicy"]["Name"], "no");
    let log = json!({"Type": "json-file", "Config": {"max-size": "10m", "max-file": "2"}});
    assert_eq!(host["LogConfig"], log);
    let networks = shown["NetworkSettings"]["Networks"].as_object();
    let names: Vec<_> = networks.expect("networks").keys().collect();
    assert_eq!(names, [NETWORK]);
    let file = "/run/dynamic-access/activation-token";
    let script = format!("stat -c '%a %u' {file}; cat {file}; rm {file} || echo; mount");
    let said = node.shell(container, &script);
    assert!(said.starts_with(&format!("400 0\n{token}")), "{said}");
    let place = format!(" on {file} ");
    let mut mounts = said.lines();
    let mount = mounts.find(|line| line.contains(&place));
    let is_read_only = mount.is_some_and(|it| it.contains("tmpfs") && it.contains("ro,"));
    assert!(is_read_only, "{said}");
}

fn twenty_starts_with_one_token_make_one_target(stage: &Stage<'_>) {
    let servers = [stage.server(1), stage.server(3)];
    let token = unique("token");
    // A caller in the middle gets a 503.
    let ids = at_once(20, |count| start_in_the_end(&servers[count % 2], &token));
    let ids = BTreeSet::from_iter(ids);
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(stage.live_tasks().len(), 1);
    let id = ids.first().expect("one");
    servers[1].stop_target(id).check(200);
}

fn what_cannot_be_started_is_told_at_once_and_leaves_nothing(stage: &Stage<'_>) {
    let missing = format!("sha256:{}", "0".repeat(64));
    let nowhere = json!([{"Target": "nowhere"}]);
    let room = json!({"Reservations": {"MemoryBytes": 1_u64 << 40}});
    for (server, status, code) in [
        (
            stage.server_with(1, &[("agent_image", &missing)]),
            500,
            "no_such_image",
        ),
        (
            stage.patched("Networks", &nowhere).server(1),
            500,
            "no_such_network",
        ),
        (stage.patched("Resources", &room).server(1), 503, "no_node"),
    ] {
        let begun = Instant::now();
        let answer = server.start_target(&unique("token"));
        server.check_code(&answer, status, code);
        // A start that waits goes on for 20 s.
        assert!(begun.elapsed() < Duration::from_secs(15), "{code}");
        if status == 503 {
            server.check_failed(&answer, status, "no suitable node");
            answer.check_come_again(status);
        }
    }
    // By default, targets run on workers alone, and this Swarm has none.
    let workers = json!({"Networks": [{"Target": NETWORK}]}).to_string();
    let server = stage.server_with(1, &[("container_patch", &workers)]);
    server.health().check(503);
    let tag = ("agent_image", "registry.example.com/agent:1");
    stage.server_with(1, &[tag]).health().check(500);
}

/// A service of somebody else.
fn others(stage: &Stage<'_>, name: &str, labels: &Value) -> String {
    let body = json!({
        "Name": name,
        "Labels": labels,
        "TaskTemplate": {
            "ContainerSpec": {"Image": stage.swarm.image, "Command": ["sleep", "600"]},
            "Networks": [{"Target": NETWORK}],
        },
        "Mode": {"Replicated": {"Replicas": 1}},
        "EndpointSpec": {"Mode": "dnsrr"},
    });
    let node = stage.swarm.node(1);
    node.call("POST", "/services/create", Some(body))
        .check(201)
        .id()
}

fn what_is_not_ours_is_untouched(stage: &Stage<'_>) {
    let server = stage.server(1);
    let token = unique("token");
    let id = server.start_target(&token).unique_id();
    let name = stage.list("services")[0]["Spec"]["Name"].clone();
    let name = name.as_str().expect("a name").to_owned();
    // 63 characters at most, so the last ones give way.
    let prefixed = others(stage, &format!("{}x", &name[..name.len() - 2]), &json!({}));
    let labels = json!({"dynamic-access.deployment": stage.deployment});
    let labelled = others(stage, &unique("other"), &labels);
    for id in [&prefixed, &labelled] {
        server.stop_target(id).check(404);
    }
    assert_eq!(server.reaped("/reap"), [Value::Null; 0]);
    server.stop_target(&id).check(200);
    let taken = others(stage, &name, &json!({}));
    server.start_target(&token).check(500);
    for id in [&prefixed, &labelled, &taken] {
        let path = format!("/services/{id}");
        stage.swarm.node(1).call("GET", &path, None).check(200);
        stage.swarm.node(1).call("DELETE", &path, None).check(200);
    }
}

fn max_targets_is_never_exceeded(stage: &Stage<'_>) {
    let servers = [1, 2].map(|node| stage.server_with(node, &[("max_targets", "2")]));
    let answers = at_once(6, |count| servers[count % 2].start_target(&unique("token")));
    let is_known = |answer: &Answer| matches!(answer.status, 200 | 429);
    assert!(answers.iter().all(is_known), "{answers:?}");
    let started = answers.iter().filter(|answer| answer.status == 200);
    let mut ids: Vec<_> = started.map(Answer::unique_id).collect();
    assert!(ids.len() <= 2, "{ids:?}");
    assert_eq!(stage.live_tasks().len(), ids.len());
    ids.resize_with(2, || start_in_the_end(&servers[0], &unique("token")));
    // Nothing is in progress, and both count.
    servers[1].start_target(&unique("token")).check(429);
    for id in ids {
        servers[0].stop_target(&id).check(200);
    }
}

fn a_target_that_ends_is_told_and_not_started_again(stage: &Stage<'_>) {
    let server = stage.server(1);
    let token = unique("token");
    let id = server.start_target(&token).unique_id();
    let (node, container) = stage.place_of(&id);
    node.kill(&container);
    agreed("the end of the task", || stage.live_tasks().is_empty());
    let answer = server.start_target(&token);
    server.check_failed(&answer, 409, "137");
    assert_eq!(stage.list("tasks").len(), 1, "no second task");
    server.stop_target(&id).check(200);
}
