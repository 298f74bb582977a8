//! The removals of a reap on a Swarm, and which reap has the event.

use dynamic_access::log_line::reap_lines;
use dynamic_access::reaper::{self, Reason, Report, Scope};

use super::*;

#[track_caller]
fn reap_within(scope: Scope, steps: &str) -> Report {
    let report = on_swarm(steps, async |provisioner| {
        reaper::reap(&provisioner.backend, provisioner.config, scope).await
    });
    report.expect("a list")
}

/// Reaps, if no secret is left.
#[track_caller]
fn reap(steps: &str) -> Report {
    let steps = format!("{steps}; list secrets");
    reap_within(Scope::whole(false), &steps)
}

#[test]
fn a_reap_removes_old_secrets_without_a_service() {
    let secret = |(id, attempt, created)| {
        json!({
            "ID": id,
            "CreatedAt": created,
            "Spec": {"Name": id, "Labels": {"dynamic-access.attempt": attempt}},
        })
    };
    let (old, young) = ("2026-11-23T00:58:59Z", "2026-11-23T00:59:10Z");
    let of_target = "0".repeat(32);
    let secrets = [
        ("in-use", &*of_target, old),
        ("young", "1", young),
        ("left", "2", old),
    ];
    let secrets = json!(secrets.map(secret));
    let looks = "list services: 1 vouched; list tasks: running";
    let steps = format!("{looks}; list secrets: 200 {secrets}; delete secret");
    let report = reap_within(Scope::whole(false), &steps);
    assert_eq!((report.found, report.left_over), (1, 1));
}

#[test]
fn a_reap_fences_what_never_started_and_spares_what_is_vouched_for() {
    let report = reap("OLD: 0; list tasks: none; look up service: 0; LOOKED: none; ENDED");
    assert_eq!(report.removed.len(), 1);
    // Somebody has vouched for it since the list.
    for looks in [
        "look up service: 1 vouched; LOOKED: running",
        "look up service: 0; LOOKED: none; STALE",
        "look up service: 1; LOOKED: running; STALE",
    ] {
        let report = reap(&format!("OLD: 0; list tasks: none; {looks}"));
        assert!(report.removed.is_empty());
    }
}

#[test]
fn a_reap_ends_what_runs_and_nobody_was_told_of() {
    let report = reap("OLD: 1; list tasks: running; look up service: 1; LOOKED: running; ENDED");
    assert_eq!(report.removed[0].1, Reason::NeverStarted);
    for services in ["OLD: 1 vouched", "list services: 1"] {
        let report = reap(&format!("{services}; list tasks: running"));
        assert!(report.removed.is_empty());
    }
}

/// Removes a vouched target that is not seen running.
#[track_caller]
fn reap_vouched(tasks: &str) -> Report {
    let removed = "look up service: 1 vouched; LOOKED: none; ENDED";
    let report = reap(&format!("OLD: 1 vouched; list tasks: {tasks}; {removed}"));
    assert_eq!(report.removed.len(), 1);
    report
}

#[test]
fn a_reap_removes_a_vouched_target_that_has_ended_or_was_forgotten() {
    reap_vouched("failed shutdown /Status/Timestamp=2026-11-23T00:10:00Z");
    reap_vouched("none");
}

#[test]
fn a_target_whose_health_check_has_failed_is_told_as_unhealthy() {
    let task = "failed shutdown /Status/Timestamp=2026-11-23T00:10:00Z: \
                task: non-zero exit (7): dockerexec: unhealthy container";
    let events = events(&reap_vouched(task));
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
    let begun = "EXPIRED: 1 vouched; list tasks: running; look up service: 1 vouched; update";
    // Another reap finds it fenced.
    let again = "EXPIRED: 0 vouched fenced; list tasks: running remove;
                 look up service: 0 vouched fenced";
    for steps in [begun, again] {
        // Six seconds of pauses, which double up to a second.
        let report = reap(&format!("{steps}; LOOKED: running remove * 10"));
        assert_eq!(events(&report), Vec::<Value>::new());
        assert_eq!((report.removed.len(), report.left), (0, 1));
    }
}

/// The reap that finds a target fenced by an earlier one, once its node has confirmed the
/// end.
fn finished(delete: &str) -> Report {
    let looks = "EXPIRED: 0 vouched fenced; list tasks: none; look up service: 0 fenced";
    reap(&format!(
        "{looks}; LOOKED: none; {delete}; list own secrets"
    ))
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
    let looks = "look up service: 0 fenced; LOOKED: none; LOOKED: none; DELETED";
    let report = reap(&format!("OLD: 0 fenced; list tasks: none; {looks}"));
    assert_eq!(report.removed[0].1, Reason::NeverStarted);
}

#[test]
fn one_that_cannot_be_ended_comes_after_the_others() {
    let (mut services, mut tasks) = (String::new(), Vec::new());
    for number in 0..4 {
        let expired = "0 vouched fenced /CreatedAt=2026-11-01T00:00:00Z";
        services += &format!("{expired} /ID={number:025} + ");
        tasks.push(format!("running remove /ServiceID={number:025}"));
    }
    let tasks = tasks.join(" + ");
    let steps = format!(
        "list services: {services}0 /CreatedAt=2026-11-01T00:00:00Z; list tasks: {tasks};
         look up service: 0; LOOKED: none; ENDED; list secrets"
    );
    let scope = Scope {
        tries_max: 1,
        ..Scope::AFTER_ANSWER
    };
    assert_eq!(reap_within(scope, &steps).removed.len(), 1);
}

#[test]
fn secrets_that_cannot_be_listed_keep_no_target_from_being_removed() {
    let removed = "OLD: 0; list tasks: none; look up service: 0; LOOKED: none; ENDED";
    let steps = format!("{removed}; list secrets: 500 m * 3");
    let report = reap_within(Scope::whole(false), &steps);
    assert_eq!(report.removed.len(), 1);
    let notes = report.notes(false);
    assert!(notes[0].contains("secrets"), "{notes:?}");
}
