//! Containers that cannot be removed, and whether the others still are.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use dynamic_access::backend::Backend;
use dynamic_access::budget::Budget;
use dynamic_access::call_notes::Calls;
use dynamic_access::config::Config;
use dynamic_access::engine::Engine;
use dynamic_access::platform::{HttpRequest, HttpResponse, Keep, Platform, TransportError};
use dynamic_access::reaper::{Report, Scope, reap};
use pollster::block_on;

use crate::script::{entry, variables};

/// The fate of a removal.
#[derive(Clone, Copy, PartialEq)]
enum Removal {
    Works,
    Fails,
    Hangs,
}

/// An Engine whose containers were never started and are all due.
struct Stubborn {
    containers: RefCell<BTreeMap<String, Removal>>,
    clock: Cell<Duration>,
    dice: Cell<u128>,
}

impl Stubborn {
    /// The first and the last containers of the list cannot be removed.
    fn new(removal: Removal, stuck: usize, fine: usize, seed: u128) -> Self {
        let half = stuck / 2;
        let containers = (0..stuck + fine).map(|number| {
            let is_fine = (half..half + fine).contains(&number);
            let removal = if is_fine { Removal::Works } else { removal };
            (format!("{number:064x}"), removal)
        });
        Self {
            containers: RefCell::new(containers.collect()),
            clock: Cell::default(),
            dice: Cell::new(seed),
        }
    }

    fn fine(&self) -> usize {
        let containers = self.containers.borrow();
        let removals = containers.values();
        removals.filter(|one| **one == Removal::Works).count()
    }

    /// The reap after one more health check, on any replica.
    fn tail(&self, config: &Config) -> Report {
        let begun = self.now();
        let until = Budget::starting(begun).reap_until(begun);
        let calls = RefCell::new(Calls::default());
        let backend = Backend::new(Engine::new(self, config, &calls, until), config);
        let report = block_on(reap(&backend, config, Scope::AFTER_ANSWER));
        assert!(self.now() <= until);
        report.expect("a list")
    }
}

impl Platform for Stubborn {
    async fn send(
        &self,
        request: HttpRequest,
        limit: Duration,
        _keep: Keep,
    ) -> Result<HttpResponse, TransportError> {
        let mut containers = self.containers.borrow_mut();
        let reply = http::Response::builder().header("date", "Mon, 23 Nov 2026 01:01:01 GMT");
        if request.method() == "GET" {
            let entries = containers.keys();
            let list: Vec<_> = entries.map(|id| entry(id, "created", 0, &[])).collect();
            let body = serde_json::Value::from(list).to_string().into_bytes();
            return Ok(reply.body(body).expect("a reply"));
        }
        let id = request.uri().path().rsplit('/').next().expect("an id");
        let (status, body) = match containers[id] {
            Removal::Works => {
                containers.remove(id);
                (204, "")
            }
            Removal::Fails => (500, r#"{"message":"device or resource busy"}"#),
            Removal::Hangs => {
                self.clock.set(self.clock.get() + limit);
                return Err(TransportError::TimedOut);
            }
        };
        Ok(reply.status(status).body(body.into()).expect("a reply"))
    }

    fn now(&self) -> Duration {
        self.clock.get()
    }

    async fn sleep(&self, duration: Duration) {
        self.clock.set(self.clock.get() + duration);
    }

    fn random(&self) -> u128 {
        // A multiplicative generator; its upper half is spread well enough.
        let next = self
            .dice
            .get()
            .wrapping_mul(0xda94_2042_e4dd_58b5_5a0e_c1d3_31b9_2b4d);
        self.dice.set(next);
        next
    }
}

#[track_caller]
fn check(removal: Removal, stuck: usize, fine: usize, tails: usize) {
    let config = Config::parse(&variables(&[])).expect("a config");
    for seed in 0..10 {
        let engine = Stubborn::new(removal, stuck, fine, 2 * seed + 1);
        for _ in 0..tails {
            engine.tail(&config);
        }
        assert_eq!(engine.fine(), 0, "{stuck} stuck, seed {seed}");
    }
}

#[test]
fn removals_that_fail_do_not_keep_the_others_from_being_removed() {
    check(Removal::Fails, 6, 9, 6);
    check(Removal::Fails, 40, 3, 60);
}

#[test]
fn removals_that_hang_do_not_keep_the_others_from_being_removed() {
    check(Removal::Hangs, 1, 9, 6);
    check(Removal::Hangs, 6, 3, 30);
}

#[test]
fn what_a_reap_leaves_for_the_next_one_is_counted() {
    let config = Config::parse(&variables(&[])).expect("a config");
    let engine = Stubborn::new(Removal::Fails, 0, 9, 1);
    let report = engine.tail(&config);
    assert_eq!((report.removed.len(), report.left), (4, 5));
    let last = report.notes(false).pop();
    assert_eq!(last.as_deref(), Some("left for the next reap: 5"));
}
