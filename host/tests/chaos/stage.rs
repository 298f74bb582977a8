//! Callers that start and stop targets and believe every success, and the checks when they are
//! done.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use test_support::engine::list;
use test_support::http::request;
use test_support::prelude::*;
use test_support::server::ENVIRONMENT;

use crate::engine_process::EngineProcess;

/// How many callers there are at once.
const CALLERS: usize = 4;

/// The pauses of BastionZero's retries, 1, 2 and 4 seconds, scaled down, in milliseconds.
const PAUSES: [u64; 3] = [250, 500, 1000];

/// How long all their calls may take.
const PLAYED_WITHIN: Duration = Duration::from_secs(900);

/// How long a start may take if it is never given up: after half a minute, a start takes over an
/// unfinished earlier one.
const AT_LAST: Duration = Duration::from_secs(90);

/// How long an Engine may be away: a restart waits for the containers to end.
const ENGINE_BACK_WITHIN: Duration = Duration::from_secs(90);

/// The `max_lifetime`, after which a target is removed even if its caller gave up before the answer
/// and never stops it.
const LIFETIME: (&str, &str) = ("max_lifetime", "150s");

/// That lifetime, and time for the last calls.
const REAPABLE_WITHIN: Duration = Duration::from_secs(200);

/// The things that all callers share.
pub struct Stage {
    /// Replicas of the component.
    servers: [Server; 2],
    /// Dropped before the deployment, whose containers only an Engine that answers removes.
    pub process: EngineProcess,
    deployment: Deployment,
    /// Whether a caller gives up a start in the end.
    pub gives_up: bool,
    /// The statuses after which a caller tries again.
    pub may_pass: &'static [u16],
    /// The environments of starts that were given up, whose callers do not know the outcome.
    uncertain: Mutex<Vec<String>>,
    /// The ids of targets whose stop was given up.
    unstopped: Mutex<Vec<String>>,
}

impl Stage {
    pub fn new() -> Self {
        let deployment = Deployment::given();
        Self {
            servers: [(); 2].map(|()| deployment.server(&[LIFETIME])),
            process: EngineProcess::given(),
            deployment,
            gives_up: true,
            may_pass: &[502, 503, 504],
            uncertain: Mutex::default(),
            unstopped: Mutex::default(),
        }
    }

    /// Lets several callers start and stop targets, looks for duplicates meanwhile, and calls
    /// `in_the_middle` when half of them have begun.
    pub fn play(&self, targets: usize, in_the_middle: impl FnOnce()) {
        let begun = AtomicUsize::new(0);
        let call = || {
            loop {
                let number = begun.fetch_add(1, Ordering::SeqCst);
                if number >= targets {
                    return;
                }
                self.visit(number);
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
        });
    }

    /// Starts a target, and stops it.
    fn visit(&self, number: usize) {
        let environment = format!("0f1e2d3c-4b5a-6978-8796-{number:012x}");
        let start = start_body(&unique("token")).replace(ENVIRONMENT, &environment);
        if hangs_up(number) {
            note(&self.uncertain, &environment);
        }
        let turns = self.process.turns();
        let mut started = self.persist(number, "/start", &start);
        if !self.gives_up && started.status != 200 {
            started = wait_within(AT_LAST, "a start", || {
                Some(self.persist(number, "/start", &start)).filter(|it| it.status == 200)
            });
        }
        if started.status != 200 {
            return note(&self.uncertain, &environment);
        }
        let id = started.unique_id();
        self.check(turns, &id, "running");
        let stop = json!({"uniqueId": id}).to_string();
        let turns = self.process.turns();
        match self.persist(number, "/stop", &stop).status {
            200 => self.check(turns, &id, "gone"),
            _ => note(&self.unstopped, &id),
        }
    }

    /// Calls one server after the other, until a success or the end of a target, or until patience
    /// ends.
    fn persist(&self, number: usize, path: &str, body: &str) -> Answer {
        if hangs_up(number) {
            self.hang_up(number, path, body);
        }
        let mut pauses = PAUSES.iter();
        loop {
            let server = &self.servers[(number + pauses.len()) % 2];
            let answer = server.call("POST", path, body);
            let may_pass = self.may_pass.contains(&answer.status);
            let is_last = answer.status == 200 || (path, answer.status) == ("/start", 409);
            assert!(
                is_last || may_pass,
                "{path} {answer:?} {}",
                server.line_about(&answer)
            );
            match pauses.next() {
                Some(pause) if may_pass => std::thread::sleep(Duration::from_millis(*pause)),
                _ => return answer,
            }
        }
    }

    /// Makes a call and leaves in the middle, each caller at another moment.
    fn hang_up(&self, number: usize, path: &str, body: &str) {
        let credentials = format!("Basic {SECRET}");
        let headers = [("authorization", credentials.as_str())];
        let address = self.servers[0].address();
        let mut stream = TcpStream::connect(address).expect("the server listens");
        let request = request("POST", path, &headers, body.as_bytes());
        stream.write_all(&request).expect("the server reads");
        std::thread::sleep(Duration::from_millis(2 * number as u64));
    }

    /// Checks that a success is true, unless the Engine went down in between, which ends containers
    /// after the answer. An Engine that is paused or down is asked again later.
    #[track_caller]
    fn check(&self, turns: usize, id: &str, expected: &str) {
        let state = wait_within(ENGINE_BACK_WITHIN, "the Engine to answer", || {
            let listed = self.listed(&json!({"id": [id]}))?;
            let state = &listed.first().unwrap_or(&Value::Null)["State"];
            Some(state.as_str().unwrap_or("gone").to_owned())
        });
        let is_undisturbed = turns.is_multiple_of(2) && self.process.turns() == turns;
        let is_true = state == expected || !is_undisturbed;
        assert!(is_true, "{id} should be {expected}, is {state}");
    }

    /// The containers of the deployment; `None` if the Engine is down.
    fn ours(&self) -> Option<Vec<Value>> {
        let label = format!("dynamic-access.deployment={}", self.deployment.id);
        self.listed(&json!({"label": [label]}))
    }

    fn listed(&self, filters: &Value) -> Option<Vec<Value>> {
        let engine = &self.deployment.engine;
        let listed = engine.try_call("GET", &list(filters))?;
        listed.check(200).json().as_array().cloned()
    }

    /// Stops the targets that callers know of, checks that every other container belongs to a start
    /// whose caller does not know the outcome, and that a reap removes it when it is due.
    pub fn stop_and_reap_the_rest(&self) {
        let server = &self.servers[0];
        let left = || self.ours().expect("the Engine answers");
        for id in self.unstopped.lock().expect("no caller failed").iter() {
            server.stop_target(id).check_done();
        }
        let uncertain = self.uncertain.lock().expect("no caller failed");
        check_no_doubles(&left());
        for one in left() {
            let is_uncertain = uncertain.iter().any(|known| known == environment(&one));
            match one["State"].as_str().expect("a state") {
                // A create that took effect after the component had given it up, and that nobody
                // starts; or a removal that failed half-way, which is the reaper's to finish.
                "created" | "dead" => {}
                "running" => assert!(is_uncertain, "{one}"),
                "exited" => {
                    assert!(is_uncertain, "{one}");
                    // It would otherwise stay ten minutes, for its logs.
                    let id = one["Id"].as_str().expect("an id");
                    server.stop_target(id).check_done();
                }
                _ => panic!("{one}"),
            }
        }
        wait_within(REAPABLE_WITHIN, "what is left to be due", || {
            let due = server.reaped("/reap?dry_run=1").len();
            (due == left().len()).then_some(())
        });
        server.reaped("/reap");
        assert_eq!(left(), [Value::Null; 0]);
    }
}

/// Whether a caller makes each call once more before, and does not wait for the answer.
fn hangs_up(number: usize) -> bool {
    number.is_multiple_of(10)
}

fn note(notes: &Mutex<Vec<String>>, note: &str) {
    let mut notes = notes.lock().expect("no caller failed");
    notes.push(note.to_owned());
}

/// The environment that a container was created for. Here each token has its own, which shows
/// duplicates whatever their names.
fn environment(container: &Value) -> &str {
    let label = &container["Labels"]["dynamic-access.environment-id"];
    label.as_str().expect("ours have one")
}

/// Checks that no environment has two containers. A name belongs to one container in any state, so
/// a second one may not even be created beside a running one.
#[track_caller]
fn check_no_doubles(ours: &[Value]) {
    let mut seen = BTreeSet::new();
    for one in ours {
        // A container that is being removed has given up its name.
        let is_leaving = one["State"] == "removing" || one["State"] == "dead";
        let is_alone = is_leaving || seen.insert(environment(one));
        assert!(is_alone, "{one} is not alone: {ours:#?}");
    }
}
