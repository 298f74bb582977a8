//! `/reap`, and the reaping after an answer.

use dynamic_access::docker::target::Target;
use dynamic_access::reaper::{Scope, reap};

use crate::script::*;

/// What the log says of a reap with these calls before the last.
#[track_caller]
fn reaped(scope: Scope, steps: &str) -> Vec<String> {
    let steps = format!("{steps}; list volumes");
    let report = run(steps, async |provisioner| {
        reap(&provisioner.backend, provisioner.config, scope).await
    });
    let report = report.expect("a list");
    let short = |found: &Target| found.id.short().to_owned();
    let removed = report.removed.iter();
    let removed = removed.map(|(found, reason)| format!("reaped {}: {reason}", short(found)));
    let failed = report.failed.iter();
    let failed = failed.map(|(found, reason, fault)| {
        format!("could not reap {}, {reason}: {fault}", short(found))
    });
    removed.chain(failed).chain(report.notes(false)).collect()
}

/// A list of as many containers in the same state, all old.
fn old(state: &str, count: usize) -> String {
    let all = vec![format!("{state} age=95661"); count];
    format!("list all: {}", all.join(" + "))
}

#[test]
fn only_what_has_outlived_its_lifetime_is_removed_by_force() {
    let steps = "
        list all: created + running + exited
                + created age=95661 + exited age=95661 + running age=95395661;
        list volumes; inspect: exited 3 00:01:01; remove; remove by force; remove";
    let expected = [
        "reaped 0123456789ab: ended with exit code 3",
        "reaped 0123456789ab: past its lifetime",
        "reaped 0123456789ab: never started",
    ];
    assert_eq!(reaped(Scope::whole(false), steps), expected);
}

#[test]
fn what_has_just_ended_or_cannot_be_inspected_stays() {
    for inspect in [
        "inspect: exited 3 00:55:01",
        "inspect: 404 No such container",
        "inspect: 500 m * 3",
        "inspect: lost * 3",
    ] {
        let steps = format!("{}; {inspect}", old("exited", 1));
        assert_eq!(reaped(Scope::whole(false), &steps), Vec::<String>::new());
    }
}

/// A removal that hangs takes a second, and leaves time for the others.
#[test]
fn a_tail_removes_four_at_most_and_tries_sixteen() {
    for (state, count, rest, notes, left) in [
        ("created", 6, "remove * 4", 5, 2),
        ("created", 17, "remove: 500 busy * 16", 17, 1),
        ("created", 17, "remove: hangs * 16", 17, 1),
        ("exited", 17, "inspect: exited 3 00:55:01 * 16", 1, 1),
    ] {
        let steps = format!("{}; {rest}", old(state, count));
        let told = reaped(Scope::AFTER_ANSWER, &steps);
        assert_eq!(told.len(), notes, "{told:?}");
        assert_eq!(told[notes - 1], format!("left for the next reap: {left}"));
    }
}

#[test]
fn what_another_replica_takes_is_no_failure_and_a_failure_is_told() {
    let failed = "could not reap 0123456789ab, never started: 500 Internal Server Error: busy";
    let taken = "remove: 409 removal is already in progress";
    for (rest, notes) in [(taken, &[][..]), ("remove: 500 busy", &[failed])] {
        let steps = format!("{}; {rest}", old("created", 1));
        assert_eq!(reaped(Scope::AFTER_ANSWER, &steps), notes);
    }
}

#[test]
fn what_was_gone_before_takes_no_place_and_is_no_event() {
    let rest = "remove: 404 No such container * 4; remove";
    let notes = reaped(
        Scope::AFTER_ANSWER,
        &format!("{}; {rest}", old("created", 5)),
    );
    assert_eq!(notes, ["reaped 0123456789ab: never started"]);
}

#[test]
fn an_expiry_whose_removal_has_failed_half_way_stays_one() {
    let steps = "list all: dead age=95395661; list volumes; remove by force";
    let notes = reaped(Scope::AFTER_ANSWER, steps);
    assert_eq!(notes, ["reaped 0123456789ab: past its lifetime"]);
}
