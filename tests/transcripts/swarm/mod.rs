//! Webhooks on a Swarm.

mod lists;
mod managers;
mod nodes;
mod reap;
mod renew;
mod repeated;
mod start;
mod stop;

use dynamic_access::error::Error;
use dynamic_access::provision::Provisioner;

use crate::script::*;

#[track_caller]
fn on_swarm<T>(
    steps: impl Into<Steps>,
    webhook: impl AsyncFnOnce(Provisioner<'_, Script>) -> T,
) -> T {
    run_with(&SWARM, steps, webhook)
}

/// Starts on a Swarm that end like this.
fn starts(rows: &str) {
    starts_with(&SWARM, rows);
}
