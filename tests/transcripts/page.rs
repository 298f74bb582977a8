//! The page, and its calls to the Engine.

use dynamic_access::docker::TargetId;
use dynamic_access::error::Error;
use dynamic_access::target_view::TargetView;

use crate::script::*;

/// Ended an hour before the list, each a second after the one before.
fn ended(count: i64) -> Steps {
    let entry = |number| format!("exited /Id={number:064x} age={}", 3600 - number);
    let entries: Vec<_> = (0..count).map(entry).collect();
    steps(format!("list all: {}; list volumes", entries.join(" + ")))
}

fn shown(environment: Option<&str>, steps: Steps) -> Result<Vec<TargetView>, Error> {
    let overview = run(steps, async |provisioner| {
        provisioner.overview(environment).await
    });
    overview.map(|overview| overview.targets)
}

#[test]
fn two_lists_tell_of_all_targets_and_the_youngest_twenty_ended_have_exit_codes() {
    let inspects = (0..20).map(|code| format!("inspect: exited {code}"));
    let steps = inspects.fold(ended(22), |before, inspect| before + inspect);
    let targets = shown(None, steps).expect("the targets");
    let codes = targets.iter().rev().map(|target| target.exit_code);
    let expected = (0..20).map(Some).chain([None, None]);
    assert!(codes.eq(expected), "{targets:?}");
    let oldest = TargetId::parse(&"0".repeat(64));
    assert_eq!(Some(&targets[0].id), oldest.as_ref());
}

#[test]
fn only_targets_that_are_shown_are_inspected() {
    let targets = shown(Some("other"), ended(2)).expect("the targets");
    assert_eq!(targets.len(), 2);
    // An exit code that cannot be told is left out.
    let targets = shown(None, ended(1) + "inspect: 404 gone").expect("the targets");
    assert_eq!(targets[0].exit_code, None);
}

#[test]
fn an_engine_that_does_not_answer_is_asked_three_times() {
    let error = shown(None, steps("list all: unreachable") * 3).expect_err("no answer");
    assert_eq!(error.status().as_u16(), 503);
}
