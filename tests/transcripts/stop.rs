//! `/stop`.

use dynamic_access::docker::TargetId;

use crate::script::*;

#[track_caller]
fn check_stop(steps: Vec<(&'static str, Reply)>, status: u16) {
    let id = TargetId::parse(ID).expect("an id");
    let outcome = run(steps, async |provisioner| provisioner.stop(&id).await);
    match outcome {
        Ok(_) => assert_eq!(200, status),
        Err(error) => assert_eq!(error.status().as_u16(), status, "{error}"),
    }
}

#[test]
fn a_grace_is_granted_once_and_only_to_what_runs() {
    let grace = [("stop_grace", "3s")];
    let check = |steps: Vec<(&'static str, Reply)>| {
        let id = TargetId::parse(ID).expect("an id");
        let outcome = run_with(&grace, steps, async |provisioner| {
            provisioner.stop(&id).await
        });
        outcome.expect("it is gone");
    };
    check(vec![
        ("list by id", one("running", &[])),
        ("stop", said(500, "cannot stop")),
        ("remove by force", Lost),
        ("list by id", one("running", &[])),
        ("remove by force", done()),
    ]);
    check(vec![
        ("list by id", one("exited", &[])),
        ("remove by force", done()),
    ]);
}

#[test]
fn a_stop_is_two_calls_and_one_when_there_is_nothing() {
    check_stop(
        vec![
            ("list by id", one("running", &[])),
            ("remove by force", done()),
        ],
        200,
    );
    check_stop(vec![("list by id", none())], 200);
}

#[test]
fn a_stop_of_what_is_not_ours_touches_nothing() {
    for change in [("deployment", "other"), ("name", "other")] {
        check_stop(vec![("list by id", one("running", &[change]))], 404);
    }
}

#[test]
fn a_removal_that_is_unclear_is_settled_by_a_look() {
    for unclear in [
        Lost,
        said(500, "m"),
        said(409, "removal is already in progress"),
    ] {
        let steps = vec![
            ("list by id", one("running", &[])),
            ("remove by force", unclear),
            ("list by id", none()),
        ];
        check_stop(steps, 200);
    }
}

#[test]
fn a_stop_gives_up_after_three_failures() {
    check_stop(
        vec![
            ("list by id", Unreachable),
            ("list by id", Lost),
            ("list by id", Unreachable),
        ],
        503,
    );
}

#[test]
fn a_list_that_answers_more_than_was_asked_is_not_taken_at_its_word() {
    let mut stranger = entry(OTHER, "running", 0, &[]);
    stranger["Names"] = serde_json::json!(["/another"]);
    let own = entry(ID, "running", 0, &[]);
    let both = Is(200, format!("[{stranger},{own}]"));
    check_stop(vec![("list by id", both), ("remove by force", done())], 200);
    let alone = Is(200, format!("[{stranger}]"));
    check_stop(vec![("list by id", alone)], 200);
}
