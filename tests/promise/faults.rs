//! One webhook alone, and every fault of the calls that it makes.

use crate::cases::{alone, few, on_both, on_docker};
use crate::fate::{Fate, Fates};
use crate::scenario::Scenario;
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
    on_both("calm", alone())
}

fn single() -> Vec<Scenario> {
    let one = |scenario| Scenario {
        faults: 1,
        ..scenario
    };
    on_both("fault", alone().into_iter().map(one).collect())
}

fn double() -> Vec<Scenario> {
    let two = |scenario| Scenario {
        faults: 2,
        ..scenario
    };
    on_docker("faults", few().into_iter().map(two).collect())
}

/// Two requests that are on their way at the same time and for long.
fn adrift() -> Vec<Scenario> {
    let two = |scenario| Scenario {
        faults: 2,
        fates: Fates::Hangs,
        adrift: 2,
        ..scenario
    };
    on_docker("adrift", few().into_iter().map(two).collect())
}

/// An Engine, or the way to it, that stays broken from some call on.
///
/// Requests do not land late here: with each call adrift there would be as
/// many orders of their effects as there are permutations.
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
        let lasting = move |scenario| Scenario {
            faults: 1,
            fates: Fates::Lasting(fate),
            ..scenario
        };
        let scenarios = alone().into_iter().map(lasting).collect();
        on_both(&format!("lasting-{fate:?}"), scenarios)
    };
    fates.into_iter().flat_map(of).collect()
}

fn ending() -> Vec<Scenario> {
    let ending = |scenario| Scenario {
        faults: 1,
        ends: 1,
        ..scenario
    };
    on_docker("ending", few().into_iter().map(ending).collect())
}

fn restarted() -> Vec<Scenario> {
    let restarted = |scenario| Scenario {
        restarts: 1,
        ..scenario
    };
    let after_a_fault = |scenario| Scenario {
        faults: 1,
        ..restarted(scenario)
    };
    let alone = alone().into_iter().map(restarted).collect();
    let few = few().into_iter().map(after_a_fault).collect();
    [
        on_docker("restarted", alone),
        on_docker("restarted-fault", few),
    ]
    .concat()
}

/// Somebody prunes created containers: with two, a start makes a third.
fn pruned() -> Vec<Scenario> {
    let pruned = |prunes, faults| {
        move |scenario| Scenario {
            prunes,
            faults,
            ..scenario
        }
    };
    let calm = few().into_iter().map(pruned(2, 0)).collect();
    let after_a_fault = few().into_iter().map(pruned(1, 1)).collect();
    [
        on_docker("pruned", calm),
        on_docker("pruned-fault", after_a_fault),
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
