//! Renews targets: extends their lifetime.

use std::slice::from_mut;
use std::time::Duration;

use super::Provisioner;
use crate::ages::{self, RENEWED_BEFORE};
use crate::docker::target::{State, Target};
use crate::docker::{TargetId, label};
use crate::error::{Error, TargetError};
use crate::fault::Fault;
use crate::platform::Platform;

/// The least gain for which a renewal is written. A caller that renews a target with each
/// request of its user then makes one change a minute.
const GAIN_MIN: Duration = Duration::from_secs(60);

impl<P: Platform> Provisioner<'_, P> {
    /// Extends a target's life to `lifetime` from now. Never shortens it, and never exceeds
    /// the longest lifetime that its environment had at its create. A target of a version
    /// that did not note this keeps its lifetime.
    pub async fn renew(&self, id: &TargetId, lifetime: Duration) -> Result<Target, Error> {
        let mut target = self.found(id).await?;
        match target.state {
            State::Running | State::Unknown if !target.is_unanswered() => {}
            State::Running | State::Unknown | State::Created | State::Starting => {
                return Err(TargetError::InProgress.into());
            }
            State::Stopping | State::Removing | State::Ended | State::Dead => {
                return Err(TargetError::RenewedTooLate(id.clone()).into());
            }
        }
        let age = target
            .age
            .ok_or_else(|| Fault::Nonsense("a list without a date".to_owned()))?;
        self.backend.add_renewals(from_mut(&mut target)).await?;
        let present = ages::lifetime(&target, self.config.max_lifetime);
        if present.saturating_sub(age) < RENEWED_BEFORE {
            return Err(TargetError::RenewedTooLate(id.clone()).into());
        }
        let longest = target.label_seconds(label::MAX_RENEWED).unwrap_or(present);
        let wanted = age.saturating_add(lifetime).min(longest);
        if wanted >= present.saturating_add(GAIN_MIN) {
            target.renewed = self
                .backend
                .renew(&target, wanted)
                .await?
                .ok_or_else(|| TargetError::RenewedTooLate(id.clone()))?;
        }
        self.add_hosts(from_mut(&mut target)).await;
        Ok(target)
    }
}
