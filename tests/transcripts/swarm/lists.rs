//! Lists of a Swarm: in parts if they are too long, and the health that they show.

use dynamic_access::docker::TargetId;
use dynamic_access::docker::target::State;
use dynamic_access::target_view::{Filter, ShownState};

use super::*;

#[test]
fn a_list_without_the_service_just_created_is_repeated() {
    let stale = counted(none(), none()) + call("look up service", shown(0, &[]));
    let rest = secret() + checked() + updated() + seen_and_vouched_for();
    let steps = created() + stale * 2 + counted(one(0, &[]), none()) + rest;
    start(steps).expect("a target");
}

#[test]
fn a_deployment_that_may_be_large_is_listed_in_sixteen_parts() {
    let large = [SWARM[0], SWARM[1], ("max_targets", "2001")];
    let services = call("list part of services", none()) * 15
        + call("list part of services", one(1, &["vouched"]));
    let tasks = call("list part of tasks", none()) * 4
        + call("list part of tasks", task("running"))
        + call("list part of tasks", none()) * 11;
    let survey = run_with(&large, services + tasks, async |provisioner| {
        provisioner.backend.survey().await
    });
    let targets = survey.expect("a list").targets;
    assert_eq!(targets.len(), 1);
    assert_eq!(targets[0].state, State::Running);
}

#[test]
fn a_list_that_is_too_long_is_asked_for_in_parts() {
    let part = "list part of unvouched services";
    let unvouched = call("list unvouched services", TooLong)
        + call(part, none()) * 15
        // One part of them is too long itself.
        + call(part, TooLong)
        + call(part, none()) * 15
        + call(part, one(0, &[]));
    let tasks = call("list tasks", TooLong) + call("list part of tasks", none()) * 16;
    let rest = secret() + checked() + updated() + seen_and_vouched_for();
    start(created() + unvouched + tasks + rest).expect("a target");
    let report = reap::reap(
        call("list services", TooLong)
            + call("list part of services", none()) * 16
            + call("list tasks", none())
            + call("list secrets", TooLong)
            + call("list part of secrets", none()) * 16,
    );
    assert_eq!((report.found, report.left_over_fault), (0, None));
    // Four digits are the most, so a part that is still too long ends in a fault.
    let steps = call("list services", TooLong) + call("list part of services", TooLong) * 4;
    let survey = on_swarm(steps, async |provisioner| {
        provisioner.backend.survey().await
    });
    let fault = survey.expect_err("a part that is too long").to_string();
    assert!(fault.contains("longer than 10 MiB"), "{fault}");
}

#[test]
fn the_end_of_a_forgotten_target_is_not_asked_for() {
    let steps = call("list services", one(1, &["vouched"])) + call("list tasks", none());
    let listed = on_swarm(steps, async |provisioner| {
        provisioner.targets(&Filter::default()).await
    });
    let listed = listed.expect("a list");
    assert_eq!(
        (listed[0].state, listed[0].exit_code),
        (ShownState::Ended, None)
    );
}

#[test]
fn targets_are_told_by_the_ids_of_their_nodes_also_while_the_nodes_are_not_told() {
    let looks = call("list services", one(1, &["vouched"])) + call("list tasks", task("running"));
    let listed = on_swarm(looks.clone(), async |provisioner| {
        provisioner.targets(&Filter::default()).await
    });
    assert_eq!(listed.expect("a list")[0].node.as_deref(), Some("n"));
    let id = TargetId::parse(SERVICE).expect("an id");
    let shown = on_swarm(seen_running(), async |provisioner| {
        provisioner.target(&id).await
    });
    assert_eq!(shown.expect("a target").node.as_deref(), Some("n"));
    let steps = looks + call("list nodes", said(500, "m")) * 3;
    let overview = on_swarm(steps, async |provisioner| provisioner.overview(None).await);
    let overview = overview.expect("the targets");
    assert_eq!(overview.targets[0].node.as_deref(), Some("n"));
    overview.nodes.expect_err("no nodes");
}

/// The health of a Swarm with these nodes: notes, or the code of an error.
fn health_of(steps: Steps) -> Result<Vec<String>, &'static str> {
    let outcome = on_swarm(steps, async |provisioner| provisioner.health().await);
    outcome.map_err(|error| match error {
        Error::Unhealthy(cause) => cause.code(),
        other => panic!("{other}"),
    })
}

#[test]
fn health_asks_for_a_node_and_the_network() {
    let nodes = |nodes: &[Value]| call("list nodes", list(nodes));
    let network = call(
        "look up the network",
        shows(r#"[{"Name":"dynamic-access"}]"#),
    );
    let manager = |version| node("manager", "active", "ready", version);
    let worker = |availability, state| node("worker", availability, state, "26.1.5");
    let well = worker("active", "ready");
    let drained = node("worker", "drain", "ready", "24.0.9");
    for fine in [
        vec![manager("26.1.5"), manager("26.1.5"), well.clone()],
        // A new leader does not know its nodes for a moment.
        vec![manager("26.1.5"), worker("active", "unknown")],
        vec![manager("26.1.5"), well.clone(), drained],
    ] {
        assert_eq!(health_of(nodes(&fine) + network.clone()), Ok(vec![]));
    }
    // An older worker does not matter here.
    let different = nodes(&[manager("28.5.2"), manager("26.1.5"), well.clone()]);
    let notes = health_of(different + network).expect("it is well");
    assert!(notes[0].contains("(26.1.5, 28.5.2)"), "{notes:?}");
    for (bad, code) in [
        (vec![manager("26.1.5")], "no_nodes"),
        (vec![worker("drain", "ready")], "no_nodes"),
        (vec![worker("drain", "unknown")], "no_nodes"),
        (vec![worker("active", "down")], "no_nodes"),
        (
            vec![node("worker", "active", "ready", "24.0.9")],
            "node_too_old",
        ),
        // A manager handles the services of targets that run on workers.
        (
            vec![manager("26.1.5"), manager("24.0.9"), well],
            "node_too_old",
        ),
    ] {
        assert_eq!(health_of(nodes(&bad)), Err(code));
    }
    let leaderless = said(503, "rpc error: The swarm does not have a leader");
    let steps = call("list nodes", leaderless) * 3;
    assert_eq!(health_of(steps), Err("no_leader"));
}
