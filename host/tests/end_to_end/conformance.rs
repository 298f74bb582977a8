//! Every behaviour of the Engine API that the component relies on, checked on a real Engine and on
//! Podman's Docker-compatible service.
//!
//! Each reading has the behaviour of both beside the call that shows it. A new difference, or one
//! that disappears, fails the test.

mod containers;
mod others;

use test_support::own::sleeper;
use test_support::prelude::*;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The id of nothing.
const UNKNOWN: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The status of an answer, and of a failure some words of its message, in lower case.
type Told = (u16, &'static str);

/// The readings of one Engine.
struct Readings<'a> {
    engine: &'a RealEngine,
    wrong: Vec<String>,
}

impl Readings<'_> {
    /// Compares what was shown.
    fn is(&mut self, what: &str, expected: impl Into<Value>, shown: impl Into<Value>) {
        let (expected, shown) = (expected.into(), shown.into());
        if expected != shown {
            self.wrong.push(format!("{what}: {shown}, not {expected}"));
        }
    }

    /// Makes a call without a body, and compares its answer.
    fn call(&mut self, what: &str, told: Told, method: &str, path: &str) {
        let answer = self.engine.call(method, path, None);
        self.told(what, told, &answer);
    }

    /// Compares an answer; a failure must have the Engine's form.
    fn told(&mut self, what: &str, (status, words): Told, answer: &Answer) {
        let has_words = answer.status < 400 || {
            let message = answer.json()["message"].as_str().map(str::to_lowercase);
            message.is_some_and(|message| message.contains(words))
        };
        if answer.status != status || !has_words {
            let expected = format!("{status} {words}");
            self.wrong
                .push(format!("{what}: {answer:?}, not {expected}"));
        }
    }
}

/// The create body of a container that runs a command.
fn body(command: &[&str]) -> Value {
    let mut body = sleeper(&json!({}));
    body["Entrypoint"] = json!(command);
    body["Volumes"] = json!({"/run/dynamic-access": {}});
    body
}

/// Whether a time in a reply is one of the last minute.
fn is_recent(moment: &Value) -> bool {
    let made = OffsetDateTime::parse(moment.as_str().unwrap_or_default(), &Rfc3339);
    made.is_ok_and(|made| (OffsetDateTime::now_utc() - made).abs() < time::Duration::MINUTE)
}

on_each_engine!(an_engine_does_what_is_read_into_its_api);

fn an_engine_does_what_is_read_into_its_api(engine: &RealEngine) {
    let mut seen = Readings {
        engine,
        wrong: Vec::new(),
    };
    containers::read(&mut seen);
    others::read(&mut seen);
    let wrong = seen.wrong;
    assert!(wrong.is_empty(), "{}: {wrong:#?}", engine.version());
}
