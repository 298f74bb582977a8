//! `/reap`, and the reaping after an answer.

use dynamic_access::docker::target::Target;
use dynamic_access::reaper::{Scope, reap};

use crate::script::*;

/// What a reap removed, of a list with these containers.
#[track_caller]
fn reaped(
    list: &[serde_json::Value],
    scope: Scope,
    rest: Vec<(&'static str, Reply)>,
) -> Vec<String> {
    let list = serde_json::Value::from(list.to_vec()).to_string();
    let mut steps = vec![("list all", Is(200, list))];
    steps.extend(rest);
    if !scope.dry_run {
        steps.push(("list volumes", no_volumes()));
    }
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
const TODAY: i64 = 1_795_395_650;

fn ended(ago: &str) -> Reply {
    inspected("exited", 3, ago).1
}

#[test]
fn only_what_has_outlived_its_lifetime_is_removed_by_force() {
    let list = [
        entry(ID, "created", TODAY, &[]),
        entry(ID, "running", TODAY, &[]),
        entry(ID, "exited", TODAY, &[]),
        entry(ID, "created", OLD, &[]),
        entry(ID, "exited", OLD, &[]),
        entry(ID, "running", LONG_AGO, &[]),
    ];
    let rest = vec![
        ("list volumes", no_volumes()),
        ("inspect", ended("00:01:01")),
        ("remove", done()),
        ("remove by force", done()),
        ("remove", done()),
    ];
    let expected = [
        "reaped 0123456789ab: ended with exit code 3",
        "reaped 0123456789ab: past its lifetime",
        "reaped 0123456789ab: never started",
    ];
    assert_eq!(reaped(&list, Scope::whole(false), rest), expected);
}

#[test]
fn a_dry_run_removes_nothing() {
    let list = [entry(ID, "running", LONG_AGO, &[])];
    let rest = vec![("list volumes", no_volumes())];
    assert_eq!(reaped(&list, Scope::whole(true), rest).len(), 1);
}

#[test]
fn what_has_just_ended_or_cannot_be_inspected_stays() {
    let list = [entry(ID, "exited", OLD, &[])];
    let once = |reply: Reply| vec![("inspect", reply)];
    let thrice = |reply: fn() -> Reply| (0..3).map(|_| ("inspect", reply())).collect();
    for rest in [
        once(ended("00:55:01")),
        once(said(404, "No such container")),
        thrice(|| said(500, "m")),
        thrice(|| Lost),
    ] {
        let notes = reaped(&list, Scope::whole(false), rest);
        assert_eq!(notes, Vec::<String>::new());
    }
}

#[test]
fn a_tail_removes_four_at_most_and_tries_sixteen() {
    let old = [const { "created" }; 6].map(|state| entry(ID, state, OLD, &[]));
    let four = (0..4).map(|_| ("remove", done())).collect();
    let notes = reaped(&old, Scope::AFTER_ANSWER, four);
    assert_eq!(notes.len(), 5);
    assert_eq!(notes[4], "left for the next reap: 2");
    let old = [const { "created" }; 17].map(|state| entry(ID, state, OLD, &[]));
    let busy = (0..16).map(|_| ("remove", said(500, "busy"))).collect();
    let notes = reaped(&old, Scope::AFTER_ANSWER, busy);
    assert_eq!(notes.len(), 17);
    assert_eq!(notes[16], "left for the next reap: 1");
    let ended_now = [const { "exited" }; 17].map(|state| entry(ID, state, OLD, &[]));
    let looks = (0..16).map(|_| ("inspect", ended("00:55:01"))).collect();
    let notes = reaped(&ended_now, Scope::AFTER_ANSWER, looks);
    assert_eq!(notes, ["left for the next reap: 1"]);
}

#[test]
fn what_another_replica_takes_is_no_failure_and_a_failure_is_told() {
    let list = [entry(ID, "created", OLD, &[])];
    let taken = said(409, "removal is already in progress");
    let notes = reaped(&list, Scope::AFTER_ANSWER, vec![("remove", taken)]);
    assert_eq!(notes, Vec::<String>::new());
    let notes = reaped(
        &list,
        Scope::AFTER_ANSWER,
        vec![("remove", said(500, "busy"))],
    );
    let failed = "could not reap 0123456789ab, never started: 500 Internal Server Error: busy";
    assert_eq!(notes, [failed]);
}

#[test]
fn what_was_gone_before_takes_no_place_and_is_no_event() {
    let list = [const { "created" }; 5].map(|state| entry(ID, state, OLD, &[]));
    let mut rest: Vec<_> = (0..4)
        .map(|_| ("remove", said(404, "No such container")))
        .collect();
    rest.push(("remove", done()));
    let notes = reaped(&list, Scope::AFTER_ANSWER, rest);
    assert_eq!(notes, ["reaped 0123456789ab: never started"]);
}

#[test]
fn an_expiry_whose_removal_has_failed_half_way_stays_one() {
    let list = [entry(ID, "dead", LONG_AGO, &[])];
    let rest = vec![("list volumes", no_volumes()), ("remove by force", done())];
    let notes = reaped(&list, Scope::AFTER_ANSWER, rest);
    assert_eq!(notes, ["reaped 0123456789ab: past its lifetime"]);
}

#[test]
fn a_container_that_only_carries_our_label_is_not_seen() {
    let mut stranger = entry(ID, "running", LONG_AGO, &[]);
    stranger["Names"] = serde_json::json!(["/another"]);
    let notes = reaped(&[stranger], Scope::whole(false), Vec::new());
    assert_eq!(notes, Vec::<String>::new());
}
