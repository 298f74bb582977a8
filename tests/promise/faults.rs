//! One webhook alone on an Engine, with every fault of each of its calls. In one of them
//! the component dies: before a call takes effect, after it, or with the call still on
//! its way.

use crate::cases::{CALM, ENGINES, FAULT, alone, few, waits};
use crate::fate::{Fate, Fates};
use crate::scenario::{Left, Place, Scenario, within};
use crate::schedule::explore_all;

/// Every scenario of this file.
pub fn scenarios() -> Vec<Scenario> {
    [
        calm(),
        single(),
        double(),
        adrift(),
        lasting(),
        ending(),
        restarted(),
        pruned(),
    ]
    .concat()
}

fn calm() -> Vec<Scenario> {
    within("calm", &ENGINES, &alone(), Fates::Any, CALM)
}

fn single() -> Vec<Scenario> {
    within("fault", &ENGINES, &alone(), Fates::Any, FAULT)
}

fn double() -> Vec<Scenario> {
    let left = Left { faults: 2, ..CALM };
    within("faults", &[Place::Docker], &few(), Fates::Any, left)
}

/// Two requests that are on their way together and for long.
fn adrift() -> Vec<Scenario> {
    let left = Left { faults: 2, ..CALM };
    within("adrift", &[Place::Docker], &few(), Fates::Hangs, left)
}

/// An Engine, or the connection to it, that stays broken from some call on.
///
/// Requests do not land late here: with each call adrift, every permutation of their
/// effects would be a schedule.
fn lasting() -> Vec<Scenario> {
    let fates = [
        Fate::Unreachable,
        Fate::HangsIdle,
        Fate::HangsDone,
        Fate::FailsBefore,
        Fate::FailsAfter,
        Fate::Garbage,
        Fate::Refused,
        Fate::SlowToAct,
        Fate::SlowToAnswer,
    ];
    let of = |fate: Fate| {
        let group = format!("lasting-{fate:?}");
        within(&group, &ENGINES, &alone(), Fates::Lasting(fate), FAULT)
    };
    fates.into_iter().flat_map(of).collect()
}

fn ending() -> Vec<Scenario> {
    let of = |group, scenarios: &[Scenario], left| {
        let left = Left { ends: 1, ..left };
        within(group, &[Place::Docker], scenarios, Fates::Any, left)
    };
    [of("ending", &few(), FAULT), of("ending", &waits(), CALM)].concat()
}

fn restarted() -> Vec<Scenario> {
    let of = |group, scenarios: &[Scenario], left| {
        let left = Left {
            restarts: 1,
            ..left
        };
        within(group, &[Place::Docker], scenarios, Fates::Any, left)
    };
    [
        of("restarted", &alone(), CALM),
        of("restarted-fault", &few(), FAULT),
    ]
    .concat()
}

/// Somebody prunes created containers: with two, a start makes a third.
fn pruned() -> Vec<Scenario> {
    let of = |group, left| within(group, &[Place::Docker], &few(), Fates::Any, left);
    [
        of("pruned", Left { prunes: 2, ..CALM }),
        of("pruned-fault", Left { prunes: 1, ..FAULT }),
    ]
    .concat()
}

#[test]
fn a_created_container_may_be_pruned_at_any_moment() {
    explore_all("pruned", &pruned());
}

#[test]
fn a_webhook_alone_ends_as_it_should() {
    explore_all("calm", &calm());
}

#[test]
fn any_call_may_fail_in_any_way() {
    explore_all("fault", &single());
}

#[test]
fn any_two_calls_may_fail_in_any_two_ways() {
    explore_all("faults", &double());
}

#[test]
fn any_two_calls_may_take_effect_late() {
    explore_all("adrift", &adrift());
}

#[test]
fn all_calls_may_fail_from_any_one_on() {
    explore_all("lasting", &lasting());
}

#[test]
fn a_target_may_end_by_itself_at_any_moment() {
    explore_all("ending", &ending());
}

#[test]
fn the_engine_may_be_killed_at_any_moment() {
    explore_all("restarted", &restarted());
}
