//! Starts on a Swarm that some nodes do not carry out.

use super::*;

const FULL: &str = "starting container failed: failed to set up container networking: failed to create endpoint x on network targets: no available IPv4 addresses on this network's address pools: targets (y)";

/// A list of a task that a node rejects.
fn rejected(error: &str) -> Reply {
    let mut task = task_of(SERVICE, "rejected", "shutdown");
    task["Status"]["Err"] = error.into();
    list(&[task])
}

/// A list of a task whose container was made and could not be started.
fn not_started(error: &str) -> Reply {
    let mut task = task_of(SERVICE, "failed", "shutdown");
    task["Status"]["Err"] = error.into();
    task["Status"]["ContainerStatus"]["ExitCode"] = 128.into();
    list(&[task])
}

/// The last calls of a start that has tried all nodes: five seconds of looks.
fn without_node() -> Steps {
    let reason = "no suitable node (scheduling constraints not satisfied on 3 nodes)";
    given_up(63, &failing("pending", reason))
}

#[test]
fn a_target_is_tried_on_each_node_that_is_left() {
    let steps = tried(&rejected("network x exists")) * 4 + running_elsewhere();
    start(steps).expect("a target on the fifth node");
    let error = check_refused(
        tried(&rejected("invalid mount")) + without_node(),
        "refused",
    );
    assert_eq!(error.status(), 500);
}

#[test]
fn a_rejection_is_told_if_there_is_no_other_node() {
    let constraints = "scheduling constraints not satisfied on 2 nodes";
    for (reason, code) in [
        (constraints, "node_pull_failed"),
        ("2 nodes not available for new tasks", "no_node"),
    ] {
        let no_node = failing("pending", &format!("no suitable node ({reason})"));
        let first = tried(&rejected("No such image: agent"));
        check_refused(first + given_up(63, &no_node), code);
    }
}

#[test]
fn a_rejection_is_told_if_there_is_no_time_for_another_node() {
    let rejected = rejected("No such image: agent");
    // Sixteen seconds, and three.
    let preparing = looked(task("preparing")) * 106;
    let first = until_updated() + preparing + looked(rejected.clone()) + cleaned_up(1, &rejected);
    let constraints = "no suitable node (scheduling constraints)";
    let unavailable = "no suitable node (1 node not available)";
    for (state, error, code) in [
        ("assigned", "", "node_pull_failed"),
        ("pending", constraints, "node_pull_failed"),
        ("pending", unavailable, "no_node"),
    ] {
        check_refused(first.clone() + given_up(53, &failing(state, error)), code);
    }
}

#[test]
fn a_node_without_an_address_for_a_target_leaves_it_to_others() {
    let full = tried(&not_started(FULL));
    start(full.clone() + running_elsewhere()).expect("a target on another node");
    // If one node may take the target later, the refusal is not final, whatever the
    // others say.
    for rest in [
        without_node(),
        tried(&rejected("invalid mount")) + without_node(),
    ] {
        let error = check_refused(full.clone() + rest, "no_room");
        assert_eq!(error.status(), 429);
        assert!(error.to_string().contains("no available IPv4"), "{error}");
    }
}

#[test]
fn a_target_of_which_nothing_ran_is_started_again_with_its_token() {
    let steps = call("create service", said(409, "name conflicts"))
        + call("find service by name", one(1, &[]))
        + looked(not_started(FULL))
        + call("look up service", shown(1, &[]))
        + looked(not_started(FULL))
        + ended()
        + call("find service by name", none())
        + looked(none());
    start(steps + running()).expect("a target");
}

#[test]
fn a_container_that_no_node_can_start_is_refused_as_by_an_engine() {
    let missing = "starting container failed: OCI runtime create failed: exec: \"/agent\": no such file or directory";
    let error = check_refused(tried(&not_started(missing)) + without_node(), "refused");
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
        let steps = tried(&rejected(error)) + without_node();
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
    let steps = tried(&rejected("No such image: sha256:0123")) + without_node();
    let outcome = crate::script::start(&[SWARM[0], ("agent_image", ID)], steps);
    let told = outcome.expect_err("no node has the image");
    assert_eq!(
        (told.code(), told.status().as_u16()),
        ("no_such_image", 500)
    );
}
