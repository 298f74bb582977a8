//! The waits of `/v1/targets`.

use std::time::Duration;

use dynamic_access::docker::TargetId;
use dynamic_access::error::Error;
use dynamic_access::platform::Platform;
use dynamic_access::target_view::{Awaited, TargetView};

use crate::script::*;

/// A list of a target that runs, in the words of its `Status`.
fn with(status: &str) -> (&'static str, Reply) {
    let mut entry = entry(ID, "running", 1_795_395_650, &[]);
    entry["Status"] = status.into();
    ("list by id", Is(200, format!("[{entry}]")))
}

/// The list that only the last look makes, if it has found the target.
fn renewals() -> (&'static str, Reply) {
    ("list volumes", no_volumes())
}

const UP: &str = "Up 4 seconds";
const STARTING: &str = "Up 4 seconds (health: starting)";
const HEALTHY: &str = "Up 4 seconds (healthy)";

/// Waits for so many seconds at most, and tells the outcome and the seconds it took.
fn wait(
    awaited: Awaited,
    seconds: u64,
    steps: Vec<(&'static str, Reply)>,
) -> (Result<TargetView, Error>, u64) {
    let id = TargetId::parse(ID).expect("an id");
    run(steps, async |provisioner| {
        let timeout = Duration::from_secs(seconds);
        let outcome = provisioner.wait(&id, awaited, timeout).await;
        (outcome, provisioner.platform.now().as_secs())
    })
}

#[track_caller]
fn check_ready(mut steps: Vec<(&'static str, Reply)>, ready: Option<bool>, took: u64) {
    steps.push(renewals());
    let (outcome, seconds) = wait(Awaited::Ready, 20, steps);
    assert_eq!((outcome.expect("a target").ready, seconds), (ready, took));
}

#[test]
fn a_wait_looks_once_a_second_until_the_target_is_ready() {
    let unhealthy = with("Up 4 seconds (unhealthy)");
    check_ready(
        vec![with(STARTING), unhealthy, with(HEALTHY)],
        Some(true),
        2,
    );
    check_ready(vec![with(HEALTHY)], Some(true), 0);
    check_ready(vec![with(UP)], None, 0);
    let created = ("list by id", one("created", &[]));
    check_ready(vec![created, with(UP)], None, 1);
}

#[test]
fn a_wait_tells_the_target_as_it_is_when_the_time_is_up() {
    let looks = |count| (0..count).map(|_| with(STARTING)).collect::<Vec<_>>();
    check_ready(looks(21), Some(false), 20);
    let steps = looks(2).into_iter().chain([renewals()]).collect();
    let (outcome, took) = wait(Awaited::Ready, 1, steps);
    assert_eq!((outcome.expect("a target").ready, took), (Some(false), 1));
}

#[test]
fn a_wait_for_the_end_tells_the_exit_code() {
    let steps = vec![
        with(UP),
        ("list by id", one("exited", &[])),
        renewals(),
        inspected("exited", 7, "01:01:00"),
    ];
    let (outcome, took) = wait(Awaited::Ended, 20, steps);
    assert_eq!((outcome.expect("a target").exit_code, took), (Some(7), 1));
}

#[test]
fn one_that_has_ended_or_is_gone_is_not_waited_for() {
    let steps = vec![
        with(STARTING),
        ("list by id", one("exited", &[])),
        renewals(),
        inspected("exited", 7, "01:01:00"),
    ];
    let (outcome, took) = wait(Awaited::Ready, 20, steps);
    assert_eq!((outcome.expect("a target").exit_code, took), (Some(7), 1));
    for awaited in [Awaited::Ready, Awaited::Ended] {
        let gone = || vec![with(STARTING), ("list by id", none())];
        let foreign = vec![("list by id", one("running", &[("deployment", "other")]))];
        for (steps, seconds) in [(gone(), 1), (foreign, 0)] {
            let (outcome, took) = wait(awaited, 20, steps);
            let status = outcome.expect_err("it is gone").status();
            assert_eq!((status.as_u16(), took), (404, seconds));
        }
    }
}

#[test]
fn a_look_that_fails_is_repeated_until_the_time_is_up() {
    let failed = || ("list by id", said(400, "planted"));
    let steps = vec![with(STARTING), failed(), failed(), with(HEALTHY)];
    check_ready(steps, Some(true), 3);
    let steps = vec![with(STARTING), failed(), failed(), failed()];
    let (outcome, took) = wait(Awaited::Ended, 3, steps);
    assert!(outcome.is_err());
    assert_eq!(took, 3);
}

#[test]
fn the_last_look_ends_by_the_time_of_the_answer() {
    let hung = (0..5).map(|_| ("list by id", Hangs));
    let (outcome, took) = wait(Awaited::Ended, 20, hung.collect());
    assert_eq!(outcome.expect_err("a failure").status().as_u16(), 504);
    assert!(took <= 25, "{took}");
}

/// A start, and the wait after it.
#[track_caller]
fn check_start(health: &str, steps: Vec<(&'static str, Reply)>, word: &str, ready: Option<bool>) {
    let (name, Is(status, body)) = runs() else {
        panic!("an inspect");
    };
    let mut body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    body["State"]["Health"]["Status"] = health.into();
    let start = vec![
        ("create", created()),
        ("list all", one("created", &[])),
        ("archive", written()),
        ("start", done()),
        (name, Is(status, body.to_string())),
    ];
    let steps = start.into_iter().chain(steps).collect();
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
    let not_ready = || (0..25).map(|_| with(STARTING));
    let ready = vec![with(HEALTHY), renewals()];
    check_start("starting", ready, "running", Some(true));
    check_start("healthy", vec![], "running", Some(true));
    check_start("none", vec![], "running", None);
    let looks = not_ready().take(21).chain([renewals()]).collect();
    check_start("starting", looks, "running", Some(false));
    let gone = vec![with(STARTING), ("list by id", none())];
    check_start("starting", gone, "ended", None);
    let hung = (0..5).map(|_| ("list by id", Hangs)).collect();
    check_start("starting", hung, "running", Some(false));
}
