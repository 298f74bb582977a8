//! How long a webhook may take.

use std::time::Duration;

/// No new work begins after this; the rest is for clean-up.
const WORK: Duration = Duration::from_secs(20);

/// The time that a pull leaves for work: enough for a create and a start.
const AFTER_PULL: Duration = Duration::from_secs(5);

/// How long a pull may continue after the answer, where the platform allows it:
/// some gigabytes from a slow registry.
const PULL: Duration = Duration::from_secs(600);

/// The caller has its answer by then: senders of webhooks wait 15 to 30 seconds.
const ANSWER: Duration = Duration::from_secs(25);

/// A reap after the answer ends by then: hosted Spin stops a handler at 30 seconds.
const INVOCATION: Duration = Duration::from_secs(29);

/// The longest reap after an answer: the next instance can do the rest as well.
const REAP: Duration = Duration::from_secs(4);

/// The moments by which the parts of one webhook end, on the platform's
/// monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// When a pull is given up, to leave time for the rest.
    pub pull_until: Duration,
    /// When no new work begins.
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
