//! `/stop`: a success means that the container is gone.

use std::time::Duration;

use super::{FAULTS_MAX, Provisioner};
use crate::docker::list::{self, State};
use crate::docker::remove::{self, Removed};
use crate::docker::{ContainerId, stop};
use crate::error::Error;
use crate::pauses::Pauses;
use crate::platform::Platform;

impl<P: Platform> Provisioner<'_, P> {
    /// Removes the container `id`; a success if it is gone already.
    ///
    /// Every reply that leaves the outcome open is settled by a look.
    ///
    /// # Errors
    ///
    /// [`Error::NotOurs`], with the container untouched, or whatever kept it
    /// from being removed.
    pub async fn stop(&self, id: &ContainerId) -> Result<(), Error> {
        let mut pauses = Pauses::new(self.platform, self.budget.work_until);
        let mut faults = 0;
        let mut grace = self.config.stop_grace;
        loop {
            // The grace is granted once, however often the removal is tried.
            let grace = std::mem::take(&mut grace);
            let cause = match self.stop_once(id, grace).await {
                Ok(Removed::Gone) => return Ok(()),
                Ok(Removed::Declined) => Error::RemovalInProgress,
                Err(error) if faults + 1 == FAULTS_MAX || !error.is_transient() => {
                    return Err(error);
                }
                Err(error) => {
                    faults += 1;
                    error
                }
            };
            if !pauses.next().await {
                return Err(cause);
            }
        }
    }

    async fn stop_once(&self, id: &ContainerId, grace: Duration) -> Result<Removed, Error> {
        let Some(container) = self.engine.send(list::find_by_id(id)).await? else {
            return Ok(Removed::Gone);
        };
        if !container.is_of(&self.config.deployment_id) {
            return Err(Error::NotOurs(id.clone()));
        }
        if container.state == State::Running && !grace.is_zero() {
            // The grace is a courtesy: its outcome changes nothing.
            let _ = self.engine.send(stop::stop(id, grace)).await;
        }
        Ok(self.engine.send(remove::kill_and_remove(id)).await?)
    }
}
