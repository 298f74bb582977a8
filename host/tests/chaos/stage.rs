//! The things that callers share, and the checks when they are done.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use test_support::engine::RealEngine;
use test_support::server::Server;
use test_support::wait::wait_within;

use crate::caller::Caller;
use crate::containers::{self, Ours};
use crate::dice;
use crate::engine_process::EngineProcess;
use crate::tally::Tally;

/// How many callers there are at once.
const CALLERS: usize = 4;

/// How long all their calls may take.
const PLAYED_WITHIN: Duration = Duration::from_secs(900);

/// The `max_lifetime` of 150 seconds, and time for the last calls.
const REAPABLE_WITHIN: Duration = Duration::from_secs(200);

/// Notes of the callers for the final checks.
#[derive(Default)]
pub struct Notes(Mutex<Vec<String>>);

impl Notes {
    /// Notes one thing.
    pub fn push(&self, note: String) {
        self.0.lock().expect("no test panics with it").push(note);
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().expect("no test panics with it").clone()
    }
}

/// The things that all callers share.
pub struct Stage<'a> {
    /// The Engine, without faults.
    pub engine: &'a RealEngine,
    /// Its process.
    pub process: &'a EngineProcess<'a>,
    /// Replicas of the component.
    pub servers: [Server; 2],
    /// Counts of the answers.
    pub tally: Tally,
    /// How many calls in a hundred are first made and hung up on.
    pub hang_ups: u64,
    /// The environments of starts that were given up or hung up on, whose
    /// callers do not know the outcome.
    pub uncertain: Notes,
    /// The ids of targets whose stop was given up.
    pub unstopped: Notes,
    deployment: &'a str,
}

impl<'a> Stage<'a> {
    /// An empty stage, for a deployment that both servers serve.
    pub fn new(
        engine: &'a RealEngine,
        process: &'a EngineProcess<'a>,
        deployment: &'a str,
        servers: [Server; 2],
        hang_ups: u64,
    ) -> Self {
        Self {
            engine,
            process,
            servers,
            tally: Tally::default(),
            hang_ups,
            uncertain: Notes::default(),
            unstopped: Notes::default(),
            deployment,
        }
    }

    /// Lets several callers start and stop targets, looks for duplicates meanwhile, and calls
    /// `in_the_middle` when half of them have begun.
    pub fn play(
        &self,
        targets: usize,
        seed: u64,
        deal: impl Fn(&mut Caller<'_>, usize) + Sync,
        in_the_middle: impl FnOnce(),
    ) {
        let begun = AtomicUsize::new(0);
        let call = || {
            loop {
                let number = begun.fetch_add(1, Ordering::SeqCst);
                if number >= targets {
                    return;
                }
                let dice = dice(seed, usize::MAX - number);
                deal(&mut Caller { stage: self, dice }, number);
            }
        };
        std::thread::scope(|scope| {
            let callers = [(); CALLERS].map(|()| scope.spawn(call));
            let (mut looks, mut in_the_middle) = (0, Some(in_the_middle));
            wait_within(PLAYED_WITHIN, "the end of all calls", || {
                // It is down for a while.
                if let Some(ours) = containers::ours(self.engine, self.deployment) {
                    looks += 1;
                    assert_eq!(containers::doubles_in(&ours), Vec::<String>::new());
                }
                if begun.load(Ordering::SeqCst) > targets / 2
                    && let Some(act) = in_the_middle.take()
                {
                    act();
                }
                let is_over = callers.iter().all(|caller| caller.is_finished());
                is_over.then_some(())
            });
            println!("{looks} looks for duplicates");
            for caller in callers {
                caller.join().expect("the caller has not failed");
            }
        });
    }

    /// The component's containers that still exist.
    pub fn ours(&self) -> Vec<Ours> {
        containers::ours(self.engine, self.deployment).expect("the Engine answers")
    }

    /// Stops the targets that callers know of, and checks that every other
    /// container belongs to a start whose caller does not know the outcome.
    pub fn stop_the_rest(&self) {
        for id in self.unstopped.all() {
            self.stop(&id);
        }
        let uncertain = self.uncertain.all();
        let left = self.ours();
        assert_eq!(containers::doubles_in(&left), Vec::<String>::new());
        for Ours {
            id,
            state,
            environment,
        } in left
        {
            self.tally.count(&format!("left {state}"));
            match state.as_str() {
                // A create that took effect after the component had given it
                // up; nobody starts it.
                // A removal that failed half-way is the reaper's to finish.
                "created" | "dead" => {}
                "running" | "exited" => assert!(uncertain.contains(&environment), "{id} {state}"),
                other => panic!("{id} {other}"),
            }
            // It would otherwise stay ten minutes, for its logs.
            if state == "exited" {
                self.stop(&id);
            }
        }
    }

    /// Waits until everything left is due, and checks that one reap removes it.
    pub fn reap_the_rest(&self) {
        wait_within(REAPABLE_WITHIN, "what is left to be due", || {
            let due = self.reap("/reap?dry_run=1");
            (due == self.ours().len()).then_some(())
        });
        self.reap("/reap");
        let left = self.ours();
        assert!(left.is_empty(), "{left:?}");
    }

    fn reap(&self, path: &str) -> usize {
        let answer = self.servers[0].call("POST", path, "");
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["removed"].as_array().expect("a list").len()
    }

    /// Stops a target, now that nothing fails.
    #[track_caller]
    pub fn stop(&self, id: &str) {
        let answer = self.servers[0].stop_target(id);
        assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
        let state = containers::state(self.engine, id);
        assert_eq!(state.as_deref(), Some("gone"));
    }
}
