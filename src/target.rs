//! What a webhook does to containers: the order of calls, the clean-up, and
//! every decision between them.
//!
//! Knows no HTTP of the caller's; the Engine's is in [`crate::docker`].

use crate::budget::Budget;
use crate::config::Config;
use crate::docker::create::{Container, Created};
use crate::docker::image::Image;
use crate::docker::remove::Removed;
use crate::docker::{ContainerId, ContainerName};
use crate::engine::{Engine, Fault};
use crate::error::Error;
use crate::platform::Platform;
use crate::secret::Secret;

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
    /// What the operator has set.
    pub config: &'a Config,
    /// The Engine, until the end of the work.
    pub engine: Engine<'a, P>,
    /// The end of the work, and of the clean-up.
    pub budget: Budget,
}

impl<P: Platform> Targets<'_, P> {
    /// Makes and starts the container of `order`.
    ///
    /// # Errors
    ///
    /// Whatever kept it from running; nothing of it is left then, unless the
    /// Engine could not be reached to remove it.
    pub async fn start(&self, order: &StartOrder) -> Result<Started, Error> {
        let name = ContainerName::from_token(&self.config.deployment_id, &order.activation_token);
        let container = Container {
            name: &name,
            deployment: &self.config.deployment_id,
            image: &self.config.agent_image,
            env: &[
                format!("SERVICE_URL={}", order.service_url),
                format!("ACTIVATION_TOKEN={}", order.activation_token.expose()),
                format!("ENVIRONMENT_ID={}", order.environment_id),
            ],
        };
        match self.engine.create(&container).await? {
            Created::NameTaken => Err(Error::InProgress),
            Created::NoSuchImage => Err(Error::NoSuchImage(self.config.agent_image.to_string())),
            Created::Created { id, warnings } => match self.engine.start(&id).await {
                Ok(()) => Ok(Started { id, warnings }),
                Err(fault) => {
                    self.clean_up(&id).await;
                    Err(fault.into())
                }
            },
        }
    }

    /// Removes a container whose start has failed, unless it runs after all.
    ///
    /// Whether that succeeds does not change the answer: the start failed.
    async fn clean_up(&self, id: &ContainerId) {
        let engine = self.engine.until(self.budget.answer_until);
        let _: Result<Removed, Fault> = engine.remove(id).await;
    }

    /// Removes the container `id`; a success when it is gone already.
    ///
    /// # Errors
    ///
    /// [`Error::NotOurs`], with the container untouched, or whatever kept it
    /// from being removed.
    pub async fn stop(&self, id: &ContainerId) -> Result<(), Error> {
        match self.engine.find_by_id(id).await? {
            None => Ok(()),
            Some(container) if !container.is_of(&self.config.deployment_id) => {
                Err(Error::NotOurs(id.clone()))
            }
            Some(_) => match self.engine.kill_and_remove(id).await? {
                Removed::Gone => Ok(()),
                Removed::Declined => Err(Error::InProgress),
            },
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
