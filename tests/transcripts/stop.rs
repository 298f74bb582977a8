//! `/stop`.

use dynamic_access::docker::TargetId;

use crate::script::*;

#[track_caller]
fn check_stop_with(changes: &Changes, steps: impl Into<Steps>, status: u16) {
    let id = TargetId::parse(ID).expect("an id");
    let outcome = run_with(changes, steps, async |provisioner| {
        provisioner.stop(&id).await
    });
    let outcome = outcome.map_or_else(|error| error.status().as_u16(), |_| 200);
    assert_eq!(outcome, status);
}

#[track_caller]
fn check_stop(steps: impl Into<Steps>, status: u16) {
    check_stop_with(&[], steps, status);
}

#[test]
fn a_grace_is_granted_once_and_only_to_what_runs() {
    let grace = [("stop_grace", "3s")];
    let lost = "list by id: running; stop: 500 cannot stop; remove by force: lost";
    let again = "list by id: running; remove by force";
    check_stop_with(&grace, steps(lost) + again, 200);
    check_stop_with(&grace, "list by id: exited; remove by force", 200);
}

#[test]
fn a_stop_is_two_calls_and_one_when_there_is_nothing() {
    check_stop("list by id: running; remove by force", 200);
    check_stop("list by id: none", 200);
}

#[test]
fn a_removal_that_is_unclear_is_settled_by_a_look() {
    for unclear in ["lost", "500 m", "409 removal is already in progress"] {
        let removal = format!("list by id: running; remove by force: {unclear}");
        check_stop(removal + "; list by id: none", 200);
    }
}

#[test]
fn a_stop_gives_up_after_three_failures() {
    let fails = "list by id: unreachable; list by id: lost; list by id: unreachable";
    check_stop(fails, 503);
}

#[test]
fn a_list_that_answers_more_than_was_asked_is_not_taken_at_its_word() {
    let both = list(&[stranger(OTHER), entry(ID, "running", 0, &[])]);
    check_stop(call("list by id", both) + "remove by force", 200);
    check_stop(call("list by id", list(&[stranger(OTHER)])), 200);
}
