//! The operations on one Engine: each is one call.

use std::time::Duration;

use serde_json::Value;

use super::Scheduler;
use crate::docker::archive::{self, SecretFile};
use crate::docker::inspect::{self, Ended};
use crate::docker::list::{self, Listed, Survey};
use crate::docker::remove::{self, Removed};
use crate::docker::{ContainerId, ContainerName, create, start, stop};
use crate::fault::Fault;
use crate::platform::Platform;

impl<P: Platform> Scheduler<'_, P> {
    /// Creates a target that does not run yet. Its name is given once.
    ///
    /// # Errors
    ///
    /// See [`create::create`].
    pub async fn create(
        &self,
        name: &ContainerName,
        body: &Value,
    ) -> Result<create::Outcome, Fault> {
        self.engine.send(create::create(name, body)).await
    }

    /// Gives a target that does not run yet its secrets.
    ///
    /// # Errors
    ///
    /// See [`archive::write_secrets`].
    pub async fn write_secrets(
        &self,
        id: &ContainerId,
        secrets: &[SecretFile],
    ) -> Result<(), Fault> {
        self.engine.send(archive::write_secrets(id, secrets)).await
    }

    /// Starts a target. Only the attempt that created it does this.
    ///
    /// # Errors
    ///
    /// See [`start::start`].
    pub async fn start(&self, id: &ContainerId) -> Result<start::Outcome, Fault> {
        self.engine.send(start::start(id)).await
    }

    /// Finds the target of that id, whatever its state.
    ///
    /// # Errors
    ///
    /// Any reply that is not a list.
    pub async fn find_by_id(&self, id: &ContainerId) -> Result<Option<Listed>, Fault> {
        self.engine.send(list::find_by_id(id)).await
    }

    /// Finds the target of that name, whatever its state.
    ///
    /// # Errors
    ///
    /// Any reply that is not a list.
    pub async fn find_by_name(&self, name: &ContainerName) -> Result<Option<Listed>, Fault> {
        self.engine.send(list::find_by_name(name)).await
    }

    /// Lists the targets of this deployment, the youngest first.
    ///
    /// # Errors
    ///
    /// Any reply that is not a list.
    pub async fn list(&self) -> Result<Vec<Listed>, Fault> {
        Ok(self.survey().await?.containers)
    }

    /// Lists likewise, and notes who has answered and when.
    ///
    /// # Errors
    ///
    /// Any reply that is not a list.
    pub async fn survey(&self) -> Result<Survey, Fault> {
        let deployment = &self.config.deployment_id;
        self.engine.send(list::survey(deployment)).await
    }

    /// How a target that does not run any more has ended; `None` if it is gone.
    ///
    /// # Errors
    ///
    /// See [`inspect::inspect`].
    pub async fn ended(&self, id: &ContainerId) -> Result<Option<Ended>, Fault> {
        self.engine.send(inspect::inspect(id)).await
    }

    /// Asks a target to end, and kills it after `grace`.
    ///
    /// # Errors
    ///
    /// See [`stop::stop`].
    pub async fn stop(&self, id: &ContainerId, grace: Duration) -> Result<(), Fault> {
        self.engine.send(stop::stop(id, grace)).await
    }

    /// Removes a target unless it runs.
    ///
    /// # Errors
    ///
    /// See [`remove::remove`].
    pub async fn remove(&self, id: &ContainerId) -> Result<Removed, Fault> {
        self.engine.send(remove::remove(id)).await
    }

    /// Kills and removes a target.
    ///
    /// # Errors
    ///
    /// See [`remove::kill_and_remove`].
    pub async fn kill_and_remove(&self, id: &ContainerId) -> Result<Removed, Fault> {
        self.engine.send(remove::kill_and_remove(id)).await
    }
}
