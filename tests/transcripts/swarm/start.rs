//! First starts on a Swarm.

use dynamic_access::error::TargetError;

use super::*;

#[test]
fn a_start_is_vouched_for_once_its_task_was_seen_running() {
    let looks = "list own tasks: preparing; list own tasks: running";
    let started = start(until_updated() + looks + SEEN_RUNNING + VOUCHED_FOR);
    let started = started.expect("a target");
    assert_eq!(started.container.id.as_str(), SERVICE);
    assert!(started.is_new);
}

#[track_caller]
fn check_in_progress(steps: Steps) {
    let error = start(steps).expect_err("it is early or withdrawn");
    assert_eq!(error, Error::Target(TargetError::InProgress));
}

pub const OUT_OF_SEQUENCE: &str =
    "update: 500 rpc error: code = Unknown desc = update out of sequence";

#[test]
fn a_vouch_that_meets_a_fence_is_no_success() {
    let seen = until_updated() + "list own tasks: running" + SEEN_RUNNING;
    let met = seen + "look up service: 1" + OUT_OF_SEQUENCE;
    check_in_progress(met + "look up service: 0 fenced");
}

/// Starts a target whose service is fenced after these steps, which is then cleaned up.
#[track_caller]
fn check_withdrawn(steps: Steps) {
    let cleaned_up = "
        find service: 0 fenced; list own tasks: none; look up service: 0 fenced;
        list own tasks: none; list own tasks: none";
    check_in_progress(steps + "look up service: 0 fenced" + cleaned_up + DELETED);
}

#[test]
fn a_fenced_service_is_not_started() {
    check_withdrawn(steps(UNTIL_SECRET));
}

#[test]
fn a_start_that_meets_the_allocation_of_its_ports_is_made_from_the_next_version() {
    let again = steps(CHECKED) + "update" + SEEN_AND_VOUCHED_FOR;
    start(until_checked() + OUT_OF_SEQUENCE + again).expect("it runs");
}

#[test]
fn a_start_that_meets_a_fence_is_not_made_again() {
    check_withdrawn(until_checked() + OUT_OF_SEQUENCE);
}

/// The calls of a start until it has counted, if the lists show these tasks.
fn counted(tasks: &[Value]) -> Steps {
    let created = steps("create service; list unvouched services: 0");
    created + call("list tasks", list(tasks))
}

#[test]
fn a_start_while_an_earlier_target_of_its_name_may_run_is_refused() {
    let earlier = task_of(OTHER_SERVICE, "running remove");
    check_in_progress(counted(&[earlier]) + cleaned_up(0, "none"));
}

#[test]
fn a_task_that_does_not_run_in_time_is_told_with_its_reason_and_taken_back() {
    let no_node = "pending nowhere: no suitable node (insufficient resources on 3 nodes)";
    // Five seconds, and nineteen.
    for (task, looks, code) in [
        (no_node, 63, "no_node"),
        ("preparing nowhere", 118, "still_preparing"),
        ("pending nowhere", 118, "start_too_slow"),
        ("assigned nowhere", 118, "start_too_slow"),
        ("starting nowhere", 118, "unchecked"),
    ] {
        check_refused(given_up(looks, task), code);
    }
}

#[test]
fn a_target_that_somebody_was_told_of_counts_by_its_task() {
    let mut other = task_of(OTHER_SERVICE, "running");
    other["Spec"]["ContainerSpec"]["Labels"]["dynamic-access.name"] = "another".into();
    let steps = counted(&[other]) + cleaned_up(0, "none");
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
    let looks = until_updated() + looked("none") * 48;
    let nothing = "
        look up service: 404 service x not found;
        find service: none; list tasks: none;
        find service by name: none; list own tasks: none";
    start(looks + nothing + running_elsewhere()).expect("a target");
}

#[test]
fn a_lost_update_is_taken_back_unless_its_task_runs() {
    let lost = until_checked() + "update: lost";
    let taken_back = "
        find service: 1; list own tasks: preparing;
        look up service: 1; list own tasks: preparing;
        update;
        list own tasks: running remove; list own tasks: none";
    let error = start(lost.clone() + taken_back + DELETED).expect_err("it is lost");
    assert_eq!(error.status(), 502);
    start(lost + SEEN_RUNNING + SEEN_RUNNING + VOUCHED_FOR).expect("a target");
}

#[test]
fn a_new_leader_that_does_not_know_the_secret_yet_is_no_refusal() {
    let unknown = "update: 400 rpc error: code = InvalidArgument desc = secret not found: n";
    let steps = until_checked() + unknown + cleaned_up(0, "none");
    check_refused(steps, "no_leader");
}

/// Changes the variables and the service of a start that waits for a health check with this
/// patch.
#[track_caller]
fn check_unchecked(patch: &'static str, interval: &str) {
    let value: Value = serde_json::from_str(patch).expect("a patch");
    let mut service = service("0");
    service["Spec"]["TaskTemplate"]["ContainerSpec"]["Healthcheck"] =
        value["ContainerSpec"]["Healthcheck"].clone();
    let starting = "starting nowhere";
    let steps = steps(UNTIL_SECRET)
        + call("look up service", shows(service))
        + "list nodes; update"
        + looked(starting) * 118
        + cleaned_up(1, starting);
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
    let unhealthy = "failed shutdown: task: non-zero exit (143): dockerexec: unhealthy container";
    for (ended, told) in [
        (unhealthy, "its health check, from the image"),
        ("failed shutdown", "or its health check has failed"),
    ] {
        let looks = (steps("find service: 1") + looked(ended)) * 2;
        let steps = until_updated() + looked("starting nowhere") + looked(ended) + looks;
        let error = start(steps).expect_err("it has ended");
        assert_eq!(error.status().as_u16(), 409);
        assert!(error.to_string().contains(told), "{error}");
    }
}
