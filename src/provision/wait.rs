//! Waits until a target is ready or has ended.

use std::time::Duration;

use super::Provisioner;
use crate::docker::TargetId;
use crate::error::{Error, TargetError};
use crate::platform::Platform;
use crate::target_view::{Awaited, ShownState, TargetView};

/// The pause between two looks. Instances share nothing, so each waiter looks on its own.
/// A look takes an Engine a few milliseconds.
const PAUSE: Duration = Duration::from_secs(1);

/// The time that a wait leaves before the answer: enough for its last look.
const LAST_LOOK: Duration = Duration::from_secs(1);

/// The most looks: more than fit into the time of a request, which is the real limit
/// unless the clock stands still.
const LOOKS_MAX: u32 = 32;

impl<P: Platform> Provisioner<'_, P> {
    /// Looks at a target until the wait is over or `timeout` has passed, and returns it
    /// as it is then. Repeats a failed look until that time.
    /// Ends as soon as the target is gone.
    pub async fn wait(
        &self,
        id: &TargetId,
        awaited: Awaited,
        timeout: Duration,
    ) -> Result<TargetView, Error> {
        let answer_until = self.budget.answer_until;
        let until = self.platform.now() + timeout;
        let until = until.min(answer_until.saturating_sub(LAST_LOOK));
        let late = Provisioner {
            backend: self.backend.until(answer_until),
            ..*self
        };
        let mut looks = 0;
        loop {
            let seen = late.found(id).await;
            let is_over = match &seen {
                Ok(found) => awaited.is_over(&TargetView::new(found, self.config)),
                Err(error) => *error == Error::Target(TargetError::NoSuchTarget),
            };
            let left = until.saturating_sub(self.platform.now());
            looks += 1;
            let is_last = left.is_zero() || looks >= LOOKS_MAX;
            if is_over || is_last {
                // Only now asks for renewals, addresses and the exit code.
                return Ok(late.shown(seen?).await);
            }
            self.platform.sleep(PAUSE.min(left)).await;
        }
    }

    /// Waits until a running target is ready or `timeout` has passed, and returns it as
    /// it is then. The target has run, so a failed wait is no error.
    pub async fn wait_until_ready(&self, started: TargetView, timeout: Duration) -> TargetView {
        if Awaited::Ready.is_over(&started) {
            return started;
        }
        match self.wait(&started.id, Awaited::Ready, timeout).await {
            Ok(target) => target,
            Err(Error::Target(TargetError::NoSuchTarget)) => TargetView {
                state: ShownState::Ended,
                ready: None,
                ..started
            },
            Err(_) => started,
        }
    }
}
