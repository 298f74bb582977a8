//! The page: what it asks the Engine.

use dynamic_access::docker::TargetId;

use crate::script::*;

/// Created an hour before the list, one second apart.
fn ended(count: i64) -> Reply {
    let entries: Vec<_> = (0..count)
        .map(|number| {
            let id = format!("{number:064x}");
            entry(&id, "exited", 1_795_392_061 + number, &[])
        })
        .collect();
    Is(200, serde_json::Value::from(entries).to_string())
}

fn exited(code: i64) -> Reply {
    inspected("exited", code, "").1
}

#[test]
fn two_lists_tell_of_all_targets_and_the_youngest_twenty_ended_have_exit_codes() {
    let mut steps = vec![("list all", ended(22)), ("list volumes", no_volumes())];
    steps.extend((0..20).map(|code| ("inspect", exited(code))));
    let overview = run(steps, async |provisioner| provisioner.overview(None).await);
    let overview = overview.expect("an overview");
    let codes: Vec<_> = overview
        .targets
        .iter()
        .rev()
        .map(|target| target.exit_code)
        .collect();
    let asked = (0..20).map(Some);
    let expected: Vec<_> = asked.chain([None, None]).collect();
    assert_eq!(codes, expected);
    let oldest = TargetId::parse(&"0".repeat(64));
    assert_eq!(Some(&overview.targets[0].id), oldest.as_ref());
}

#[test]
fn only_targets_that_are_shown_are_inspected() {
    let steps = vec![("list all", ended(2)), ("list volumes", no_volumes())];
    let overview = run(steps, async |provisioner| {
        provisioner.overview(Some("other")).await
    });
    assert_eq!(overview.expect("an overview").targets.len(), 2);
}

#[test]
fn an_exit_code_that_cannot_be_told_is_left_out() {
    let steps = vec![
        ("list all", ended(1)),
        ("list volumes", no_volumes()),
        ("inspect", said(404, "gone")),
    ];
    let overview = run(steps, async |provisioner| provisioner.overview(None).await);
    assert_eq!(overview.expect("an overview").targets[0].exit_code, None);
}

#[test]
fn an_engine_that_does_not_answer_is_asked_three_times() {
    let steps = (0..3).map(|_| ("list all", Unreachable)).collect();
    let outcome = run(steps, async |provisioner| provisioner.overview(None).await);
    let error = outcome.expect_err("no answer");
    assert_eq!(error.status().as_u16(), 503);
}
