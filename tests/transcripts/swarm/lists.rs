//! Lists of a Swarm: in parts if they are too long, and the health that they show.

use dynamic_access::docker::TargetId;
use dynamic_access::docker::target::State;
use dynamic_access::reaper::{Scope, reap};
use dynamic_access::target_view::{Filter, ShownState};

use super::*;

#[test]
fn a_list_without_the_service_just_created_is_repeated() {
    let stale = "list unvouched services: none; list tasks: none; look up service: 0";
    let counted = "list unvouched services: 0; list tasks: none; create secret";
    let begun = steps("create service") + stale + stale + counted;
    start(begun + CHECKED + "update" + SEEN_AND_VOUCHED_FOR).expect("a target");
}

#[test]
fn a_deployment_that_may_be_large_is_listed_in_sixteen_parts() {
    let large = [SWARM[0], SWARM[1], ("max_targets", "2001")];
    let services = steps("list part of services: none") * 15 + "list part of services: 1 vouched";
    let no_tasks = steps("list part of tasks: none");
    let tasks = no_tasks.clone() * 4 + "list part of tasks: running" + no_tasks * 11;
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
    let none = || Steps::from(format!("{part}: none")) * 15;
    // One part of them is too long itself.
    let too_long = format!("{part}: too long");
    let unvouched = steps("list unvouched services: too long") + none() + too_long + none();
    let tasks = steps("list tasks: too long") + steps("list part of tasks: none") * 16;
    let counted = unvouched + format!("{part}: 0") + tasks + "create secret";
    let begun = steps("create service") + counted + CHECKED + "update";
    start(begun + SEEN_AND_VOUCHED_FOR).expect("a target");
    let report = on_swarm(
        steps("list services: too long")
            + steps("list part of services: none") * 16
            + "list tasks: none; list secrets: too long"
            + steps("list part of secrets: none") * 16,
        async |provisioner| {
            let scope = Scope::whole(false);
            reap(&provisioner.backend, provisioner.config, scope).await
        },
    );
    let report = report.expect("a list");
    assert_eq!((report.found, report.left_over_fault), (0, None));
    // Four digits are the most, so a part that is still too long ends in a fault.
    let steps = steps("list services: too long") + steps("list part of services: too long") * 4;
    let survey = on_swarm(steps, async |provisioner| {
        provisioner.backend.survey().await
    });
    let fault = survey.expect_err("a part that is too long").to_string();
    assert!(fault.contains("longer than 10 MiB"), "{fault}");
}

#[test]
fn the_end_of_a_forgotten_target_is_not_asked_for() {
    let steps = "list services: 1 vouched; list tasks: none";
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
    let looks = "list services: 1 vouched; list tasks: running";
    let listed = on_swarm(looks, async |provisioner| {
        provisioner.targets(&Filter::default()).await
    });
    assert_eq!(listed.expect("a list")[0].node.as_deref(), Some("n"));
    let id = TargetId::parse(SERVICE).expect("an id");
    let shown = on_swarm(SEEN_RUNNING, async |provisioner| {
        provisioner.target(&id).await
    });
    assert_eq!(shown.expect("a target").node.as_deref(), Some("n"));
    let steps = steps(looks) + steps("list nodes: 500 m") * 3;
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
    let leaderless = steps("list nodes: 503 rpc error: The swarm does not have a leader");
    assert_eq!(health_of(leaderless * 3), Err("no_leader"));
}
