//! The waits of `/v1/targets`.

use std::time::Duration;

use dynamic_access::error::Error;
use dynamic_access::platform::Platform;
use dynamic_access::target_view::{Awaited, TargetView};

use crate::script::*;

/// A list of a target that runs, in the words of its `Status`.
fn with(status: &str) -> Steps {
    let mut entry = entry("running");
    entry["Status"] = status.into();
    call("list by id", shows(json!([entry])))
}

/// The last calls of a wait that sees the target end. Only the last look makes the list
/// of renewals, if it has found the target.
const ENDED: &str = "list by id: exited; list volumes; inspect: exited 7";

const GONE: &str = "list by id: none";

const UP: &str = "Up 4 seconds";
const STARTING: &str = "Up 4 seconds (health: starting)";
const HEALTHY: &str = "Up 4 seconds (healthy)";

/// Waits at most this many seconds, and returns the outcome and the seconds it took.
fn wait(awaited: Awaited, seconds: u64, steps: Steps) -> (Result<TargetView, Error>, u64) {
    run(steps, async |provisioner| {
        let timeout = Duration::from_secs(seconds);
        let outcome = provisioner.wait(&own(&provisioner), awaited, timeout).await;
        (outcome, provisioner.platform.now().as_secs())
    })
}

#[track_caller]
fn check_ready(steps: Steps, ready: Option<bool>, took: u64) {
    let (outcome, seconds) = wait(Awaited::Ready, 20, steps + "list volumes");
    assert_eq!((outcome.expect("a target").ready, seconds), (ready, took));
}

#[test]
fn a_wait_looks_once_a_second_until_the_target_is_ready() {
    let unhealthy = with("Up 4 seconds (unhealthy)");
    let looks = with(STARTING) + unhealthy + with(HEALTHY);
    check_ready(looks, Some(true), 2);
    check_ready(with(HEALTHY), Some(true), 0);
    check_ready(with(UP), None, 0);
    check_ready(steps("list by id: created") + with(UP), None, 1);
}

#[test]
fn a_wait_tells_the_target_as_it_is_when_the_time_is_up() {
    check_ready(with(STARTING) * 21, Some(false), 20);
    let steps = with(STARTING) * 2 + "list volumes";
    let (outcome, took) = wait(Awaited::Ready, 1, steps);
    assert_eq!((outcome.expect("a target").ready, took), (Some(false), 1));
}

#[test]
fn one_that_has_ended_or_is_gone_is_not_waited_for() {
    for (awaited, status) in [(Awaited::Ended, UP), (Awaited::Ready, STARTING)] {
        let (outcome, took) = wait(awaited, 20, with(status) + ENDED);
        assert_eq!((outcome.expect("a target").exit_code, took), (Some(7), 1));
        let gone = with(STARTING) + GONE;
        let foreign = steps("list by id: running deployment=other");
        for (steps, seconds) in [(gone, 1), (foreign, 0)] {
            let (outcome, took) = wait(awaited, 20, steps);
            let status = outcome.expect_err("it is gone").status();
            assert_eq!((status.as_u16(), took), (404, seconds));
        }
    }
}

#[test]
fn a_look_that_fails_is_repeated_until_the_time_is_up() {
    let failed = steps("list by id: 400 planted");
    let found = with(STARTING) + failed.clone() * 2 + with(HEALTHY);
    check_ready(found, Some(true), 3);
    let (outcome, took) = wait(Awaited::Ended, 3, with(STARTING) + failed * 3);
    assert!(outcome.is_err());
    assert_eq!(took, 3);
}

#[test]
fn the_last_look_ends_by_the_time_of_the_answer() {
    let (outcome, took) = wait(Awaited::Ended, 20, steps("list by id: hangs") * 5);
    assert_eq!(outcome.expect_err("a failure").status().as_u16(), 504);
    assert!(took <= 25, "{took}");
}

/// A start, and the wait after it.
#[track_caller]
fn check_start(health: &str, rest: Steps, word: &str, ready: Option<bool>) {
    let mut runs = container("running", 0, "");
    runs["State"]["Health"]["Status"] = health.into();
    let steps = steps("STARTED") + call("inspect", shows(runs)) + rest;
    let target = run(steps, async |provisioner| {
        let started = provisioner.start(&order()).await.expect("it runs");
        let target = TargetView::new(&started.container, provisioner.config);
        let timeout = Duration::from_secs(20);
        provisioner.wait_until_ready(target, timeout).await
    });
    assert_eq!((target.state.word(), target.ready), (word, ready));
}

#[test]
fn a_start_that_waits_is_a_success_whatever_comes_of_the_wait() {
    let ready = with(HEALTHY) + "list volumes";
    check_start("starting", ready, "running", Some(true));
    check_start("healthy", steps(""), "running", Some(true));
    check_start("none", steps(""), "running", None);
    let looks = with(STARTING) * 21 + "list volumes";
    check_start("starting", looks, "running", Some(false));
    check_start("starting", with(STARTING) + GONE, "ended", None);
    let hung = steps("list by id: hangs") * 5;
    check_start("starting", hung, "running", Some(false));
}
