//! A real Swarm of three managers: the behaviour of its API, and the component in front of it.
//!
//! It runs only when it is named, `cargo xtask test --engine trixie -- --test swarm`, because the
//! Engine of Debian 12 is too old for it.

mod between;
mod conformance;
mod examples;
mod lost_nodes;
mod nodes;
mod orders;
mod ports;
mod promises;
mod stage;
mod starts;
mod versions;
mod visits;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Lets one test at a time have its Swarm: there are addresses for one.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    // One that has failed has removed its Swarm too.
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
