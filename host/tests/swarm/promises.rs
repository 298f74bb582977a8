//! The promises of a target, checked on a real Swarm of three managers.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use test_support::server::start_body;
use test_support::unique;
use test_support::wait::wait_within;

use crate::nodes::{NETWORK, Swarm};
use crate::stage::{AGREED_BOUND, Stage, check_come_again, id_of, start_in_the_end};
use crate::{
    between, choices, examples, images, lost_nodes, owners, ports, renewals, starts, visits,
};

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
    let swarm = Swarm::start();
    let claims = claims![
        a_target_runs_from_its_start_to_its_stop,
        twenty_starts_with_one_token_make_one_target,
        what_cannot_be_started_is_told_at_once_and_leaves_nothing,
        images::a_target_runs_on_the_one_node_that_has_its_image,
        images::a_registry_is_given_its_own_credentials_and_nobody_else,
        examples::ssh_reaches_a_box_at_its_node,
        starts::full_subnets_are_no_end_of_a_target_and_pass,
        starts::a_health_check_that_is_late_or_fails_is_named,
        ports::a_caller_reaches_a_targets_port_on_its_node,
        ports::the_firewall_keeps_targets_from_published_ports,
        what_is_not_ours_is_untouched,
        max_targets_is_never_exceeded,
        a_target_that_ends_is_told_and_reaped,
        owners::an_owners_targets_are_counted_and_waited_for,
        renewals::a_renewed_target_outlives_its_lifetime,
        choices::an_order_has_what_it_chooses,
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
        check(&Stage::new(&swarm));
        println!("  held, after {} s", begun.elapsed().as_secs());
    }
}

fn a_target_runs_from_its_start_to_its_stop(stage: &Stage<'_>) {
    let server = stage.server(1);
    let health = server.call("GET", "/health", "");
    assert_eq!(health.status, 200, "{health:?}");
    let token = unique("planted-token");
    let id = id_of(&server.start_target(&token));
    assert_eq!(id.len(), 25);
    let tasks = stage.live_tasks();
    let [task] = &tasks[..] else {
        panic!("{tasks:?}")
    };
    assert_eq!(task["ServiceID"], id.as_str());
    assert_eq!(task["Status"]["State"], "running");
    let node = stage.swarm.node_of(task["NodeID"].as_str().expect("an id"));
    let containers = stage.containers(node);
    let [container] = &containers[..] else {
        panic!("{containers:?}")
    };
    check_is_confined(stage, node, container, &token);
    // The managers show the token nowhere.
    for what in ["services", "tasks", "secrets"] {
        let shown = json!(stage.list(what)).to_string();
        assert!(!shown.contains(&token), "{what}");
    }
    assert!(!server.log().join("\n").contains(&token));
    // A caller that has lost the answer asks again, and another manager.
    assert_eq!(id_of(&stage.server(2).start_target(&token)), id);
    let other = start_body(&token).replace("192.0.2.1", "192.0.2.2");
    assert_eq!(server.call("POST", "/start", &other).status, 422);
    let stopped = server.stop_target(&id);
    assert_eq!((stopped.status, stopped.body.as_str()), (200, "{}"));
    assert_eq!(stage.live_tasks(), Vec::<Value>::new());
    assert_eq!(stage.containers(node), Vec::<String>::new());
    assert_eq!(server.stop_target(&id).status, 200);
    // An id of an Engine's container is no target that is gone.
    assert_eq!(server.stop_target(&"0".repeat(64)).status, 404);
    stage.check_nothing_is_left();
}

fn check_is_confined(stage: &Stage<'_>, node: u8, container: &str, token: &str) {
    let path = format!("/containers/{container}/json");
    let shown = stage.swarm.node(node).call("GET", &path, None);
    assert!(!shown.body.contains(token), "{}", shown.body);
    let container = shown.json();
    let host = &container["HostConfig"];
    assert_eq!(host["Memory"], 1 << 30);
    assert_eq!(host["NanoCpus"], 1_000_000_000);
    assert_eq!(host["PidsLimit"], 512);
    assert_eq!(host["CapDrop"], json!(["ALL"]));
    assert_eq!(host["SecurityOpt"], json!(["no-new-privileges=true"]));
    assert_eq!(host["Init"], true);
    assert_eq!(host["Privileged"], false);
    assert_eq!(host["RestartPolicy"]["Name"], "no");
    let log = json!({"max-size": "10m", "max-file": "2"});
    assert_eq!(host["LogConfig"]["Config"], log);
    assert_eq!(container["HostConfig"]["PortBindings"], json!({}));
    let networks = container["NetworkSettings"]["Networks"].as_object();
    let names: Vec<_> = networks.expect("networks").keys().collect();
    assert_eq!(names, [NETWORK]);
    let id = container["Id"].as_str().expect("an id");
    let file = "/run/dynamic-access/activation-token";
    let script = format!("stat -c '%a %u' {file}; cat {file}; rm {file} || echo; mount");
    let said = stage.swarm.node(node).shell(id, &script);
    assert!(said.starts_with(&format!("400 0\n{token}")), "{said}");
    let mount = said
        .lines()
        .find(|line| line.contains(&format!(" on {file} ")));
    let options = mount.unwrap_or_else(|| panic!("{said}"));
    assert!(
        options.contains("tmpfs") && options.contains("ro,"),
        "{options}"
    );
}

fn twenty_starts_with_one_token_make_one_target(stage: &Stage<'_>) {
    let servers = [stage.server(1), stage.server(3)];
    let token = unique("token");
    let ids: BTreeSet<String> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..20)
            .map(|count| {
                let (server, token) = (&servers[count % 2], &token);
                // A caller in the middle gets a 503.
                scope.spawn(move || start_in_the_end(server, token))
            })
            .collect();
        let ids = starts.into_iter().map(|start| start.join().expect("an id"));
        ids.collect()
    });
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(stage.live_tasks().len(), 1);
    let id = ids.first().expect("one");
    assert_eq!(servers[1].stop_target(id).status, 200);
    stage.check_nothing_is_left();
}

fn what_cannot_be_started_is_told_at_once_and_leaves_nothing(stage: &Stage<'_>) {
    let missing = format!("sha256:{}", "0".repeat(64));
    let server = stage.server_with(1, &[("agent_image", &missing)]);
    let begun = Instant::now();
    let answer = server.start_target(&unique("token"));
    assert_eq!(answer.status, 500, "{answer:?}");
    // A start that waits goes on for 20 s.
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(server.line_about(&answer)["code"], "no_such_image");
    let full = json!({
        "Networks": [{"Target": NETWORK}],
        "Placement": {"Constraints": []},
        "Resources": {"Reservations": {"MemoryBytes": 1_u64 << 40}},
    });
    let server = stage.server_with(1, &[("container_patch", &full.to_string())]);
    let answer = server.start_target(&unique("token"));
    check_come_again(&answer);
    let line = server.line_about(&answer);
    assert_eq!(line["code"], "no_node", "{line}");
    assert!(
        line["error"].to_string().contains("no suitable node"),
        "{line}"
    );
    let nowhere = json!({"Networks": [{"Target": "nowhere"}], "Placement": {"Constraints": []}});
    let server = stage.server_with(1, &[("container_patch", &nowhere.to_string())]);
    let answer = server.start_target(&unique("token"));
    assert_eq!(answer.status, 500, "{answer:?}");
    assert_eq!(server.line_about(&answer)["code"], "no_such_network");
    let workers = json!({"Networks": [{"Target": NETWORK}]});
    let server = stage.server_with(1, &[("container_patch", &workers.to_string())]);
    let answer = server.call("GET", "/health", "");
    assert_eq!(answer.status, 503, "{answer:?}");
    let tag = ("agent_image", "registry.example.com/agent:1");
    let answer = stage.server_with(1, &[tag]).call("GET", "/health", "");
    assert_eq!(answer.status, 500, "{answer:?}");
    stage.check_nothing_is_left();
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
    let made = stage
        .swarm
        .node(1)
        .call("POST", "/services/create", Some(body));
    assert_eq!(made.status, 201, "{made:?}");
    made.json()["ID"].as_str().expect("an id").to_owned()
}

fn what_is_not_ours_is_untouched(stage: &Stage<'_>) {
    let server = stage.server(1);
    let token = unique("token");
    let id = id_of(&server.start_target(&token));
    let name = stage.list("services")[0]["Spec"]["Name"].clone();
    let name = name.as_str().expect("a name").to_owned();
    // 63 characters at most, so the last ones give way.
    let prefixed = others(stage, &format!("{}x", &name[..name.len() - 2]), &json!({}));
    let labelled = others(
        stage,
        &unique("other"),
        &json!({"dynamic-access.deployment": stage.deployment}),
    );
    for id in [&prefixed, &labelled] {
        assert_eq!(server.stop_target(id).status, 404);
    }
    assert_eq!(server.call("POST", "/reap", "").status, 200);
    assert_eq!(server.stop_target(&id).status, 200);
    let taken = others(stage, &name, &json!({}));
    let answer = server.start_target(&token);
    assert_eq!(answer.status, 500, "{answer:?}");
    for id in [&prefixed, &labelled, &taken] {
        let path = format!("/services/{id}");
        assert_eq!(stage.swarm.node(1).call("GET", &path, None).status, 200);
        assert_eq!(stage.swarm.node(1).call("DELETE", &path, None).status, 200);
    }
    stage.check_nothing_is_left();
}

fn max_targets_is_never_exceeded(stage: &Stage<'_>) {
    let servers = [1, 2].map(|node| stage.server_with(node, &[("max_targets", "2")]));
    let answers: Vec<_> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..6)
            .map(|count| {
                let server = &servers[count % 2];
                scope.spawn(|| server.start_target(&unique("token")))
            })
            .collect();
        let answers = starts
            .into_iter()
            .map(|start| start.join().expect("an answer"));
        answers.collect()
    });
    let started: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .collect();
    assert!(started.len() <= 2, "{answers:?}");
    let is_told = |status| matches!(status, 200 | 429);
    assert!(
        answers.iter().all(|answer| is_told(answer.status)),
        "{answers:?}"
    );
    assert_eq!(stage.live_tasks().len(), started.len());
    let mut ids: Vec<_> = started.into_iter().map(id_of).collect();
    ids.resize_with(2, || start_in_the_end(&servers[0], &unique("token")));
    // Nothing is in progress, and both count.
    let answer = servers[1].start_target(&unique("token"));
    assert_eq!(answer.status, 429, "{answer:?}");
    for id in ids {
        assert_eq!(servers[0].stop_target(&id).status, 200);
    }
    stage.check_nothing_is_left();
}

fn a_target_that_ends_is_told_and_reaped(stage: &Stage<'_>) {
    let server = stage.server(1);
    let token = unique("token");
    let id = id_of(&server.start_target(&token));
    let task = stage.live_tasks().remove(0);
    let node = stage.swarm.node_of(task["NodeID"].as_str().expect("an id"));
    let container = stage.containers(node).remove(0);
    stage.swarm.node(node).kill(&container);
    wait_within(AGREED_BOUND, "the end of the task", || {
        stage.live_tasks().is_empty().then_some(())
    });
    let answer = server.start_target(&token);
    assert_eq!(answer.status, 409, "{answer:?}");
    assert!(
        server.line_about(&answer)["error"]
            .to_string()
            .contains("137")
    );
    assert_eq!(stage.list("tasks").len(), 1, "no second task");
    assert_eq!(server.stop_target(&id).status, 200);
    stage.check_nothing_is_left();
}
