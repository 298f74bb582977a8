//! Lists of a Swarm: in parts if they are too long, and the health that they show.

use dynamic_access::docker::target::State;
use dynamic_access::reaper::{Scope, reap};
use dynamic_access::target_view::{Filter, ShownState};

use super::*;

transcripts! { starts:
    a_list_without_the_service_just_created_is_repeated
        "create service;
         list unvouched services: none; list tasks: none; look up service: 0;
         list unvouched services: none; list tasks: none; look up service: 0;
         list unvouched services: 0; list tasks: none; create secret;
         CHECKED; update; RUNS => 201"

    // One part of them is too long itself.
    a_list_of_a_start_that_is_too_long_is_asked_for_in_parts
        "create service; list unvouched services: too long;
         list part of unvouched services: none * 15; list part of unvouched services: too long;
         list part of unvouched services: none * 15; list part of unvouched services: 0;
         list tasks: too long; list part of tasks: none * 16; create secret;
         CHECKED; update; RUNS => 201"
}

#[test]
fn a_deployment_that_may_be_large_is_listed_in_sixteen_parts() {
    let large = [SWARM[0], SWARM[1], ("max_targets", "2001")];
    let steps = "
        list part of services: none * 15; list part of services: 1 vouched;
        list part of tasks: none * 4; list part of tasks: running; list part of tasks: none * 11";
    let survey = run_with(&large, steps, async |provisioner| {
        provisioner.backend.survey().await
    });
    let targets = survey.expect("a list").targets;
    assert_eq!(targets.len(), 1);
    assert_eq!(targets[0].state, State::Running);
}

#[test]
fn a_list_of_a_reap_that_is_too_long_is_asked_for_in_parts() {
    let steps = "
        list services: too long; list part of services: none * 16; list tasks: none;
        list secrets: too long; list part of secrets: none * 16";
    let report = on_swarm(steps, async |provisioner| {
        let scope = Scope::whole(false);
        reap(&provisioner.backend, provisioner.config, scope).await
    });
    let report = report.expect("a list");
    assert_eq!((report.found, report.left_over_fault), (0, None));
    // Four digits are the most, so a part that is still too long ends in a fault.
    let steps = "list services: too long; list part of services: too long * 4";
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
    let shown = on_swarm("SEEN", async |provisioner| {
        provisioner.target(&own(&provisioner)).await
    });
    assert_eq!(shown.expect("a target").node.as_deref(), Some("n"));
    let steps = format!("{looks}; list nodes: 500 m * 3");
    let overview = on_swarm(steps, async |provisioner| provisioner.overview(None).await);
    let overview = overview.expect("the targets");
    assert_eq!(overview.targets[0].node.as_deref(), Some("n"));
    overview.nodes.expect_err("no nodes");
}

fn healths(rows: &str) {
    check(&SWARM, rows, async |provisioner| {
        let notes = provisioner.health().await.map_err(|error| match error {
            Error::Unhealthy(cause) => *cause,
            other => panic!("{other}"),
        })?;
        Ok((200, format!("{} notes: {}", notes.len(), notes.join(" "))))
    });
}

transcripts! { healths:
    // A new leader does not know its nodes for a moment. An older worker does not matter
    // for the note. A manager handles the services of targets that run on workers.
    health_asks_for_a_node_and_the_network
        "list nodes: manager + manager + worker; ON_NETWORK => 200 `0 notes`
         list nodes: manager + worker unknown; ON_NETWORK => 200 `0 notes`
         list nodes: manager + worker + worker drain 24.0.9; ON_NETWORK => 200 `0 notes`
         list nodes: manager 28.5.2 + manager + worker; ON_NETWORK
         => 200 `1 notes` `26.1.5, 28.5.2`
         list nodes: (manager | worker drain | worker drain unknown | worker down) => no_nodes
         list nodes: (worker 24.0.9 | manager + manager 24.0.9 + worker) => node_too_old
         list nodes: 503 rpc error: The swarm does not have a leader * 3 => no_leader"
}
