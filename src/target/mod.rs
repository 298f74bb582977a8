//! What a webhook does to containers: the order of calls, the clean-up, and
//! every decision between them.
//!
//! Knows no HTTP of the caller's; the Engine's is in [`crate::docker`]. The
//! longest story, `start`, has a file of its own.

mod start;
#[cfg(test)]
mod tests;

use crate::budget::Budget;
use crate::config::Config;
use crate::docker::ContainerId;
use crate::docker::image::Image;
use crate::docker::remove::Removed;
use crate::engine::Engine;
use crate::error::Error;
use crate::pauses::Pauses;
use crate::platform::Platform;
use crate::secret::Secret;

/// How many failures of the Engine one part of a webhook sits out. Three in
/// a row are no accident, and the caller tries again too.
const FAULTS_MAX: u32 = 3;

/// What `/start` asks for.
#[derive(Debug)]
pub struct StartOrder {
    /// Where the agent registers.
    pub service_url: String,
    /// What the agent registers with, once.
    pub activation_token: Secret,
    /// Where in the organisation the target belongs.
    pub environment_id: String,
}

/// A target that runs.
#[derive(Debug)]
pub struct Started {
    /// Its container.
    pub id: ContainerId,
    /// What the Engine left out of the container's configuration.
    pub warnings: Vec<String>,
}

/// Webhooks, done to one Engine for one deployment.
#[derive(Debug)]
pub struct Targets<'a, P> {
    /// Sleep and randomness.
    pub platform: &'a P,
    /// What the operator has set.
    pub config: &'a Config,
    /// The Engine, until the end of the work.
    pub engine: Engine<'a, P>,
    /// The end of the work, and of the clean-up.
    pub budget: Budget,
}

impl<P: Platform> Targets<'_, P> {
    /// Removes the container `id`; a success when it is gone already.
    ///
    /// Every answer that leaves the outcome open is settled by a look.
    ///
    /// # Errors
    ///
    /// [`Error::NotOurs`], with the container untouched, or whatever kept it
    /// from being removed.
    pub async fn stop(&self, id: &ContainerId) -> Result<(), Error> {
        let mut pauses = Pauses::new(self.platform, self.budget.work_until);
        let mut faults = 0;
        loop {
            let cause = match self.stop_once(id).await {
                Ok(Removed::Gone) => return Ok(()),
                Ok(Removed::Declined) => Error::RemovalInProgress,
                Err(error) if faults + 1 == FAULTS_MAX || !error.may_pass() => return Err(error),
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

    async fn stop_once(&self, id: &ContainerId) -> Result<Removed, Error> {
        match self.engine.find_by_id(id).await? {
            None => Ok(Removed::Gone),
            Some(container) if !container.is_of(&self.config.deployment_id) => {
                Err(Error::NotOurs(id.clone()))
            }
            Some(_) => Ok(self.engine.kill_and_remove(id).await?),
        }
    }

    /// Looks whether the next start can work: the agent image is looked up,
    /// which proves both it and the Engine in one call.
    ///
    /// # Errors
    ///
    /// [`Error::Unhealthy`], which holds what the next start would fail with.
    pub async fn health(&self) -> Result<(), Error> {
        let image = &self.config.agent_image;
        let cause = match self.engine.image(image).await {
            Ok(Image::Present) => return Ok(()),
            Ok(Image::Absent) => Error::NoSuchImage(image.to_string()),
            Err(fault) => fault.into(),
        };
        Err(Error::Unhealthy(Box::new(cause)))
    }
}
