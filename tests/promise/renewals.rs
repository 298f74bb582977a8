//! Renewals, alone and beside a reap: once an answer has shown a renewal, nothing kills
//! the target before it is over.

use crate::fate::{Fate, Fates};
use crate::scenario::Event::{Delay, Fault};
use crate::scenario::{DOCKER, ENGINES, SWARM};
use crate::schedule::explore;

/// A target of 193 hours has outlived the eight days of its lifetime.
const ALONE: &str = "
    renew         | running 8d-1h               | 200
    renew         | running 1m                  | 200
    renew         | running 193h renewed 194h   | 200
    renew         | running 8d-20s              | 409!
    renew         | exited 1m                   | 409!
    renew         |                             | 404!
    renew-foreign | running 1m                  | 404!
    reap          | running 193h renewed 194h   | 200
    start         | running 193h renewed 194h   | 200
    stop          | running 193h renewed 194h   | 200
";

/// The target expires soon: the first within the call that renews it.
const SOON: &str = "
    renew + reap  | running 8d-5s               | 200 404 409!
    renew + reap  | running 8d-33s              | 200 404 409!
";

const RENEWED: &str = "
    renew + reap  | running 193h renewed 194h   | 200
    renew + renew | running 193h renewed 194h   | 200
    renew + stop  | running 193h renewed 194h   | 200 409 404!
";

/// One of the reaps may remove what the renewal replaces, while the other looks.
const THREE: &str = "renew + reap + reap | running 193h renewed 194h | 200";

fn pairs() -> String {
    [SOON, RENEWED].concat()
}

#[test]
fn a_renewal_and_a_reap_may_meet_in_any_order() {
    explore("renew-three", DOCKER, THREE, Fates::Any, &[]);
    explore("renew-calm", ENGINES, ALONE, Fates::Any, &[]);
    explore("renew-pair", ENGINES, &pairs(), Fates::Any, &[Delay]);
}

#[test]
fn any_call_of_a_renewal_and_a_reap_may_fail() {
    explore("renew-fault", ENGINES, ALONE, Fates::Any, &[Fault]);
    explore("renew-pair-fault", DOCKER, &pairs(), Fates::Any, &[Fault]);
}

#[test]
fn all_calls_of_a_renewal_may_fail_from_any_one_on() {
    for fate in [
        Fate::FailsBefore,
        Fate::FailsAfter,
        Fate::HangsDone,
        Fate::SlowToAct,
    ] {
        let group = format!("renew-lasting-{fate:?}");
        explore(&group, DOCKER, ALONE, Fates::Lasting(fate), &[Fault]);
    }
}

/// A target expires during the longest call, and a reap comes at any moment of it.
#[test]
fn a_target_may_expire_while_it_is_renewed() {
    let places = [DOCKER, SWARM].concat();
    explore("renew-slow", &places, SOON, Fates::Any, &[Delay, Fault]);
}

#[test]
fn a_renewal_holds_on_a_swarm() {
    explore("renew-swarm", SWARM, ALONE, Fates::Any, &[Fault]);
    explore("renew-swarm-pair", SWARM, &pairs(), Fates::Lost, &[Fault]);
}
