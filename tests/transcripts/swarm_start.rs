//! Starts on a Swarm that some nodes do not carry out.

use dynamic_access::error::Error;
use serde_json::Value;

use crate::script::*;
use crate::swarm::{
    SWARM, after, cleaned_up, deleted, failing, list, one, seen_running, service, shown, start,
    task, task_of, until_rejected, until_started, updated, vouched_for, vouched_for_again,
};

type Steps = Vec<(&'static str, Reply)>;

const FULL: &str = "starting container failed: failed to set up container networking: failed to create endpoint x on network targets: no available IPv4 addresses on this network's address pools: targets (y)";

/// The last calls of a start whose target runs, and is vouched for by these.
pub fn running(vouched_for: Steps) -> Steps {
    after(
        until_started(),
        vec![
            vec![("list own tasks", task("running"))],
            seen_running(),
            vouched_for,
        ],
    )
}

/// The last calls of a start whose target runs on another node than the first.
fn running_elsewhere() -> Steps {
    running(vouched_for_again(service(1, &[])))
}

/// The last calls of a start that has tried all nodes.
fn without_node() -> Steps {
    let no_node = || {
        failing(
            "pending",
            "no suitable node (scheduling constraints not satisfied on 3 nodes)",
        )
    };
    let looks = (0..63).map(|_| ("list own tasks", no_node())).collect();
    after(until_started(), vec![looks, cleaned_up(1, no_node)])
}

/// A list of a task whose container was made and could not be started.
fn not_started(error: &str) -> Reply {
    let mut task = task_of(crate::swarm::SERVICE, "failed", "shutdown");
    task["Status"]["Err"] = error.into();
    task["Status"]["ContainerStatus"]["ExitCode"] = 128.into();
    list(&[task])
}

/// A start on a node that makes a container and cannot start it, and its clean-up.
fn until_not_started(error: &str) -> Steps {
    after(
        until_started(),
        vec![
            vec![("list own tasks", not_started(error))],
            cleaned_up(1, || not_started(error)),
        ],
    )
}

#[track_caller]
fn refusal_of_image(image: &'static str, steps: Steps) -> Error {
    let variables = [SWARM[0], ("agent_image", image)];
    let order = order();
    let outcome = run_with(&variables, steps, async |provisioner| {
        provisioner.start(&order).await
    });
    outcome.expect_err("no node has the image")
}

#[test]
fn a_target_is_tried_on_each_node_that_is_left() {
    let exists = || until_rejected("network x exists");
    let steps = after(
        exists(),
        vec![exists(), exists(), exists(), running_elsewhere()],
    );
    start(steps).expect("a target on the fifth node");
    let steps = after(until_rejected("invalid mount"), vec![without_node()]);
    let error = start(steps).expect_err("an invalid mount");
    assert_eq!((error.code(), error.status().as_u16()), ("refused", 500));
}

#[test]
fn a_node_without_an_address_for_a_target_leaves_it_to_others() {
    let steps = after(until_not_started(FULL), vec![running_elsewhere()]);
    start(steps).expect("a target on another node");
    // What one node may take later is not final, whatever the others say.
    for rest in [
        without_node(),
        after(until_rejected("invalid mount"), vec![without_node()]),
    ] {
        let steps = after(until_not_started(FULL), vec![rest]);
        let error = start(steps).expect_err("full subnets");
        assert_eq!((error.code(), error.status().as_u16()), ("no_room", 429));
        assert!(error.to_string().contains("no available IPv4"), "{error}");
    }
}

#[test]
fn a_target_of_which_nothing_ran_is_started_again_with_its_token() {
    let steps = after(
        vec![
            ("create service", said(409, "name conflicts")),
            ("find service by name", one(1, &[])),
            ("list own tasks", not_started(FULL)),
            ("look up service", shown(1, &[])),
            ("list own tasks", not_started(FULL)),
            ("update", updated()),
            ("list own tasks", none()),
            ("delete service", deleted()),
            ("list own secrets", none()),
            ("find service by name", none()),
            ("list own tasks", none()),
        ],
        vec![running(vouched_for())],
    );
    start(steps).expect("a target");
}

#[test]
fn a_container_that_no_node_can_start_is_refused_as_by_an_engine() {
    let missing = "starting container failed: OCI runtime create failed: exec: \"/agent\": no such file or directory";
    let steps = after(until_not_started(missing), vec![without_node()]);
    let error = start(steps).expect_err("no entry point");
    assert_eq!((error.code(), error.status().as_u16()), ("refused", 500));
    assert!(error.to_string().contains("/agent"), "{error}");
}

#[test]
fn a_pull_that_a_node_fails_may_pass_if_there_is_a_registry() {
    const ID: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    for error in [
        "No such image: r.example.com/agent@sha256:0123",
        "toomanyrequests: You have reached your pull rate limit",
        "Head \"https://r.example.com/v2/agent/manifests/sha256:0123\": dial tcp: i/o timeout",
    ] {
        let steps = after(until_rejected(error), vec![without_node()]);
        let told = start(steps).expect_err(error);
        assert_eq!(told.code(), "node_pull_failed");
        assert_eq!(told.status().as_u16(), 503);
        assert!(told.retry_after_seconds().is_some());
        let words = told.to_string();
        assert!(
            words.contains("registry_auth") && words.contains(error),
            "{words}"
        );
    }
    let steps = after(
        until_rejected("No such image: sha256:0123"),
        vec![without_node()],
    );
    let told = refusal_of_image(ID, steps);
    assert_eq!(
        (told.code(), told.status().as_u16()),
        ("no_such_image", 500)
    );
}

#[test]
fn a_start_that_waits_for_a_health_check_names_it_and_its_interval() {
    let starting = |patch: &str| {
        let patch: Value = serde_json::from_str(patch).expect("a patch");
        let mut service = service(0, &[]);
        service["Spec"]["TaskTemplate"]["ContainerSpec"]["Healthcheck"] =
            patch["ContainerSpec"]["Healthcheck"].clone();
        let mut started = until_started();
        let shown = started.iter_mut().find(|step| step.0 == "look up service");
        shown.expect("a look").1 = Is(200, service.to_string());
        let looks = (0..118).map(|_| ("list own tasks", failing("starting", "")));
        let starting = || failing("starting", "");
        after(started, vec![looks.collect(), cleaned_up(1, starting)])
    };
    let patch = r#"{"ContainerSpec":{"Healthcheck":{"Interval":45000000000}}}"#;
    for (patch, interval) in [(patch, "45 s in the patch"), ("{}", "30 s unless")] {
        let variables = [SWARM[0], SWARM[1], ("container_patch", patch)];
        let order = order();
        let outcome = run_with(&variables, starting(patch), async |provisioner| {
            provisioner.start(&order).await
        });
        let words = outcome.expect_err("no check").to_string();
        assert!(words.contains("health check"), "{words}");
        assert!(words.contains(interval), "{words}");
    }
}

#[test]
fn a_health_check_that_has_ended_a_target_or_may_have_is_named() {
    for (words, told) in [
        (
            "task: non-zero exit (143): dockerexec: unhealthy container",
            "because its health check failed",
        ),
        ("", "or its health check has failed"),
    ] {
        let ended = || {
            let mut task = task_of(crate::swarm::SERVICE, "failed", "shutdown");
            task["Status"]["Err"] = words.into();
            list(&[task])
        };
        let looks = || vec![("find service", one(1, &[])), ("list own tasks", ended())];
        let steps = after(
            until_started(),
            vec![
                vec![
                    ("list own tasks", failing("starting", "")),
                    ("list own tasks", ended()),
                ],
                looks(),
                looks(),
            ],
        );
        let error = start(steps).expect_err("it has ended");
        assert_eq!(error.status().as_u16(), 409);
        assert!(error.to_string().contains(told), "{error}");
    }
}
