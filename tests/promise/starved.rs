//! Containers that cannot be removed, and whether the others still are.

use std::cell::RefCell;
use std::time::Duration;

use dynamic_access::backend::Backend;
use dynamic_access::budget::Budget;
use dynamic_access::call_notes::Calls;
use dynamic_access::config::Config;
use dynamic_access::engine::Engine;
use dynamic_access::platform::Platform;
use dynamic_access::reaper::{Scope, reap};
use pollster::block_on;

use crate::model::{Key, State};
use crate::scenario::{Given, Scenario};
use crate::sequence::{Sequence, Stuck};

/// The reap after one more health check, on any replica.
fn tail(engine: &Sequence, config: &Config) {
    let begun = engine.now();
    let until = Budget::starting(begun).reap_until(begun);
    let calls = RefCell::new(Calls::default());
    let backend = Backend::new(Engine::new(engine, config, &calls, until), config);
    block_on(reap(&backend, config, Scope::AFTER_ANSWER)).expect("a list");
    assert!(engine.now() <= until);
}

/// Reaps containers that were never started and are all due. The first and the last of
/// the list cannot be removed.
#[track_caller]
fn check(removals: Stuck, stuck: usize, fine: usize, tails: usize) {
    let given = |token| Given {
        token,
        state: State::Created,
        age: Duration::from_secs(3600),
        renewed: None,
    };
    let scenario = Scenario {
        given: (0..stuck + fine).map(given).collect(),
        ..Scenario::empty(100)
    };
    let config = Config::parse(&|name| scenario.variable(name)).expect("a config");
    let is_stuck = |number: &usize| !(stuck / 2..stuck / 2 + fine).contains(number);
    let stuck_ones = (0..stuck + fine).filter(is_stuck);
    let stuck_ones: Vec<_> = stuck_ones
        .map(|one| Key::given(one).container_id())
        .collect();
    for seed in 0..10 {
        let mut engine = Sequence::of(scenario.orchestrator());
        (engine.stuck, engine.removals) = (stuck_ones.clone(), removals);
        engine.seed = seed;
        for _ in 0..tails {
            tail(&engine, &config);
        }
        let left = engine.orchestrator.borrow().ours().count();
        assert_eq!(left, stuck, "{stuck} stuck, seed {seed}");
    }
}

#[test]
fn removals_that_fail_do_not_keep_the_others_from_being_removed() {
    check(Stuck::Fails, 6, 9, 6);
    check(Stuck::Fails, 40, 3, 60);
}

#[test]
fn removals_that_hang_do_not_keep_the_others_from_being_removed() {
    check(Stuck::Hangs, 1, 9, 6);
    check(Stuck::Hangs, 6, 3, 30);
}
