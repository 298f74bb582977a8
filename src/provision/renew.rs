//! Renews targets: they run longer than they were to.

use std::slice::from_mut;
use std::time::Duration;

use super::Provisioner;
use crate::ages::{self, RENEWED_BEFORE};
use crate::docker::target::{State, Target};
use crate::docker::{TargetId, label};
use crate::error::{Error, TargetError};
use crate::fault::Fault;
use crate::platform::Platform;

/// The least that a renewal is written for. Whoever renews a target with each request of
/// its user then makes one change a minute.
const GAIN_MIN: Duration = Duration::from_secs(60);

impl<P: Platform> Provisioner<'_, P> {
    /// Lets a target run for `lifetime` from now on: never shorter than before, and never
    /// beyond the longest lifetime of its environment, as that was at its create. One of a
    /// version that did not note it keeps its lifetime.
    ///
    /// # Errors
    ///
    /// [`TargetError::NoSuchTarget`], also for a container that is not ours,
    /// [`TargetError::RenewedTooLate`], or whatever kept it from being renewed.
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
        let wanted = (age + lifetime).min(longest);
        if wanted >= present + GAIN_MIN {
            if !self.backend.renew(&target, wanted).await? {
                return Err(TargetError::RenewedTooLate(id.clone()).into());
            }
            target.renewed = wanted;
        }
        self.add_hosts(from_mut(&mut target)).await;
        Ok(target)
    }
}
