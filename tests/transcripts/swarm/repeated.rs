//! Repeated starts on a Swarm.

use super::start::OUT_OF_SEQUENCE;
use super::*;

#[test]
fn a_repeated_start_finds_its_target_although_a_new_one_would_be_refused() {
    let missing = "create service: 404 network targets not found";
    let rest = steps("find service by name: 1; list own tasks: running");
    let rest = rest + SEEN_RUNNING + VOUCHED_FOR;
    let found = start(steps(missing) + rest.clone());
    assert!(!found.expect("it runs").is_new);
    let elsewhere = [&SWARM[..], &[("service_urls", "https://other")]].concat();
    let found = crate::script::start(&elsewhere, rest);
    assert!(!found.expect("it runs").is_new);
    let nothing = "find service by name: none; list own tasks: none";
    check_refused(steps(missing) + nothing, "no_such_network");
}

#[test]
fn a_repeated_start_vouches_for_what_runs() {
    let mut of_earlier_version = service("1 vouched");
    let labels = of_earlier_version["Spec"]["Labels"].as_object_mut();
    labels.expect("labels").remove("dynamic-access.template");
    // Whether somebody has vouched for it or not: a fence that has happened meanwhile
    // makes the update fail.
    for service in [service("1"), service("1 vouched"), of_earlier_version] {
        let steps = steps(FOUND) + SEEN_RUNNING + looked_up_again(service) + "update";
        assert!(!start(steps).expect("a target").is_new);
    }
    let leaderless = "update: 503 rpc error: The swarm does not have a leader";
    let looked_up = looked_up_again(service("1 vouched"));
    check_refused(
        steps(FOUND) + SEEN_RUNNING + looked_up + leaderless,
        "no_leader",
    );
}

#[test]
fn repeated_starts_that_meet_each_vouch_for_it() {
    let looked_up = || looked_up_again(service("1 vouched"));
    let rest = (looked_up() + OUT_OF_SEQUENCE) * 2 + looked_up() + "update";
    let started = start(steps(FOUND) + SEEN_RUNNING + rest);
    assert!(!started.expect("a target").is_new);
}
