//! Sends the requests of [`crate::docker`] and reads the replies, each within
//! a deadline, and notes what was sent for the log.
//!
//! Decides nothing: what to do about a [`Fault`] is for [`crate::target`].

mod call;

use std::cell::RefCell;
use std::time::Duration;

use crate::budget::{CHANGE, LOOK_UP};
use crate::config::Config;
use crate::docker::create::{self, Container, Created};
use crate::docker::image::{self, Image};
use crate::docker::inspect::{self, Ended};
use crate::docker::list::{self, Listed};
use crate::docker::pull::{self, Pulled};
use crate::docker::remove::{self, Removed};
use crate::docker::{
    ContainerId, ContainerName, DeploymentId, ImageReference, archive, network, start, stop,
};
use crate::fault::Fault;
use crate::platform::{Keep, Platform};
use crate::record::Calls;
use crate::secret::Secret;

/// An Engine, for as long as one part of one webhook lasts.
#[derive(Debug)]
pub struct Engine<'a, P> {
    platform: &'a P,
    config: &'a Config,
    calls: &'a RefCell<Calls>,
    until: Duration,
}

// Derived, they would ask the same of `P`.
impl<P> Clone for Engine<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<P> Copy for Engine<'_, P> {}

impl<'a, P: Platform> Engine<'a, P> {
    /// The Engine that `config` names, used no longer than `until`.
    pub fn new(
        platform: &'a P,
        config: &'a Config,
        calls: &'a RefCell<Calls>,
        until: Duration,
    ) -> Self {
        Self {
            platform,
            config,
            calls,
            until,
        }
    }

    /// The same Engine, used until another moment.
    pub fn until(self, until: Duration) -> Self {
        Self { until, ..self }
    }

    /// Makes a container; see [`create::created`].
    ///
    /// # Errors
    ///
    /// See [`Fault`].
    pub async fn create(&self, container: &Container<'_>) -> Result<Created, Fault> {
        let reply = self.call("create", create::create(container), CHANGE);
        create::created(&reply.await?)
    }

    /// Gives a container that is not started its token; see
    /// [`archive::written`].
    ///
    /// # Errors
    ///
    /// See [`Fault`].
    pub async fn write_token(&self, id: &ContainerId, token: &Secret) -> Result<(), Fault> {
        let reply = self.call("archive", archive::write_token(id, token), CHANGE);
        archive::written(&reply.await?)
    }

    /// Starts a container; see [`start::started`].
    ///
    /// # Errors
    ///
    /// See [`Fault`].
    pub async fn start(&self, id: &ContainerId) -> Result<(), Fault> {
        let reply = self.call("start", start::start(id), CHANGE);
        start::started(&reply.await?)
    }

    /// Removes a container unless it runs; see [`remove::removed`].
    ///
    /// # Errors
    ///
    /// See [`Fault`].
    pub async fn remove(&self, id: &ContainerId) -> Result<Removed, Fault> {
        let reply = self.call("remove", remove::remove(id), CHANGE);
        remove::removed(&reply.await?)
    }

    /// Lets a container end by itself within `grace`, and kills it then; see
    /// [`stop::stopped`].
    ///
    /// # Errors
    ///
    /// See [`Fault`].
    pub async fn stop(&self, id: &ContainerId, grace: Duration) -> Result<(), Fault> {
        let reply = self.call("stop", stop::stop(id, grace), grace + LOOK_UP);
        stop::stopped(&reply.await?)
    }

    /// Kills and removes a container; see [`remove::removed`].
    ///
    /// # Errors
    ///
    /// See [`Fault`].
    pub async fn kill_and_remove(&self, id: &ContainerId) -> Result<Removed, Fault> {
        let reply = self.call("kill", remove::kill_and_remove(id), CHANGE);
        remove::removed(&reply.await?)
    }

    /// The container of that id, if there is one.
    ///
    /// # Errors
    ///
    /// See [`Fault`].
    pub async fn find_by_id(&self, id: &ContainerId) -> Result<Option<Listed>, Fault> {
        let reply = self.call("list", list::list_by_id(id), LOOK_UP);
        let listed = list::listed(&reply.await?)?;
        Ok(listed.into_iter().find(|container| container.id == *id))
    }

    /// The container of that name, if there is one.
    ///
    /// # Errors
    ///
    /// See [`Fault`].
    pub async fn find_by_name(&self, name: &ContainerName) -> Result<Option<Listed>, Fault> {
        let reply = self.call("list", list::list_by_name(name), LOOK_UP);
        let listed = list::listed(&reply.await?)?;
        Ok(listed
            .into_iter()
            .find(|container| container.has_name(name.as_str())))
    }

    /// The containers of a deployment, or of one share of it, the youngest
    /// first.
    ///
    /// # Errors
    ///
    /// See [`Fault`].
    pub async fn list(
        &self,
        deployment: &DeploymentId,
        share: Option<&str>,
    ) -> Result<Vec<Listed>, Fault> {
        let request = list::list_by_deployment(deployment, share);
        let reply = self.call("list", request, LOOK_UP);
        list::listed_of(&reply.await?, deployment)
    }

    /// [`Engine::list`] and [`Engine::write_token`] side by side.
    ///
    /// # Errors
    ///
    /// See [`Fault`], for each of the two.
    pub async fn list_and_write_token(
        &self,
        deployment: &DeploymentId,
        share: Option<&str>,
        id: &ContainerId,
        token: &Secret,
    ) -> (Result<Vec<Listed>, Fault>, Result<(), Fault>) {
        let [list, archive] = self
            .call_both(
                ("list", list::list_by_deployment(deployment, share), LOOK_UP),
                ("archive", archive::write_token(id, token), CHANGE),
            )
            .await;
        (
            list.and_then(|reply| list::listed_of(&reply, deployment)),
            archive.and_then(|reply| archive::written(&reply)),
        )
    }

    /// How a container has ended; `None` if it is gone.
    ///
    /// # Errors
    ///
    /// See [`Fault`].
    pub async fn inspect(&self, id: &ContainerId) -> Result<Option<Ended>, Fault> {
        let reply = self.call("inspect", inspect::inspect(id), LOOK_UP);
        inspect::inspected(&reply.await?)
    }

    /// Whether an image is there.
    ///
    /// # Errors
    ///
    /// See [`Fault`].
    pub async fn image(&self, image: &ImageReference) -> Result<Image, Fault> {
        let reply = self.call("image", image::inspect(image), LOOK_UP);
        image::inspected(&reply.await?)
    }

    /// Has the Engine pull an image, for as long as it is used; see
    /// [`pull::pulled`].
    ///
    /// # Errors
    ///
    /// See [`Fault`].
    pub async fn pull(
        &self,
        image: &ImageReference,
        registry_auth: Option<&Secret>,
    ) -> Result<Pulled, Fault> {
        let request = pull::pull(image, registry_auth);
        let reply = self.call_and_keep("pull", request, Duration::MAX, Keep::End);
        pull::pulled(&reply.await?)
    }

    /// Whether a network is there.
    ///
    /// # Errors
    ///
    /// See [`Fault`].
    pub async fn network(&self, name: &str) -> Result<bool, Fault> {
        let reply = self.call("network", network::inspect(name), LOOK_UP);
        network::inspected(&reply.await?, name)
    }
}
