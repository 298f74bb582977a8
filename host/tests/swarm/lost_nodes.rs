//! Nodes that are cut off, drained or killed, and too few of them.

use serde_json::json;
use test_support::unique;
use test_support::wait::wait_within;

use crate::stage::{
    AGREED_BOUND, Stage, check_come_again, id_of, start_in_the_end, stop_in_the_end,
};

pub fn a_stop_is_true_of_a_node_that_is_cut_off(stage: &Stage<'_>) {
    let server = stage.only_on(3).server(1);
    let token = unique("token");
    let id = start_in_the_end(&server, &token);
    let [container] = &stage.containers(3)[..] else {
        panic!("one container on node 3")
    };
    stage.swarm.cut(3);
    // The managers call the node down after a while; until then it may answer again.
    let stopped = wait_within(AGREED_BOUND, "an answer of the other managers", || {
        let answer = server.stop_target(&id);
        (answer.status != 504).then_some(answer)
    });
    check_come_again(&stopped);
    check_come_again(&server.stop_target(&id));
    check_come_again(&server.start_target(&token));
    let services = stage.list("services");
    assert_eq!(
        services.len(),
        1,
        "a deleted one would be forgotten by the next leader"
    );
    assert_eq!(services[0]["Spec"]["Mode"]["Replicated"]["Replicas"], 0);
    stage.swarm.heal(3);
    stop_in_the_end(&server, &id);
    assert!(!stage.containers(3).contains(container));
    stage.check_nothing_is_left();
    stage.wait_until_healthy(&server);
}

fn set_availability(stage: &Stage<'_>, node: u8, availability: &str) {
    let id = stage.swarm.id_of(node);
    wait_within(AGREED_BOUND, availability, || {
        let found = stage
            .swarm
            .node(1)
            .try_call("GET", &format!("/nodes/{id}"))?;
        let version = found.json()["Version"]["Index"].as_u64()?;
        let mut spec = found.json()["Spec"].clone();
        spec["Availability"] = json!(availability);
        let path = format!("/nodes/{id}/update?version={version}");
        let done = stage.swarm.node(1).call("POST", &path, Some(spec));
        (done.status == 200).then_some(())
    });
}

pub fn a_node_that_is_drained_ends_its_targets_and_gets_no_more(stage: &Stage<'_>) {
    let server = stage.server(1);
    let only_on_2 = Stage::of(stage.swarm, &stage.deployment);
    let token = unique("token");
    let id = start_in_the_end(&only_on_2.only_on(2).server(1), &token);
    set_availability(stage, 2, "drain");
    // It is not run again elsewhere: its token is spent.
    wait_within(AGREED_BOUND, "the end of the target", || {
        stage.live_tasks().is_empty().then_some(())
    });
    assert_eq!(stage.containers(2), Vec::<String>::new());
    assert_eq!(server.start_target(&token).status, 409);
    assert_eq!(server.stop_target(&id).status, 200);
    let full = only_on_2.server(1).start_target(&unique("token"));
    check_come_again(&full);
    let next = start_in_the_end(&server, &unique("token"));
    assert_eq!(stage.containers(2), Vec::<String>::new());
    set_availability(stage, 2, "active");
    assert_eq!(server.stop_target(&next).status, 200);
    stage.check_nothing_is_left();
}

/// The instructions of deploy/swarm for a node that rejects targets after a power loss.
pub fn a_node_that_was_killed_runs_targets_again_once_its_networks_are_forgotten(
    stage: &Stage<'_>,
) {
    let anywhere = stage.server(1);
    let only_on_2 = Stage::of(stage.swarm, &stage.deployment);
    let id = start_in_the_end(&only_on_2.only_on(2).server(1), &unique("token"));
    stage.swarm.kill(2);
    stage.swarm.restart(2);
    stage.wait_until_healthy(&anywhere);
    stop_in_the_end(&anywhere, &id);
    let only_here = stage.only_on(2).server(1);
    let rejected = wait_within(AGREED_BOUND, "a rejection", || {
        let answer = only_here.start_target(&unique("token"));
        (answer.status == 500).then_some(answer)
    });
    let line = only_here.line_about(&rejected);
    assert!(line["error"].to_string().contains(" exists"), "{line}");
    // Meanwhile targets run elsewhere.
    let id = start_in_the_end(&anywhere, &unique("token"));
    assert_eq!(stage.containers(2), Vec::<String>::new());
    assert_eq!(anywhere.stop_target(&id).status, 200);
    stage.swarm.kill(2);
    stage.swarm.restart_without_networks(2);
    stage.wait_until_healthy(&anywhere);
    let id = wait_within(AGREED_BOUND, "a start", || {
        let answer = only_here.start_target(&unique("token"));
        (answer.status == 200).then(|| id_of(&answer))
    });
    assert_eq!(anywhere.stop_target(&id).status, 200);
    stage.check_nothing_is_left();
}

pub fn without_a_majority_nothing_is_done_and_nothing_is_wrong_afterwards(stage: &Stage<'_>) {
    let server = stage.server(1);
    let token = unique("token");
    let id = start_in_the_end(&server, &token);
    stage.swarm.cut(2);
    stage.swarm.cut(3);
    // The one that is left may call itself the leader for some seconds more.
    let refused = wait_within(AGREED_BOUND, "a refusal", || {
        let answer = server.call("GET", "/health", "");
        (answer.status == 503).then_some(answer)
    });
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    for answer in [
        server.start_target(&unique("token")),
        server.start_target(&token),
        server.stop_target(&id),
    ] {
        assert!(matches!(answer.status, 503 | 504), "{answer:?}");
    }
    stage.swarm.heal(2);
    stage.swarm.heal(3);
    stage.wait_until_healthy(&server);
    stop_in_the_end(&server, &id);
    assert_eq!(server.call("POST", "/reap", "").status, 200);
    stage.check_nothing_is_left();
}
