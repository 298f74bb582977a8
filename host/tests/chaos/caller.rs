//! A caller of the webhooks: it retries after growing pauses, sometimes hangs up
//! in the middle of a call, and believes every success.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Mutex;
use std::time::Duration;

use fastrand::Rng;
use test_support::http::{Answer, request};
use test_support::server::{ENVIRONMENT, SECRET, start_body};
use test_support::wait::wait_within;

use crate::stage::Stage;

/// The pauses of BastionZero's retries, 1, 2 and 4 seconds, scaled down.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_millis(1000),
];

/// How long a start may take if it is never given up: after half a minute, a start takes over an
/// unfinished earlier one.
const AT_LAST: Duration = Duration::from_secs(90);

/// How long an Engine may be away: a restart waits for the containers to end.
const ENGINE_BACK_WITHIN: Duration = Duration::from_secs(90);

/// One of several concurrent callers.
pub struct Caller<'a> {
    /// The stage that it shares.
    pub stage: &'a Stage<'a>,
    /// Its own random numbers.
    pub dice: Rng,
}

impl Caller<'_> {
    /// Starts a target of its own, and stops it.
    pub fn visit(&mut self, number: usize) {
        let id = match self.stage.gives_up {
            true => self.start(number),
            false => Some(wait_within(AT_LAST, "a start", || self.start(number))),
        };
        if let Some(id) = id {
            self.stop(&id);
        }
    }

    /// Starts a target; `None` if it gave up.
    fn start(&mut self, number: usize) -> Option<String> {
        let environment = format!("0f1e2d3c-4b5a-6978-8796-{number:012x}");
        let body = start_body(&format!("token-{number}-{:x}", std::process::id()));
        let body = body.replace(ENVIRONMENT, &environment);
        if self.dice.u64(..100) < self.stage.hang_ups {
            self.hang_up("/start", &body);
            note(&self.stage.uncertain, &environment);
        }
        let turns = self.stage.process.turns();
        let answer = self.persist("/start", &body, &[409]);
        if answer.status != 200 {
            note(&self.stage.uncertain, &environment);
            return None;
        }
        let id = answer.unique_id();
        self.check(turns, &id, "running");
        Some(id)
    }

    /// Stops a target.
    fn stop(&mut self, id: &str) {
        let body = serde_json::json!({"uniqueId": id}).to_string();
        if self.dice.u64(..100) < self.stage.hang_ups {
            self.hang_up("/stop", &body);
        }
        let turns = self.stage.process.turns();
        if self.persist("/stop", &body, &[]).status == 200 {
            self.check(turns, id, "gone");
        } else {
            note(&self.stage.unstopped, id);
        }
    }

    /// Calls until an answer is a success or equals `last`, or patience ends.
    fn persist(&mut self, path: &str, body: &str, last: &[u16]) -> Answer {
        let mut pauses = PAUSES.iter();
        loop {
            let server = &self.stage.servers[self.dice.usize(..2)];
            let answer = server.call("POST", path, body);
            let may_pass = self.stage.may_pass.contains(&answer.status);
            assert!(
                answer.status == 200 || may_pass || last.contains(&answer.status),
                "{path} {answer:?} {}",
                server.line_about(&answer)
            );
            match pauses.next() {
                Some(pause) if may_pass => std::thread::sleep(*pause),
                _ => return answer,
            }
        }
    }

    /// Makes a call and does not wait for its answer.
    fn hang_up(&mut self, path: &str, body: &str) {
        let credentials = format!("Basic {SECRET}");
        let headers = [("authorization", credentials.as_str())];
        let server = &self.stage.servers[self.dice.usize(..2)];
        let mut stream = TcpStream::connect(server.address()).expect("the server listens");
        let request = request("POST", path, &headers, body.as_bytes());
        stream.write_all(&request).expect("the server reads");
        std::thread::sleep(Duration::from_millis(self.dice.u64(..400)));
    }

    /// Checks that a success is true, unless the Engine went down in between,
    /// which ends containers after the answer. An Engine that is paused or down
    /// is asked again later.
    #[track_caller]
    fn check(&self, turns: usize, id: &str, expected: &str) {
        let state = wait_within(ENGINE_BACK_WITHIN, "the Engine to answer", || {
            self.stage.state(id)
        });
        let is_undisturbed = turns.is_multiple_of(2) && self.stage.process.turns() == turns;
        let is_true = state == expected || !is_undisturbed;
        assert!(is_true, "{id} should be {expected}, is {state}");
    }
}

fn note(notes: &Mutex<Vec<String>>, note: &str) {
    let mut notes = notes.lock().expect("no test panics with it");
    notes.push(note.to_owned());
}
