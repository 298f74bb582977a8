//! Starts on a Swarm that some nodes do not carry out.

use super::*;

/// The task of a node that has no address for it: its container was made and could not be
/// started.
const FULL: &str = "failed shutdown 128: starting container failed: failed to set up container networking: failed to create endpoint x on network targets: no available IPv4 addresses on this network's address pools: targets (y)";

const INVALID: &str = "rejected shutdown: invalid mount";

const NO_IMAGE: &str = "rejected shutdown: No such image: agent";

/// The last calls of a start that has tried all nodes: five seconds of looks.
fn without_node() -> Steps {
    let reason = "no suitable node (scheduling constraints not satisfied on 3 nodes)";
    given_up(63, &format!("pending nowhere: {reason}"))
}

#[test]
fn a_target_is_tried_on_each_node_that_is_left() {
    let steps = tried("rejected shutdown: network x exists") * 4 + running_elsewhere();
    start(steps).expect("a target on the fifth node");
    let error = check_refused(tried(INVALID) + without_node(), "refused");
    assert_eq!(error.status(), 500);
}

#[test]
fn a_rejection_is_told_if_there_is_no_other_node() {
    let constraints = "scheduling constraints not satisfied on 2 nodes";
    for (reason, code) in [
        (constraints, "node_pull_failed"),
        ("2 nodes not available for new tasks", "no_node"),
    ] {
        let no_node = format!("pending nowhere: no suitable node ({reason})");
        check_refused(tried(NO_IMAGE) + given_up(63, &no_node), code);
    }
}

#[test]
fn a_rejection_is_told_if_there_is_no_time_for_another_node() {
    // Sixteen seconds, and three.
    let first = until_updated() + looked("preparing") * 106;
    let first = first + looked(NO_IMAGE) + cleaned_up(1, NO_IMAGE);
    let constraints = "pending nowhere: no suitable node (scheduling constraints)";
    let unavailable = "pending nowhere: no suitable node (1 node not available)";
    for (task, code) in [
        ("assigned nowhere", "node_pull_failed"),
        (constraints, "node_pull_failed"),
        (unavailable, "no_node"),
    ] {
        check_refused(first.clone() + given_up(53, task), code);
    }
}

#[test]
fn a_node_without_an_address_for_a_target_leaves_it_to_others() {
    start(tried(FULL) + running_elsewhere()).expect("a target on another node");
    // If one node may take the target later, the refusal is not final, whatever the
    // others say.
    for rest in [without_node(), tried(INVALID) + without_node()] {
        let error = check_refused(tried(FULL) + rest, "no_room");
        assert_eq!(error.status(), 429);
        assert!(error.to_string().contains("no available IPv4"), "{error}");
    }
}

#[test]
fn a_target_of_which_nothing_ran_is_started_again_with_its_token() {
    let found = "create service: 409 name conflicts; find service by name: 1";
    let nothing = "find service by name: none; list own tasks: none";
    let looks = steps(found) + looked(FULL) + "look up service: 1" + looked(FULL);
    let running = until_updated() + SEEN_AND_VOUCHED_FOR;
    start(looks + ENDED + nothing + running).expect("a target");
}

#[test]
fn a_container_that_no_node_can_start_is_refused_as_by_an_engine() {
    let missing = "failed shutdown 128: starting container failed: OCI runtime create failed: exec: \"/agent\": no such file or directory";
    let error = check_refused(tried(missing) + without_node(), "refused");
    assert_eq!(error.status(), 500);
    assert!(error.to_string().contains("/agent"), "{error}");
}

#[test]
fn a_pull_that_a_node_fails_may_pass_if_there_is_a_registry() {
    for error in [
        "No such image: r.example.com/agent@sha256:0123",
        "toomanyrequests: You have reached your pull rate limit",
        "Head \"https://r.example.com/v2/agent/manifests/sha256:0123\": dial tcp: i/o timeout",
    ] {
        let steps = tried(&format!("rejected shutdown: {error}")) + without_node();
        let told = check_refused(steps, "node_pull_failed");
        assert_eq!(told.status(), 503);
        assert!(told.retry_after_seconds().is_some());
        let words = told.to_string();
        assert!(
            words.contains("registry_auth") && words.contains(error),
            "{words}"
        );
    }
    const ID: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let rejected = tried("rejected shutdown: No such image: sha256:0123");
    let changes = [SWARM[0], ("agent_image", ID)];
    let outcome = crate::script::start(&changes, rejected + without_node());
    let told = outcome.expect_err("no node has the image");
    assert_eq!(
        (told.code(), told.status().as_u16()),
        ("no_such_image", 500)
    );
}
