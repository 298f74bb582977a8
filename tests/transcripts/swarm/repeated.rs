//! Repeated starts on a Swarm.

use super::*;

#[test]
fn a_repeated_start_finds_its_target_although_a_new_one_would_be_refused() {
    let missing = call("create service", said(404, "network targets not found"));
    let by_name = |services, tasks| call("find service by name", services) + looked(tasks);
    let rest = by_name(one(1, &[]), task("running")) + seen_running() + vouched_for();
    let found = start(missing.clone() + rest.clone());
    assert!(!found.expect("it runs").is_new);
    let elsewhere = [&SWARM[..], &[("service_urls", "https://other")]].concat();
    let found = crate::script::start(&elsewhere, rest);
    assert!(!found.expect("it runs").is_new);
    check_refused(missing + by_name(none(), none()), "no_such_network");
}

#[test]
fn a_repeated_start_vouches_for_what_runs() {
    let mut of_earlier_version = service(1, &["vouched"]);
    let labels = of_earlier_version["Spec"]["Labels"].as_object_mut();
    labels.expect("labels").remove("dynamic-access.template");
    // Whether somebody has vouched for it or not: a fence that has happened meanwhile
    // makes the update fail.
    for service in [
        service(1, &[]),
        service(1, &["vouched"]),
        of_earlier_version,
    ] {
        let steps = found() + seen_running() + vouched_for_again(service);
        assert!(!start(steps).expect("a target").is_new);
    }
    let leaderless = "rpc error: The swarm does not have a leader";
    let without_majority =
        looked_up_again(service(1, &["vouched"])) + call("update", said(503, leaderless));
    check_refused(found() + seen_running() + without_majority, "no_leader");
}

#[test]
fn repeated_starts_that_meet_each_vouch_for_it() {
    let late = looked_up_again(service(1, &["vouched"])) + call("update", out_of_sequence());
    let rest = late * 2 + vouched_for_again(service(1, &["vouched"]));
    let started = start(found() + seen_running() + rest);
    assert!(!started.expect("a target").is_new);
}
