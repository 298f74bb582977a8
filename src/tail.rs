//! The work after an answer: a little of what a reap does.

use std::cell::RefCell;

use crate::budget::Budget;
use crate::config::Config;
use crate::engine::Engine;
use crate::error::Error;
use crate::platform::Platform;
use crate::reaper::{self, Scope};
use crate::record::Record;

/// The work after an answer: a little of what a reap does.
#[derive(Debug)]
pub struct Tail {
    /// What the operator has set.
    pub config: Config,
    /// That of the request, of which the tail is the end.
    pub budget: Budget,
    /// That of the request, to be read beside its line.
    pub request_id: String,
}

impl Tail {
    /// Does it, and returns a line for the log if there is anything to tell.
    pub async fn run<P: Platform>(self, platform: &P) -> Option<String> {
        let begun = platform.now();
        let calls = RefCell::default();
        let until = self.budget.tail_until(begun);
        let engine = Engine::new(platform, &self.config.docker_url, &calls, until);
        let reaped = reaper::reap(&engine, &self.config, Scope::TAIL).await;
        let (notes, error) = match reaped {
            Ok(report) => (report.notes("reaped"), None),
            Err(fault) => (Vec::new(), Some(Error::from(fault))),
        };
        if notes.is_empty() && error.is_none() {
            return None;
        }
        let record = Record {
            request_id: &self.request_id,
            route: "tail",
            status: None,
            took: platform.now().saturating_sub(begun),
            container: None,
            calls: &calls.borrow(),
            notes: &notes,
            error: error.as_ref(),
            secret: None,
        };
        Some(record.line())
    }
}
