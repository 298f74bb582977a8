//! Renewals, alone and beside a reap: once an answer has shown a renewal, nothing kills
//! the target before it is over.

use std::time::Duration;

use crate::cases::{CALM, ENDED, ENGINES, FAULT, HOUR, REAP, RUNNING, START, given, one, stop};
use crate::fate::{Fate, Fates};
use crate::model::{Key, State};
use crate::scenario::{Given, Habits, Left, Place, Scenario, Webhook, case, within};
use crate::schedule::explore_all;

/// Every scenario of this file.
pub fn scenarios() -> Vec<Scenario> {
    [interleaved(), with_a_fault(), lasting(), slow(), on_swarm()].concat()
}

const EIGHT_DAYS: u64 = 8 * 24 * HOUR;

/// A renewal of the first given container.
const RENEW: Webhook = Webhook::Renew(Key {
    actor: usize::MAX,
    call: 0,
});

/// The first container, with this many seconds of its lifetime left.
fn with_left(seconds: u64) -> [Given; 1] {
    [given(0, State::Running, EIGHT_DAYS - seconds)]
}

/// The same, which runs on because it was renewed.
fn renewed() -> [Given; 1] {
    let lifetime = EIGHT_DAYS + 2 * HOUR;
    [Given {
        renewed: Some(Duration::from_secs(lifetime)),
        ..given(0, State::Running, EIGHT_DAYS + HOUR)
    }]
}

fn alone() -> Vec<Scenario> {
    let foreign = Webhook::Renew(crate::before::foreign_key(0));
    vec![
        one("renew", RENEW, &with_left(HOUR), 200),
        one("renew-young", RENEW, &RUNNING, 200),
        one("renew-again", RENEW, &renewed(), 200),
        one("renew-late", RENEW, &with_left(20), 409).refused(),
        one("renew-ended", RENEW, &ENDED, 409).refused(),
        one("renew-absent", RENEW, &[], 404).refused(),
        one("renew-foreign", foreign, &RUNNING, 404).refused(),
        one("reap-renewed", REAP, &renewed(), 200),
        one("start-renewed", START, &renewed(), 200),
        one("stop-renewed", stop(), &renewed(), 200),
    ]
}

fn pairs() -> Vec<Scenario> {
    let (both, late, gone) = ([RENEW, REAP], [200, 404, 409], [200, 409, 404]);
    vec![
        case("renew-reap", both, &renewed(), &[200]),
        case("renew-reap-soon", both, &with_left(5), &late).refused(),
        case("renew-reap-later", both, &with_left(33), &late).refused(),
        case("renew-renew", [RENEW, RENEW], &renewed(), &[200]),
        case("renew-stop", [RENEW, stop()], &renewed(), &gone).refused(),
    ]
}

fn interleaved() -> Vec<Scenario> {
    let left = Left { delays: 1, ..CALM };
    // One of the reaps may remove what the renewal replaces, while the other looks.
    let three = [case(
        "renew-reap-reap",
        [RENEW, REAP, REAP],
        &renewed(),
        &[200],
    )];
    [
        within("renew-three", &[Place::Docker], &three, Fates::Any, CALM),
        within("renew-calm", &ENGINES, &alone(), Fates::Any, CALM),
        within("renew-pair", &ENGINES, &pairs(), Fates::Any, left),
    ]
    .concat()
}

fn with_a_fault() -> Vec<Scenario> {
    [
        within("renew-fault", &ENGINES, &alone(), Fates::Any, FAULT),
        within(
            "renew-pair-fault",
            &ENGINES[..1],
            &pairs(),
            Fates::Any,
            FAULT,
        ),
    ]
    .concat()
}

fn lasting() -> Vec<Scenario> {
    let fates = [
        Fate::FailsBefore,
        Fate::FailsAfter,
        Fate::HangsDone,
        Fate::SlowToAct,
    ];
    let of = |fate: Fate| {
        let group = format!("renew-lasting-{fate:?}");
        let fates = Fates::Lasting(fate);
        within(&group, &[Place::Docker], &alone(), fates, FAULT)
    };
    fates.into_iter().flat_map(of).collect()
}

/// A target that expires during the longest call, and a reap at any moment of it.
fn slow() -> Vec<Scenario> {
    let soon = |scenario: &Scenario| scenario.name.starts_with("renew-reap-");
    let pairs: Vec<_> = pairs().into_iter().filter(soon).collect();
    let places = [Place::Docker, Place::Swarm(Habits::default())];
    let left = Left { delays: 1, ..FAULT };
    within("renew-slow", &places, &pairs, Fates::Any, left)
}

fn on_swarm() -> Vec<Scenario> {
    let place = [Place::Swarm(Habits::default())];
    [
        within("renew-swarm", &place, &alone(), Fates::Any, FAULT),
        within("renew-swarm-pair", &place, &pairs(), Fates::Lost, FAULT),
    ]
    .concat()
}

#[test]
fn a_renewal_and_a_reap_may_meet_in_any_order() {
    explore_all("renew", &interleaved());
}

#[test]
fn any_call_of_a_renewal_and_a_reap_may_fail() {
    explore_all("renew-fault", &with_a_fault());
}

#[test]
fn all_calls_of_a_renewal_may_fail_from_any_one_on() {
    explore_all("renew-lasting", &lasting());
}

#[test]
fn a_target_may_expire_while_it_is_renewed() {
    explore_all("renew-slow", &slow());
}

#[test]
fn a_renewal_holds_on_a_swarm() {
    explore_all("renew-swarm", &on_swarm());
}
