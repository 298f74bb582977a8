//! `/stop`: a success means that the container is gone.

use std::time::Duration;

use super::{FAULTS_MAX, Provisioner};
use crate::docker::TargetId;
use crate::docker::remove::Removed;
use crate::docker::target::{State, Target};
use crate::error::{EngineError, Error, TargetError};
use crate::fault::Fault;
use crate::pauses::Pauses;
use crate::platform::Platform;

impl<P: Platform> Provisioner<'_, P> {
    /// Removes the container `id`, and returns it as it was; also succeeds if it is
    /// already gone.
    ///
    /// Does not touch a container that is not ours. A look settles every reply that leaves
    /// the outcome open.
    pub async fn stop(&self, id: &TargetId) -> Result<Option<Target>, Error> {
        if !self.backend.gives_out(id) {
            return Err(TargetError::NotOurs(id.clone()).into());
        }
        let mut pauses = Pauses::new(self.platform, self.budget.work_until);
        let mut tries = 0;
        let mut seen = None;
        let mut grace = self.config.stop_grace;
        let mut cause = None;
        loop {
            // The grace is granted once, however often the removal is tried.
            let grace = std::mem::take(&mut grace);
            let (found, removal) = match self.stop_once(id, grace).await {
                Ok(Some(once)) => once,
                Ok(None) => return Ok(seen),
                Err(error) => return Err(of_two(cause, error)),
            };
            seen = Some(found);
            let error = match removal {
                Ok(Removed::Done | Removed::Absent) => return Ok(seen),
                Ok(Removed::Ending | Removed::Declined) => {
                    Error::Target(TargetError::RemovalInProgress)
                }
                Err(fault) => {
                    tries += 1;
                    let error = Error::from(fault);
                    if tries == FAULTS_MAX || !error.is_transient() {
                        return Err(error);
                    }
                    error
                }
            };
            if !pauses.next().await {
                return Err(of_two(cause, error));
            }
            cause = Some(error);
        }
    }

    /// Removes the container once; `None` if it is not there.
    async fn stop_once(
        &self,
        id: &TargetId,
        grace: Duration,
    ) -> Result<Option<(Target, Result<Removed, Fault>)>, Error> {
        let Some(container) = self.backend.find_by_id(id).await? else {
            return Ok(None);
        };
        if !container.is_of(&self.config.deployment_id) {
            return Err(TargetError::NotOurs(id.clone()).into());
        }
        if container.state == State::Running && !grace.is_zero() {
            // The grace is a courtesy: its outcome changes nothing.
            let _ = self.backend.stop(id, grace).await;
        }
        let removed = self.backend.kill_and_remove(&container).await;
        Ok(Some((container, removed)))
    }
}

/// The error of the last of two tries, unless it only ran out of time: the one before then
/// says more.
fn of_two(before: Option<Error>, last: Error) -> Error {
    match (before, &last) {
        (Some(before), Error::Engine(EngineError::OutOfTime(_))) => before,
        _ => last,
    }
}
