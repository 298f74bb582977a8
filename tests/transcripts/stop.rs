//! `/stop`.

use dynamic_access::docker::TargetId;

use crate::script::*;

#[track_caller]
fn check_stop_with(changes: &Changes, steps: Steps, status: u16) {
    let id = TargetId::parse(ID).expect("an id");
    let outcome = run_with(changes, steps, async |provisioner| {
        provisioner.stop(&id).await
    });
    match outcome {
        Ok(_) => assert_eq!(200, status),
        Err(error) => assert_eq!(error.status().as_u16(), status, "{error}"),
    }
}

#[track_caller]
fn check_stop(steps: Steps, status: u16) {
    check_stop_with(&[], steps, status);
}

fn by_id(state: &str, changes: &[(&str, &str)]) -> Steps {
    call("list by id", one(state, changes))
}

#[test]
fn a_grace_is_granted_once_and_only_to_what_runs() {
    let grace = [("stop_grace", "3s")];
    let lost = by_id("running", &[])
        + call("stop", said(500, "cannot stop"))
        + call("remove by force", Lost);
    let again = by_id("running", &[]) + call("remove by force", done());
    check_stop_with(&grace, lost + again, 200);
    let ended = by_id("exited", &[]) + call("remove by force", done());
    check_stop_with(&grace, ended, 200);
}

#[test]
fn a_stop_is_two_calls_and_one_when_there_is_nothing() {
    let steps = by_id("running", &[]) + call("remove by force", done());
    check_stop(steps, 200);
    check_stop(call("list by id", none()), 200);
}

#[test]
fn a_stop_of_what_is_not_ours_touches_nothing() {
    for change in [("deployment", "other"), ("name", "other")] {
        check_stop(by_id("running", &[change]), 404);
    }
}

#[test]
fn a_removal_that_is_unclear_is_settled_by_a_look() {
    let in_progress = said(409, "removal is already in progress");
    for unclear in [Lost, said(500, "m"), in_progress] {
        let removal = by_id("running", &[]) + call("remove by force", unclear);
        check_stop(removal + call("list by id", none()), 200);
    }
}

#[test]
fn a_stop_gives_up_after_three_failures() {
    let fails = |failure| call("list by id", failure);
    check_stop(fails(Unreachable) + fails(Lost) + fails(Unreachable), 503);
}

#[test]
fn a_list_that_answers_more_than_was_asked_is_not_taken_at_its_word() {
    let both = list(&[stranger(OTHER), entry(ID, "running", 0, &[])]);
    let steps = call("list by id", both) + call("remove by force", done());
    check_stop(steps, 200);
    check_stop(call("list by id", list(&[stranger(OTHER)])), 200);
}
