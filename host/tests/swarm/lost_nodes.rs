//! Nodes that are cut off, drained or killed, and too few of them.

use test_support::prelude::*;

use crate::nodes::must;
use crate::stage::{
    AGREED_BOUND, Stage, agreed, start_in_the_end, start_whatever_is_told, stop_in_the_end,
};

pub fn a_stop_is_true_of_a_node_that_is_cut_off(stage: &Stage<'_>) {
    let server = stage.only_on(3).server(1);
    let token = unique("token");
    let id = start_in_the_end(&server, &token);
    let (_, container) = stage.place_of(&id);
    must(stage.swarm.cut(3));
    // The managers call the node down after a while; until then it may answer again.
    let stopped = wait_within(AGREED_BOUND, "an answer of the other managers", || {
        let answer = server.stop_target(&id);
        (answer.status != 504).then_some(answer)
    });
    stopped.check_come_again(503);
    server.stop_target(&id).check_come_again(503);
    server.start_target(&token).check_come_again(503);
    // A deleted one would be forgotten by the next leader.
    let services = stage.list("services");
    assert_eq!(services.len(), 1, "{services:?}");
    assert_eq!(services[0]["Spec"]["Mode"]["Replicated"]["Replicas"], 0);
    must(stage.swarm.heal(3));
    stop_in_the_end(&server, &id);
    assert!(!stage.containers(3).contains(&container));
    stage.check_nothing_is_left();
    stage.wait_until_healthy(&server);
}

fn set_availability(stage: &Stage<'_>, node: u8, availability: &str) {
    let path = format!("/nodes/{}", stage.swarm.id_of(node));
    let manager = stage.swarm.node(1);
    agreed(availability, || {
        let Some(found) = manager.try_call("GET", &path) else {
            return false;
        };
        let version = &found.json()["Version"]["Index"];
        let mut spec = found.json()["Spec"].clone();
        spec["Availability"] = json!(availability);
        let update = format!("{path}/update?version={version}");
        manager.call("POST", &update, Some(spec)).status == 200
    });
}

pub fn a_node_that_is_drained_ends_its_targets_and_gets_no_more(stage: &Stage<'_>) {
    let server = stage.server(1);
    let only_on_2 = stage.only_on(2).server(1);
    let token = unique("token");
    let id = start_in_the_end(&only_on_2, &token);
    set_availability(stage, 2, "drain");
    // It is not run again elsewhere: its token is spent.
    agreed("the end of the target", || stage.live_tasks().is_empty());
    assert_eq!(stage.containers(2), Vec::<String>::new());
    server.start_target(&token).check(409);
    server.stop_target(&id).check(200);
    only_on_2
        .start_target(&unique("token"))
        .check_come_again(503);
    let next = start_in_the_end(&server, &unique("token"));
    assert_eq!(stage.containers(2), Vec::<String>::new());
    set_availability(stage, 2, "active");
    server.stop_target(&next).check(200);
}

/// The instructions of deploy/swarm for a node that rejects targets after a power loss.
pub fn a_node_that_was_killed_runs_targets_again_once_its_networks_are_forgotten(
    stage: &Stage<'_>,
) {
    let anywhere = stage.server(1);
    let only_here = stage.only_on(2).server(1);
    let id = start_in_the_end(&only_here, &unique("token"));
    must(stage.swarm.kill(2));
    must(stage.swarm.restart(2));
    agreed("a list on the restarted manager", || {
        let list = stage.swarm.node(2).try_call("GET", "/services");
        list.is_some_and(|list| list.status == 200)
    });
    stage.wait_until_healthy(&anywhere);
    stop_in_the_end(&anywhere, &id);
    let rejected = wait_within(AGREED_BOUND, "a rejection", || {
        let answer = only_here.start_target(&unique("token"));
        (answer.status == 500).then_some(answer)
    });
    only_here.check_failed(&rejected, 500, " exists");
    // Meanwhile targets run elsewhere.
    let id = start_in_the_end(&anywhere, &unique("token"));
    assert_eq!(stage.containers(2), Vec::<String>::new());
    anywhere.stop_target(&id).check(200);
    must(stage.swarm.kill(2));
    stage.swarm.restart_without_networks(2);
    stage.wait_until_healthy(&anywhere);
    let id = start_whatever_is_told(&only_here);
    anywhere.stop_target(&id).check(200);
}

pub fn without_a_majority_nothing_is_done_and_nothing_is_wrong_afterwards(stage: &Stage<'_>) {
    let server = stage.server(1);
    let token = unique("token");
    let id = start_in_the_end(&server, &token);
    must(stage.swarm.cut(2));
    must(stage.swarm.cut(3));
    // The one that is left may call itself the leader for some seconds more.
    let refused = wait_within(AGREED_BOUND, "a refusal", || {
        let answer = server.health();
        (answer.status == 503).then_some(answer)
    });
    refused.check_come_again(503);
    for answer in [
        server.start_target(&unique("token")),
        server.start_target(&token),
        server.stop_target(&id),
    ] {
        assert!(matches!(answer.status, 503 | 504), "{answer:?}");
    }
    must(stage.swarm.heal(2));
    must(stage.swarm.heal(3));
    stage.wait_until_healthy(&server);
    stop_in_the_end(&server, &id);
    server.call("POST", "/reap", "").check(200);
}
