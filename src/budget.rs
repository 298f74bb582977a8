//! How long a webhook may take.

use std::time::Duration;

/// When no new work is begun any more: what is left is for clean-up.
const WORK: Duration = Duration::from_secs(20);

/// What a pull leaves of the time for work: enough for a create, and a start of
/// what it has made.
const AFTER_PULL: Duration = Duration::from_secs(5);

/// How long a pull may continue after the answer, where the platform allows it:
/// some gigabytes from a slow registry.
const PULL: Duration = Duration::from_secs(600);

/// When the caller has an answer: senders of webhooks wait 15 to 30 seconds.
const ANSWER: Duration = Duration::from_secs(25);

/// When the work after the answer ends: hosted Spin stops a handler at 30
/// seconds.
const INVOCATION: Duration = Duration::from_secs(29);

/// The longest reap after an answer, so that an instance is not held for what
/// the next one can do as well.
const REAP: Duration = Duration::from_secs(4);

/// The moments by which the parts of one webhook end, on the platform's
/// monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// When a pull is given up, so that the rest can still be done.
    pub pull_until: Duration,
    /// When no new work is begun.
    pub work_until: Duration,
    /// When the clean-up ends and the answer goes out.
    pub answer_until: Duration,
}

impl Budget {
    /// The budget of a webhook that arrived at `now`.
    pub fn starting(now: Duration) -> Self {
        Self {
            pull_until: now + WORK - AFTER_PULL,
            work_until: now + WORK,
            answer_until: now + ANSWER,
        }
    }

    /// When a pull that continues after the answer, from `now`, is given up.
    pub fn late_pull_until(self, now: Duration) -> Duration {
        now + PULL
    }

    /// When a reap that begins at `now`, after the answer, ends.
    pub fn reap_until(self, now: Duration) -> Duration {
        (now + REAP).min(self.answer_until + (INVOCATION - ANSWER))
    }
}
