//! `/reap`, and the reaping after an answer.

use dynamic_access::docker::target::Target;
use dynamic_access::reaper::{Scope, reap};

use crate::script::*;

/// The containers that a reap removed from this list.
#[track_caller]
fn reaped(entries: &[Value], scope: Scope, rest: impl Into<Steps>) -> Vec<String> {
    let steps = call("list all", list(entries)) + rest.into() + "list volumes";
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

const OLD: i64 = 1_795_300_000;
const LONG_AGO: i64 = 1_700_000_000;

/// This many containers in the same state, all old.
fn old(state: &str, count: usize) -> Vec<Value> {
    vec![entry(ID, state, OLD, &[]); count]
}

#[test]
fn only_what_has_outlived_its_lifetime_is_removed_by_force() {
    let entries = [
        entry(ID, "created", TODAY, &[]),
        entry(ID, "running", TODAY, &[]),
        entry(ID, "exited", TODAY, &[]),
        entry(ID, "created", OLD, &[]),
        entry(ID, "exited", OLD, &[]),
        entry(ID, "running", LONG_AGO, &[]),
    ];
    let rest = "list volumes; inspect: exited 3 00:01:01; remove; remove by force; remove";
    let expected = [
        "reaped 0123456789ab: ended with exit code 3",
        "reaped 0123456789ab: past its lifetime",
        "reaped 0123456789ab: never started",
    ];
    let scope = Scope::whole(false);
    assert_eq!(reaped(&entries, scope, rest), expected);
}

#[test]
fn what_has_just_ended_or_cannot_be_inspected_stays() {
    for rest in [
        steps("inspect: exited 3 00:55:01"),
        steps("inspect: 404 No such container"),
        steps("inspect: 500 m") * 3,
        steps("inspect: lost") * 3,
    ] {
        let notes = reaped(&old("exited", 1), Scope::whole(false), rest);
        assert_eq!(notes, Vec::<String>::new());
    }
}

#[test]
fn a_tail_removes_four_at_most_and_tries_sixteen() {
    for (state, count, rest, notes, left) in [
        ("created", 6, steps("remove") * 4, 5, 2),
        ("created", 17, steps("remove: 500 busy") * 16, 17, 1),
        ("exited", 17, steps("inspect: exited 3 00:55:01") * 16, 1, 1),
    ] {
        let told = reaped(&old(state, count), Scope::AFTER_ANSWER, rest);
        assert_eq!(told.len(), notes);
        assert_eq!(told[notes - 1], format!("left for the next reap: {left}"));
    }
}

#[test]
fn what_another_replica_takes_is_no_failure_and_a_failure_is_told() {
    let failed = "could not reap 0123456789ab, never started: 500 Internal Server Error: busy";
    let taken = "remove: 409 removal is already in progress";
    for (rest, notes) in [(taken, &[][..]), ("remove: 500 busy", &[failed])] {
        assert_eq!(reaped(&old("created", 1), Scope::AFTER_ANSWER, rest), notes);
    }
}

#[test]
fn what_was_gone_before_takes_no_place_and_is_no_event() {
    let rest = steps("remove: 404 No such container") * 4 + "remove";
    let notes = reaped(&old("created", 5), Scope::AFTER_ANSWER, rest);
    assert_eq!(notes, ["reaped 0123456789ab: never started"]);
}

#[test]
fn an_expiry_whose_removal_has_failed_half_way_stays_one() {
    let entries = [entry(ID, "dead", LONG_AGO, &[])];
    let rest = "list volumes; remove by force";
    let notes = reaped(&entries, Scope::AFTER_ANSWER, rest);
    assert_eq!(notes, ["reaped 0123456789ab: past its lifetime"]);
}
