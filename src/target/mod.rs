//! What a webhook does to containers: the order of calls, the clean-up, and
//! every decision between them.
//!
//! Knows no HTTP of the caller's; the Engine's is in [`crate::docker`]. The
//! longest story, `start`, has a file of its own, and so has what is left when
//! it fails.

mod clean_up;
mod room;
mod start;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::budget::Budget;
use crate::config::Config;
use crate::docker::ContainerId;
use crate::docker::image::Image;
use crate::docker::list::State;
use crate::docker::remove::Removed;
use crate::engine::Engine;
use crate::error::Error;
use crate::pauses::Pauses;
use crate::platform::Platform;
use crate::pull::may_be_pulled;
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
        let mut grace = self.config.stop_grace;
        loop {
            // It is granted once, however often the removal is tried.
            let grace = std::mem::take(&mut grace);
            let cause = match self.stop_once(id, grace).await {
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

    async fn stop_once(&self, id: &ContainerId, grace: Duration) -> Result<Removed, Error> {
        let Some(container) = self.engine.find_by_id(id).await? else {
            return Ok(Removed::Gone);
        };
        if !container.is_of(&self.config.deployment_id) {
            return Err(Error::NotOurs(id.clone()));
        }
        if container.state == State::Running && !grace.is_zero() {
            // The grace is a courtesy: what comes of it changes nothing.
            let _ = self.engine.stop(id, grace).await;
        }
        Ok(self.engine.kill_and_remove(id).await?)
    }

    /// Looks whether the next start can work: whether every image and every
    /// network that a target may need is there, which proves the Engine too.
    ///
    /// # Errors
    ///
    /// [`Error::Unhealthy`], which holds what the next start would fail with.
    pub async fn health(&self) -> Result<(), Error> {
        let sound = async {
            for image in self.config.profiles.images() {
                if self.engine.image(image).await? == Image::Absent {
                    return Err(if may_be_pulled(self.config, image) {
                        Error::ImageBeingPulled(image.clone())
                    } else {
                        Error::NoSuchImage(image.clone())
                    });
                }
            }
            for network in self.config.profiles.networks() {
                if !self.engine.network(network).await? {
                    return Err(Error::NoSuchNetwork(network.to_owned()));
                }
            }
            Ok(())
        };
        sound
            .await
            .map_err(|cause| Error::Unhealthy(Box::new(cause)))
    }
}
