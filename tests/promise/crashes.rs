//! The component is gone in the middle of a webhook: before a call takes
//! effect, after it, or with the call still on its way.

use crate::cases::{alone, few, on_both, on_docker};
use crate::fate::Fates;
use crate::pairs;
use crate::scenario::Scenario;
use crate::schedule::explore_all;

/// Every scenario of this file.
pub fn scenarios() -> Vec<Scenario> {
    [one(), after_a_fault(), of_two()].concat()
}

fn crashing(scenarios: Vec<Scenario>, faults: usize, fates: Fates) -> Vec<Scenario> {
    let with_a_crash = |scenario| Scenario {
        faults,
        fates,
        ..scenario
    };
    scenarios.into_iter().map(with_a_crash).collect()
}

fn one() -> Vec<Scenario> {
    crashing(on_both("crash", alone()), 1, Fates::Crash)
}

fn after_a_fault() -> Vec<Scenario> {
    crashing(on_docker("crash-after-fault", few()), 2, Fates::CrashAtLast)
}

fn of_two() -> Vec<Scenario> {
    crashing(on_docker("crashes", pairs::pairs()), 2, Fates::Crash)
}

#[test]
fn the_component_may_be_gone_at_any_call() {
    explore_all("crash", &one());
}

#[test]
fn the_component_may_be_gone_after_a_fault() {
    explore_all("crash-after-fault", &after_a_fault());
}

#[test]
fn both_of_two_webhooks_may_be_cut_off() {
    explore_all("crashes", &of_two());
}
