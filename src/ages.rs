//! How long containers may wait, run and stay, and which of them count as live.
//!
//! An age is the difference between two times of the Engine's own clock: the
//! reply's `Date` and the container's `Created`.

use std::time::Duration;

use crate::docker::label;
use crate::docker::target::{State, Target};

/// How long a created container may wait to be started. A webhook ends within
/// half a minute, so nobody is about to start an older one.
pub const START_WITHIN: Duration = Duration::from_secs(120);

/// The age from which the attempt that created a container no longer starts it: the
/// longest invocation (29 s), and a second for each of the two rounded times that make an
/// age.
pub const ABANDONED_AFTER: Duration = Duration::from_secs(31);

/// How much of its lifetime a target must have left to be renewed. The request that
/// renews it then ends before any reap finds the target expired.
pub const RENEWED_BEFORE: Duration = ABANDONED_AFTER;

/// How long an ended container stays: people can read its logs, and a repeated start of
/// its token is not taken for a new one.
pub const ENDED_STAYS: Duration = Duration::from_secs(600);

/// How long a container may wait to be started, from its label.
pub fn start_within(container: &Target) -> Duration {
    container
        .label_seconds(label::START_WITHIN)
        .unwrap_or(START_WITHIN)
}

/// The age at which a container is removed, even if it runs: from its label, or else
/// `otherwise`, or a later age from a renewal.
pub fn lifetime(container: &Target, otherwise: Duration) -> Duration {
    let own = container.label_seconds(label::MAX_LIFETIME);
    own.unwrap_or(otherwise).max(container.renewed)
}

/// Whether a container counts as a live target: it runs, or may still be started.
///
/// A created container of any age may still be started: the server that made it may have
/// been suspended, and its clock with it. Only the removal of the container makes that
/// start fail.
pub fn is_live(container: &Target) -> bool {
    match container.state {
        // On a Swarm, a node may still start the target, or still run it.
        State::Created | State::Starting | State::Running | State::Stopping => true,
        // An unknown state does not mean that it has ended.
        State::Unknown => true,
        State::Ended | State::Dead | State::Removing => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::target::tests::aged;

    #[test]
    fn what_runs_or_may_yet_be_started_is_live() {
        for (state, age, live) in [
            ("running", Some(u64::MAX), true),
            ("paused", Some(0), true),
            ("created", Some(u64::MAX), true),
            ("created", None, true),
            ("sleeping", Some(0), true),
            ("exited", Some(0), false),
            ("dead", Some(0), false),
            ("removing", Some(0), false),
        ] {
            assert_eq!(is_live(&aged(state, age, &[])), live, "{state} {age:?}");
        }
    }
}
