//! The page, and its calls to the Engine.

use dynamic_access::docker::TargetId;

use crate::rows::transcripts;
use crate::script::run;

#[test]
fn two_lists_tell_of_all_targets_and_the_youngest_twenty_ended_have_exit_codes() {
    // Ended an hour before the list, each a second after the one before.
    let entry = |number| format!("exited /Id={number:064x} age={}", 3600 - number);
    let ended = (0..22).map(entry).collect::<Vec<_>>().join(" + ");
    let inspects: String = (0..20)
        .map(|code| format!("; inspect: exited {code}"))
        .collect();
    let calls = format!("list all: {ended}; list volumes{inspects}");
    let overview = run(&[], &calls, async |provisioner| {
        provisioner.overview(None).await
    });
    let targets = overview.expect("the targets").targets;
    let codes = targets.iter().rev().map(|target| target.exit_code);
    let expected = (0..20).map(Some).chain([None, None]);
    assert!(codes.eq(expected), "{targets:?}");
    let oldest = TargetId::parse(&"0".repeat(64));
    assert_eq!(Some(&targets[0].id), oldest.as_ref());
}

transcripts! { &[], "page":
    only_targets_that_are_shown_are_inspected
        "page other > list all: exited + exited; list volumes => 200 `2 targets`
         // An exit code that cannot be told is left out.
         list all: exited; list volumes; inspect: 404 gone => 200 `1 targets` `exit_code: None`"

    an_engine_that_does_not_answer_is_asked_three_times
        "list all: unreachable * 3 => 503"
}
