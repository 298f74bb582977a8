//! The things that callers share, and the checks when they are done.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use test_support::engine::{RealEngine, list};
use test_support::server::Server;
use test_support::wait::wait_within;

use crate::caller::Caller;
use crate::dice;
use crate::engine_process::EngineProcess;

/// How many callers there are at once.
const CALLERS: usize = 4;

/// How long all their calls may take.
const PLAYED_WITHIN: Duration = Duration::from_secs(900);

/// The `max_lifetime` of 150 seconds, and time for the last calls.
const REAPABLE_WITHIN: Duration = Duration::from_secs(200);

/// The things that all callers share.
pub struct Stage<'a> {
    /// The Engine, without faults.
    pub engine: &'a RealEngine,
    /// Its process.
    pub process: &'a EngineProcess<'a>,
    /// Replicas of the component.
    pub servers: [Server; 2],
    /// How many calls in a hundred are first made and hung up on.
    pub hang_ups: u64,
    /// Whether a caller gives up a start in the end.
    pub gives_up: bool,
    /// The statuses after which a caller tries again.
    pub may_pass: &'static [u16],
    /// The environments of starts that were given up or hung up on, whose
    /// callers do not know the outcome.
    pub uncertain: Mutex<Vec<String>>,
    /// The ids of targets whose stop was given up.
    pub unstopped: Mutex<Vec<String>>,
    /// The `deployment_id` of both.
    pub deployment: &'a str,
}

impl<'a> Stage<'a> {
    /// An empty stage, for a deployment that both servers serve.
    pub fn new(
        engine: &'a RealEngine,
        process: &'a EngineProcess<'a>,
        deployment: &'a str,
        servers: [Server; 2],
    ) -> Self {
        Self {
            engine,
            process,
            servers,
            hang_ups: 0,
            gives_up: true,
            may_pass: &[502, 503, 504],
            uncertain: Mutex::default(),
            unstopped: Mutex::default(),
            deployment,
        }
    }

    /// Lets several callers start and stop targets, looks for duplicates meanwhile, and calls
    /// `in_the_middle` when half of them have begun.
    pub fn play(&self, targets: usize, seed: u64, in_the_middle: impl FnOnce()) {
        let begun = AtomicUsize::new(0);
        let call = || {
            loop {
                let number = begun.fetch_add(1, Ordering::SeqCst);
                if number >= targets {
                    return;
                }
                let dice = dice(seed, usize::MAX - number);
                Caller { stage: self, dice }.visit(number);
            }
        };
        std::thread::scope(|scope| {
            let callers = [(); CALLERS].map(|()| scope.spawn(call));
            let (mut looks, mut in_the_middle) = (0, Some(in_the_middle));
            wait_within(PLAYED_WITHIN, "the end of all calls", || {
                // It is down for a while.
                if let Some(ours) = self.ours() {
                    looks += 1;
                    check_no_doubles(&ours);
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

    /// The component's containers that still exist, as the Engine lists them; `None` if it is down.
    /// Look-alikes have no environment.
    fn ours(&self) -> Option<Vec<Value>> {
        let label = format!("dynamic-access.deployment={}", self.deployment);
        let path = list(&json!({"label": [label]}));
        let listed = self.engine.try_call("GET", &path)?.check(200).json();
        let listed = listed.as_array().expect("a list").iter();
        Some(
            listed
                .filter(|one| environment(one).is_some())
                .cloned()
                .collect(),
        )
    }

    /// The state of a container; `None` if the Engine is down, `"gone"` if the
    /// container does not exist.
    pub fn state(&self, id: &str) -> Option<String> {
        let answer = self.engine.try_call("GET", &list(&json!({"id": [id]})))?;
        let state = answer.check(200).json()[0]["State"].clone();
        Some(state.as_str().unwrap_or("gone").to_owned())
    }

    /// Stops the targets that callers know of, and checks that every other
    /// container belongs to a start whose caller does not know the outcome.
    pub fn stop_the_rest(&self) {
        for id in self
            .unstopped
            .lock()
            .expect("no test panics with it")
            .iter()
        {
            self.stop(id);
        }
        let uncertain = self.uncertain.lock().expect("no test panics with it");
        let left = self.ours().expect("the Engine answers");
        check_no_doubles(&left);
        for one in left {
            let environment = environment(&one).expect("ours have one");
            let is_uncertain = uncertain.iter().any(|known| known == environment);
            match one["State"].as_str().expect("a state") {
                // A create that took effect after the component had given it
                // up; nobody starts it.
                // A removal that failed half-way is the reaper's to finish.
                "created" | "dead" => {}
                "running" => assert!(is_uncertain, "{one}"),
                "exited" => {
                    assert!(is_uncertain, "{one}");
                    // It would otherwise stay ten minutes, for its logs.
                    self.stop(one["Id"].as_str().expect("an id"));
                }
                _ => panic!("{one}"),
            }
        }
    }

    /// Waits until everything left is due, and checks that one reap removes it.
    pub fn reap_the_rest(&self) {
        let left = || self.ours().expect("the Engine answers");
        let server = &self.servers[0];
        wait_within(REAPABLE_WITHIN, "what is left to be due", || {
            let due = server.reaped("/reap?dry_run=1").len();
            (due == left().len()).then_some(())
        });
        server.reaped("/reap");
        assert_eq!(left(), [Value::Null; 0]);
    }

    /// Stops a target, now that nothing fails.
    #[track_caller]
    fn stop(&self, id: &str) {
        self.servers[0].stop_target(id).check_done();
        assert_eq!(self.state(id).as_deref(), Some("gone"));
    }
}

/// The environment that a container was created for. Here each token has its own, which shows
/// duplicates whatever their names.
fn environment(container: &Value) -> Option<&str> {
    container["Labels"]["dynamic-access.environment-id"].as_str()
}

/// Checks that no environment has two containers. A name belongs to one container in any state, so
/// a second one may not even be created beside a running one.
#[track_caller]
fn check_no_doubles(ours: &[Value]) {
    let mut seen = BTreeSet::new();
    // A container that is being removed has given up its name.
    for one in ours
        .iter()
        .filter(|one| one["State"] != "removing" && one["State"] != "dead")
    {
        assert!(
            seen.insert(environment(one)),
            "{one} is not alone: {ours:#?}"
        );
    }
}
