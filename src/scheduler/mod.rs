//! What carries out the decisions about targets: one set of operations.
//!
//! Decides nothing: [`crate::provision`] and [`crate::reaper`] say what is to be
//! done, and this says with which calls of [`crate::docker`].

mod engine;

use std::time::Duration;

use crate::config::Config;
use crate::engine::Engine;
use crate::platform::Platform;

/// What carries out decisions, for as long as one part of one webhook lasts.
#[derive(Debug)]
pub struct Scheduler<'a, P> {
    engine: Engine<'a, P>,
    config: &'a Config,
}

// Derived, they would demand the same of `P`.
impl<P> Clone for Scheduler<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<P> Copy for Scheduler<'_, P> {}

impl<'a, P: Platform> Scheduler<'a, P> {
    /// What `config` names, reached through `engine`.
    pub fn new(engine: Engine<'a, P>, config: &'a Config) -> Self {
        Self { engine, config }
    }

    /// The Engine that is asked, for what is not about targets.
    pub fn engine(&self) -> &Engine<'a, P> {
        &self.engine
    }

    /// The same, used until another moment.
    pub fn until(self, until: Duration) -> Self {
        let engine = self.engine.until(until);
        Self { engine, ..self }
    }

    /// The same, used for so long at most.
    pub fn within(self, limit: Duration) -> Self {
        let engine = self.engine.within(limit);
        Self { engine, ..self }
    }

    /// How long it may still be used.
    pub fn time_left(&self) -> Duration {
        self.engine.time_left()
    }
}
