//! The waits between two looks at the Engine.

use std::time::Duration;

use crate::platform::Platform;

/// The first wait: an Engine creates a container in about 10 ms, and starts it in a few
/// hundred milliseconds.
const FIRST: Duration = Duration::from_millis(50);

/// The longest wait. A change is then seen within a second.
const LONGEST: Duration = Duration::from_secs(1);

/// The most waits: more than fit into a webhook's time, which is the real limit unless
/// the clock stands still.
const COUNT_MAX: u32 = 64;

/// Waits that double from 50 ms to a second. Each is shortened by up to half at random,
/// because replicas should not look at the same moment.
#[derive(Debug)]
pub struct Pauses<'a, P> {
    platform: &'a P,
    until: Duration,
    count: u32,
}

impl<'a, P: Platform> Pauses<'a, P> {
    /// Waits that end at `until`.
    pub fn new(platform: &'a P, until: Duration) -> Self {
        Self {
            platform,
            until,
            count: 0,
        }
    }

    /// Waits; returns `false` at once if no wait is left, or no time after the wait.
    pub async fn next(&mut self) -> bool {
        let whole = FIRST.saturating_mul(1 << self.count.min(10)).min(LONGEST);
        let cut = (self.platform.random() % 512) as u32;
        self.count += 1;
        let pause = whole - whole * cut / 1024;
        let left = self.until.saturating_sub(self.platform.now());
        if pause >= left || self.count > COUNT_MAX {
            return false;
        }
        self.platform.sleep(pause).await;
        true
    }
}
