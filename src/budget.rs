//! How long a webhook may take, and each of its calls.

use std::time::Duration;

/// Until when new work is begun: from here on there is only clean-up.
const WORK: Duration = Duration::from_secs(20);

/// What is left of the work after a pull: a create, and a start of what it
/// has made.
const AFTER_PULL: Duration = Duration::from_secs(5);

/// How long a pull may go on after the answer, where the platform lets it:
/// some gigabytes from a slow registry.
const PULL: Duration = Duration::from_secs(600);

/// Until when the caller has an answer: webhooks give their receivers 15 to
/// 30 seconds.
const ANSWER: Duration = Duration::from_secs(25);

/// Until when the work after the answer ends: hosted Spin stops a handler at
/// 30 seconds.
const INVOCATION: Duration = Duration::from_secs(29);

/// The most that the work after the answer takes, so that an instance is not
/// held long for what the next one can do as well.
const TAIL: Duration = Duration::from_secs(4);

/// The age from which a container that is only created will not be started
/// any more: the longest invocation, and a second for each of the two
/// roundings that an age is told with.
pub const ABANDONED_AFTER: Duration = Duration::from_secs(31);

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

    /// When a pull that begins at `now`, after the answer, is given up.
    pub fn tail_pull_until(self, now: Duration) -> Duration {
        now + PULL
    }

    /// When the work that begins at `now`, after the answer, ends.
    pub fn tail_until(self, now: Duration) -> Duration {
        (now + TAIL).min(self.answer_until + (INVOCATION - ANSWER))
    }
}

/// The most that a look-up takes on an Engine that works at all: a list of
/// thousands of containers is tens of milliseconds.
pub const LOOK_UP: Duration = Duration::from_secs(5);

/// The most that a change takes: a start or a removal waits for the disk and
/// the network of a busy host, where seconds have been seen.
pub const CHANGE: Duration = Duration::from_secs(15);
