//! The removals of a reap on a Swarm, and which reap has the event.

use dynamic_access::log_line::reap_lines;
use dynamic_access::reaper::{self, Reason, Report, Scope};

use super::*;

#[track_caller]
fn reap_within(scope: Scope, steps: Steps) -> Report {
    let report = on_swarm(steps, async |provisioner| {
        reaper::reap(&provisioner.backend, provisioner.config, scope).await
    });
    report.expect("a list")
}

#[track_caller]
pub fn reap(steps: Steps) -> Report {
    reap_within(Scope::whole(false), steps)
}

/// The lists with which a reap begins.
fn listed(services: Reply, tasks: Reply) -> Steps {
    call("list services", services) + call("list tasks", tasks)
}

/// The list with which it ends.
fn no_secrets() -> Steps {
    call("list secrets", none())
}

/// The removal of a service that a look shows like this, and its tasks, which end at once.
fn removed(service: Reply, tasks: Reply) -> Steps {
    call("look up service", service) + looked(tasks) + ended()
}

#[test]
fn a_reap_removes_old_secrets_without_a_service() {
    let secret = |id: &str, attempt: &str, created: &str| {
        json!({
            "ID": id,
            "CreatedAt": created,
            "Spec": {"Name": id, "Labels": {"dynamic-access.attempt": attempt}},
        })
    };
    let (old, young) = ("2026-11-23T00:58:59Z", "2026-11-23T00:59:10Z");
    let secrets = list(&[
        secret("in-use", &"0".repeat(32), old),
        secret("young", "1", young),
        secret("left", "2", old),
    ]);
    let looks = listed(one(1, &["vouched"]), task("running")) + call("list secrets", secrets);
    let report = reap(looks + call("delete secret", done()));
    assert_eq!((report.found, report.left_over), (1, 1));
}

#[test]
fn a_reap_fences_what_never_started_and_spares_what_is_vouched_for() {
    let begun = || listed(old(0, &[]), none());
    let report = reap(begun() + removed(shown(0, &[]), none()) + no_secrets());
    assert_eq!(report.removed.len(), 1);
    // Somebody has vouched for it since the list.
    let late = call("update", out_of_sequence());
    for (now, tasks, update) in [
        (shown(1, &["vouched"]), task("running"), no_call()),
        (shown(0, &[]), none(), late.clone()),
        (shown(1, &[]), task("running"), late),
    ] {
        let looks = call("look up service", now) + looked(tasks) + update;
        assert!(reap(begun() + looks + no_secrets()).removed.is_empty());
    }
}

#[test]
fn a_reap_ends_what_runs_and_nobody_was_told_of() {
    let removal = removed(shown(1, &[]), task("running"));
    let report = reap(listed(old(1, &[]), task("running")) + removal + no_secrets());
    assert_eq!(report.removed[0].1, Reason::NeverStarted);
    for services in [old(1, &["vouched"]), one(1, &[])] {
        let report = reap(listed(services, task("running")) + no_secrets());
        assert!(report.removed.is_empty());
    }
}

/// Removes a vouched target that is not seen running.
#[track_caller]
fn reap_vouched(tasks: Reply) -> Report {
    let removal = removed(shown(1, &["vouched"]), none());
    let report = reap(listed(old(1, &["vouched"]), tasks) + removal + no_secrets());
    assert_eq!(report.removed.len(), 1);
    report
}

/// A list of a task that ended long ago, with this error.
fn failed(error: &str) -> Reply {
    let mut ended = task_of(SERVICE, "failed", "shutdown");
    ended["Status"]["Timestamp"] = "2026-11-23T00:10:00Z".into();
    ended["Status"]["Err"] = error.into();
    list(&[ended])
}

#[test]
fn a_reap_removes_a_vouched_target_that_has_ended_or_was_forgotten() {
    reap_vouched(failed(""));
    reap_vouched(none());
}

#[test]
fn a_target_whose_health_check_has_failed_is_told_as_unhealthy() {
    let error = "task: non-zero exit (7): dockerexec: unhealthy container";
    let events = events(&reap_vouched(failed(error)));
    assert_eq!(events[0]["code"], "unhealthy");
    assert_eq!(events[0]["exit_code"], 7);
}

/// A service that has outlived its lifetime.
fn expired(replicas: u64, more: &[&str]) -> Value {
    let mut service = service(replicas, more);
    service["CreatedAt"] = "2026-11-01T00:00:00Z".into();
    service
}

fn events(report: &Report) -> Vec<Value> {
    let lines = reap_lines("id", None, report, &[]);
    let lines = lines.iter();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[test]
fn an_end_that_a_node_has_not_confirmed_is_left_and_no_event() {
    let fenced = ["vouched", "fenced"];
    let begun = listed(list(&[expired(1, &["vouched"])]), task("running"))
        + call("look up service", shown(1, &["vouched"]))
        + updated();
    // Another reap finds it fenced.
    let again = listed(list(&[expired(0, &fenced)]), leaving())
        + call("look up service", shown(0, &fenced));
    for steps in [begun, again] {
        // Six seconds of pauses, which double up to a second.
        let report = reap(steps + looked(leaving()) * 10 + no_secrets());
        assert_eq!(events(&report), Vec::<Value>::new());
        assert_eq!((report.removed.len(), report.left), (0, 1));
    }
}

/// The reap that finds a target fenced by an earlier one, once its node has confirmed the
/// end.
fn finished(delete: Reply) -> Report {
    let service = expired(0, &["vouched", "fenced"]);
    reap(
        listed(list(&[service]), none())
            + call("look up service", shown(0, &["fenced"]))
            + looked(none())
            + call("delete service", delete)
            + call("list own secrets", none())
            + no_secrets(),
    )
}

#[test]
fn the_reap_that_finishes_an_expiry_tells_it_as_one() {
    let events = events(&finished(shows("")));
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["code"], "expired");
}

#[test]
fn a_removal_that_another_request_has_finished_is_its_event() {
    let report = finished(gone());
    assert_eq!(events(&report), Vec::<Value>::new());
    assert_eq!((report.removed.len(), report.left), (0, 0));
}

#[test]
fn a_withdrawn_start_is_told_as_never_started_by_whoever_removes_it() {
    // For a target that may run no more, a removal without force looks once more.
    let looks = call("look up service", shown(0, &["fenced"])) + looked(none()) * 2;
    let begun = listed(old(0, &["fenced"]), none());
    let report = reap(begun + looks + deleted() + no_secrets());
    assert_eq!(report.removed[0].1, Reason::NeverStarted);
}

#[test]
fn one_that_cannot_be_ended_comes_after_the_others() {
    let id = |number: usize| format!("{number:025}");
    let stopping = |number| {
        let mut service = expired(0, &["vouched", "fenced"]);
        service["ID"] = id(number).into();
        service
    };
    let services: Vec<_> = (0..4).map(stopping).chain([expired(0, &[])]).collect();
    let tasks: Vec<_> = (0..4)
        .map(|number| task_of(&id(number), "running", "remove"))
        .collect();
    let scope = Scope {
        tries_max: 1,
        ..Scope::AFTER_ANSWER
    };
    let begun = listed(list(&services), list(&tasks));
    let removal = removed(shown(0, &[]), none());
    let report = reap_within(scope, begun + removal + no_secrets());
    assert_eq!(report.removed.len(), 1);
}

#[test]
fn secrets_that_cannot_be_listed_keep_no_target_from_being_removed() {
    let begun = listed(old(0, &[]), none()) + removed(shown(0, &[]), none());
    let report = reap(begun + call("list secrets", said(500, "m")) * 3);
    assert_eq!(report.removed.len(), 1);
    let notes = report.notes(false);
    assert!(notes[0].contains("secrets"), "{notes:?}");
}
