//! First starts on a Swarm.

use dynamic_access::error::TargetError;

use super::*;

#[test]
fn a_start_is_vouched_for_once_its_task_was_seen_running() {
    let looks = looked(task("preparing")) + looked(task("running"));
    let started = start(until_updated() + looks + seen_running() + vouched_for());
    let started = started.expect("a target");
    assert_eq!(started.container.id.as_str(), SERVICE);
    assert!(started.is_new);
}

#[track_caller]
fn check_in_progress(steps: Steps) {
    let error = start(steps).expect_err("it is early or withdrawn");
    assert_eq!(error, Error::Target(TargetError::InProgress));
}

#[test]
fn a_vouch_that_meets_a_fence_is_no_success() {
    let met = call("look up service", shown(1, &[]))
        + call("update", out_of_sequence())
        + call("look up service", shown(0, &["fenced"]));
    check_in_progress(until_updated() + looked(task("running")) + seen_running() + met);
}

/// Starts a target whose service is fenced after these steps, which is then cleaned up.
#[track_caller]
fn check_withdrawn(steps: Steps) {
    let cleaned_up = call("find service", one(0, &["fenced"]))
        + looked(none())
        + call("look up service", shown(0, &["fenced"]))
        + looked(none()) * 2
        + deleted();
    check_in_progress(steps + cleaned_up);
}

#[test]
fn a_fenced_service_is_not_started() {
    check_withdrawn(until_secret() + call("look up service", shown(0, &["fenced"])));
}

/// A start whose update meets another that was made since its look.
fn met() -> Steps {
    until_checked() + call("update", out_of_sequence())
}

#[test]
fn a_start_that_meets_the_allocation_of_its_ports_is_made_from_the_next_version() {
    let again = checked() + updated() + seen_and_vouched_for();
    start(met() + again).expect("it runs");
}

#[test]
fn a_start_that_meets_a_fence_is_not_made_again() {
    check_withdrawn(met() + call("look up service", shown(0, &["fenced"])));
}

#[test]
fn a_start_while_an_earlier_target_of_its_name_may_run_is_refused() {
    let earlier = list(&[task_of(OTHER_SERVICE, "running", "remove")]);
    let steps = created() + counted(one(0, &[]), earlier) + cleaned_up(0, &none());
    check_in_progress(steps);
}

#[test]
fn a_task_that_does_not_run_in_time_is_told_with_its_reason_and_taken_back() {
    let no_node = "no suitable node (insufficient resources on 3 nodes)";
    // Five seconds, and nineteen.
    for (state, error, looks, code) in [
        ("pending", no_node, 63, "no_node"),
        ("preparing", "", 118, "still_preparing"),
        ("pending", "", 118, "start_too_slow"),
        ("assigned", "", 118, "start_too_slow"),
        ("starting", "", 118, "unchecked"),
    ] {
        check_refused(given_up(looks, &failing(state, error)), code);
    }
}

#[test]
fn a_target_that_somebody_was_told_of_counts_by_its_task() {
    let mut other = task_of(OTHER_SERVICE, "running", "running");
    other["Spec"]["ContainerSpec"]["Labels"]["dynamic-access.name"] = "another".into();
    let steps = created() + counted(one(0, &[]), list(&[other])) + cleaned_up(0, &none());
    let environment_of_one = r#"{"e":{"max_targets":1}}"#;
    for limits in [
        [("max_targets", "1"), ("environments", "{}")],
        [("max_targets", "5"), ("environments", environment_of_one)],
    ] {
        let changes = [SWARM, limits].concat();
        let outcome = crate::script::start(&changes, steps.clone());
        assert_eq!(outcome.expect_err("no room").status(), 429);
    }
}

#[test]
fn a_service_that_somebody_deletes_before_its_task_is_made_is_made_again() {
    // The forty-eighth look comes after two seconds.
    let deleted = until_updated() + looked(none()) * 48 + call("look up service", gone());
    let nothing = call("find service", none())
        + call("list tasks", none())
        + call("find service by name", none())
        + looked(none());
    start(deleted + nothing + running_elsewhere()).expect("a target");
}

#[test]
fn a_lost_update_is_taken_back_unless_its_task_runs() {
    let lost = until_checked() + call("update", Lost);
    let taken_back = call("find service", one(1, &[]))
        + looked(task("preparing"))
        + call("look up service", shown(1, &[]))
        + looked(task("preparing"))
        + updated()
        + looked(leaving())
        + looked(none())
        + deleted();
    let error = start(lost.clone() + taken_back).expect_err("it is lost");
    assert_eq!(error.status(), 502);
    start(lost + seen_running() * 2 + vouched_for()).expect("a target");
}

#[test]
fn a_new_leader_that_does_not_know_the_secret_yet_is_no_refusal() {
    let unknown = "rpc error: code = InvalidArgument desc = secret not found: n";
    let refused = until_checked() + call("update", said(400, unknown));
    check_refused(refused + cleaned_up(0, &none()), "no_leader");
}

/// Changes the variables and the service of a start that waits for a health check with this
/// patch.
#[track_caller]
fn check_unchecked(patch: &'static str, interval: &str) {
    let value: Value = serde_json::from_str(patch).expect("a patch");
    let mut service = service(0, &[]);
    service["Spec"]["TaskTemplate"]["ContainerSpec"]["Healthcheck"] =
        value["ContainerSpec"]["Healthcheck"].clone();
    let starting = failing("starting", "");
    let steps = until_secret()
        + call("look up service", shows(service))
        + nodes_are_new()
        + updated()
        + looked(starting.clone()) * 118
        + cleaned_up(1, &starting);
    let changes = [SWARM[0], SWARM[1], ("container_patch", patch)];
    let outcome = crate::script::start(&changes, steps);
    let words = outcome.expect_err("no check").to_string();
    assert!(words.contains("health check"), "{words}");
    assert!(words.contains(interval), "{words}");
}

#[test]
fn a_start_that_waits_for_a_health_check_names_it_and_its_interval() {
    let patch = r#"{"ContainerSpec":{"Healthcheck":{"Interval":45000000000}}}"#;
    check_unchecked(patch, "45 s in the patch");
    check_unchecked("{}", "30 s unless");
}

#[test]
fn a_health_check_that_has_ended_a_target_or_may_have_is_named() {
    let unhealthy = "task: non-zero exit (143): dockerexec: unhealthy container";
    for (words, told) in [
        (unhealthy, "because its health check failed"),
        ("", "or its health check has failed"),
    ] {
        let mut task = task_of(SERVICE, "failed", "shutdown");
        task["Status"]["Err"] = words.into();
        let ended = looked(list(&[task]));
        let looks = (call("find service", one(1, &[])) + ended.clone()) * 2;
        let steps = until_updated() + looked(failing("starting", "")) + ended + looks;
        let error = start(steps).expect_err("it has ended");
        assert_eq!(error.status().as_u16(), 409);
        assert!(error.to_string().contains(told), "{error}");
    }
}
