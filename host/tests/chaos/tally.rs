//! Counts of events, printed at the end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Counts of events; clones count together.
#[derive(Debug, Clone, Default)]
pub struct Tally(Arc<Mutex<BTreeMap<String, usize>>>);

impl Tally {
    /// Counts an event.
    pub fn count(&self, what: &str) {
        let mut counts = self.0.lock().expect("no test panics with it");
        *counts.entry(what.to_owned()).or_default() += 1;
    }

    /// How many times an event has happened.
    pub fn of(&self, what: &str) -> usize {
        let counts = self.0.lock().expect("no test panics with it");
        counts.get(what).copied().unwrap_or_default()
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts = self.0.lock().expect("no test panics with it");
        for (what, count) in counts.iter() {
            writeln!(f, "  {count:5} {what}")?;
        }
        Ok(())
    }
}
