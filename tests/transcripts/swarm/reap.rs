//! The removals of a reap on a Swarm, and which reap has the event.

use dynamic_access::log_line::reap_lines;
use dynamic_access::reaper::{self, Reason, Report, Scope};

use super::start::OUT_OF_SEQUENCE;
use super::*;

#[track_caller]
fn reap_within(scope: Scope, steps: Steps) -> Report {
    let report = on_swarm(steps, async |provisioner| {
        reaper::reap(&provisioner.backend, provisioner.config, scope).await
    });
    report.expect("a list")
}

/// Reaps, if no secret is left.
#[track_caller]
fn reap(steps: Steps) -> Report {
    reap_within(Scope::whole(false), steps + "list secrets")
}

/// The lists with which a reap begins.
fn listed(service: Value, tasks: &str) -> Steps {
    call("list services", list(&[service])) + format!("list tasks: {tasks}")
}

/// A service that was made an hour ago.
fn old(words: &str) -> Value {
    let mut service = service(words);
    service["CreatedAt"] = "2026-11-23T00:00:50.123456789Z".into();
    service
}

/// A service that has outlived its lifetime.
fn expired(words: &str) -> Value {
    let mut service = service(words);
    service["CreatedAt"] = "2026-11-01T00:00:00Z".into();
    service
}

/// The removal of a service that a look shows like this, and its tasks, which end at once.
fn removed(service: &str, tasks: &str) -> Steps {
    steps(&format!(
        "look up service: {service}; list own tasks: {tasks}"
    )) + ENDED
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
    let looks = listed(service("1 vouched"), "running") + call("list secrets", secrets);
    let report = reap_within(Scope::whole(false), looks + "delete secret");
    assert_eq!((report.found, report.left_over), (1, 1));
}

#[test]
fn a_reap_fences_what_never_started_and_spares_what_is_vouched_for() {
    let begun = || listed(old("0"), "none");
    let report = reap(begun() + removed("0", "none"));
    assert_eq!(report.removed.len(), 1);
    // Somebody has vouched for it since the list.
    for (looks, update) in [
        ("look up service: 1 vouched; list own tasks: running", ""),
        ("look up service: 0; list own tasks: none", OUT_OF_SEQUENCE),
        (
            "look up service: 1; list own tasks: running",
            OUT_OF_SEQUENCE,
        ),
    ] {
        assert!(reap(begun() + looks + update).removed.is_empty());
    }
}

#[test]
fn a_reap_ends_what_runs_and_nobody_was_told_of() {
    let report = reap(listed(old("1"), "running") + removed("1", "running"));
    assert_eq!(report.removed[0].1, Reason::NeverStarted);
    for service in [old("1 vouched"), service("1")] {
        assert!(reap(listed(service, "running")).removed.is_empty());
    }
}

/// Removes a vouched target that is not seen running.
#[track_caller]
fn reap_vouched(tasks: Reply) -> Report {
    let services = call("list services", list(&[old("1 vouched")]));
    let report = reap(services + call("list tasks", tasks) + removed("1 vouched", "none"));
    assert_eq!(report.removed.len(), 1);
    report
}

/// A list of a task that ended long ago, in these words.
fn failed(words: &str) -> Reply {
    let mut ended = task(words);
    ended["Status"]["Timestamp"] = "2026-11-23T00:10:00Z".into();
    list(&[ended])
}

#[test]
fn a_reap_removes_a_vouched_target_that_has_ended_or_was_forgotten() {
    reap_vouched(failed("failed shutdown"));
    reap_vouched(list(&[]));
}

#[test]
fn a_target_whose_health_check_has_failed_is_told_as_unhealthy() {
    let words = "failed shutdown: task: non-zero exit (7): dockerexec: unhealthy container";
    let events = events(&reap_vouched(failed(words)));
    assert_eq!(events[0]["code"], "unhealthy");
    assert_eq!(events[0]["exit_code"], 7);
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
    let begun = listed(expired("1 vouched"), "running") + "look up service: 1 vouched; update";
    // Another reap finds it fenced.
    let again =
        listed(expired("0 vouched fenced"), "running remove") + "look up service: 0 vouched fenced";
    for steps in [begun, again] {
        // Six seconds of pauses, which double up to a second.
        let report = reap(steps + looked("running remove") * 10);
        assert_eq!(events(&report), Vec::<Value>::new());
        assert_eq!((report.removed.len(), report.left), (0, 1));
    }
}

/// The reap that finds a target fenced by an earlier one, once its node has confirmed the
/// end.
fn finished(delete: &str) -> Report {
    let looks = "look up service: 0 fenced; list own tasks: none";
    reap(listed(expired("0 vouched fenced"), "none") + looks + delete + "list own secrets")
}

#[test]
fn the_reap_that_finishes_an_expiry_tells_it_as_one() {
    let events = events(&finished("delete service"));
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["code"], "expired");
}

#[test]
fn a_removal_that_another_request_has_finished_is_its_event() {
    let report = finished("delete service: 404 service x not found");
    assert_eq!(events(&report), Vec::<Value>::new());
    assert_eq!((report.removed.len(), report.left), (0, 0));
}

#[test]
fn a_withdrawn_start_is_told_as_never_started_by_whoever_removes_it() {
    // For a target that may run no more, a removal without force looks once more.
    let looks = "look up service: 0 fenced; list own tasks: none; list own tasks: none";
    let report = reap(listed(old("0 fenced"), "none") + looks + DELETED);
    assert_eq!(report.removed[0].1, Reason::NeverStarted);
}

#[test]
fn one_that_cannot_be_ended_comes_after_the_others() {
    let id = |number: usize| format!("{number:025}");
    let stopping = |number| {
        let mut service = expired("0 vouched fenced");
        service["ID"] = id(number).into();
        service
    };
    let services: Vec<_> = (0..4).map(stopping).chain([expired("0")]).collect();
    let tasks: Vec<_> = (0..4)
        .map(|number| task_of(&id(number), "running remove"))
        .collect();
    let scope = Scope {
        tries_max: 1,
        ..Scope::AFTER_ANSWER
    };
    let begun = call("list services", list(&services)) + call("list tasks", list(&tasks));
    let report = reap_within(scope, begun + removed("0", "none") + "list secrets");
    assert_eq!(report.removed.len(), 1);
}

#[test]
fn secrets_that_cannot_be_listed_keep_no_target_from_being_removed() {
    let begun = listed(old("0"), "none") + removed("0", "none");
    let no_list = steps("list secrets: 500 m") * 3;
    let report = reap_within(Scope::whole(false), begun + no_list);
    assert_eq!(report.removed.len(), 1);
    let notes = report.notes(false);
    assert!(notes[0].contains("secrets"), "{notes:?}");
}
