//! `/health`: whether the next start can work.

use super::Provisioner;
use crate::config::{TokenDelivery, is_read_by};
use crate::docker::image::{self, Image};
use crate::docker::swarm::node::Node;
use crate::docker::swarm::template;
use crate::docker::{ImageReference, network};
use crate::error::{EngineError, Error, SwarmError};
use crate::platform::Platform;
use crate::pull::pull;

impl<P: Platform> Provisioner<'_, P> {
    /// Checks that every image and network that a target may need is there, and that each
    /// image runs as a user who can read the token. Pulls a missing image if that is
    /// permitted. This also proves that the Engine answers.
    ///
    /// Returns notes for the operator about problems that do not make a start fail.
    pub async fn health(&self) -> Result<Vec<String>, Error> {
        self.check()
            .await
            .map_err(|cause| Error::Unhealthy(Box::new(cause)))
    }

    async fn check(&self) -> Result<Vec<String>, Error> {
        let mut notes = if self.backend.has_nodes() {
            self.check_nodes().await?.into_iter().collect()
        } else {
            self.check_images().await?
        };
        notes.extend(self.check_networks().await?);
        Ok(notes)
    }

    /// Checks that, for every profile, some node may run the next target, and that this
    /// node and the managers know all of its options.
    async fn check_nodes(&self) -> Result<Option<String>, Error> {
        let nodes = self.backend.nodes().await?;
        for profile in self.config.profiles.all() {
            let permits_managers = profile.body.permits_managers();
            // A node whose state is not known yet is ready or down within seconds.
            let can_run = |node: &Node| {
                node.takes_tasks != Some(false) && (node.is_worker || permits_managers)
            };
            if !nodes.iter().any(can_run) {
                return Err(SwarmError::NoNodes.into());
            }
            // Every manager reads and writes services, wherever their tasks run.
            let handles = |node: &&Node| !node.is_worker || can_run(node);
            let handling = nodes.iter().filter(handles);
            if let Some(detail) = template::too_old(handling, profile.body.value()) {
                return Err(SwarmError::NodeTooOld(detail).into());
            }
        }
        let managers = nodes.iter().filter(|node| !node.is_worker);
        let mut versions: Vec<_> = managers.map(|node| &*node.engine).collect();
        versions.sort_unstable();
        versions.dedup();
        Ok((versions.len() > 1).then(|| {
            format!(
                "the managers of the Swarm have different versions of Docker ({}); finish the upgrade, and set no option of targets that only some of them know",
                versions.join(", ")
            )
        }))
    }

    async fn check_images(&self) -> Result<Vec<String>, Error> {
        let engine = self.backend.engine;
        let mut notes = Vec::new();
        for image in self.config.profiles.images() {
            let found = match engine.send(image::inspect(image)).await? {
                Some(found) => Some(found),
                None => {
                    // Within this check's own time: it then reports what the registry
                    // says, because nothing is remembered about a pull.
                    let engine = engine.until(self.budget.pull_until);
                    pull(&engine, image).await?;
                    engine.send(image::inspect(image)).await?
                }
            };
            let found = found.ok_or_else(|| EngineError::NoSuchImage(image.clone()))?;
            notes.extend(self.check_user(image, found)?);
        }
        Ok(notes)
    }

    async fn check_networks(&self) -> Result<Vec<String>, Error> {
        let engine = self.backend.engine;
        let mut notes = Vec::new();
        for name in self.config.profiles.networks() {
            let network = engine.send(network::find(name)).await?;
            let network = network.ok_or_else(|| EngineError::NoSuchNetwork(name.to_owned()))?;
            if !self.backend.has_nodes() && !network.isolates {
                notes.push(format!(
                    "the network {name} lets targets reach each other: it was created without com.docker.network.bridge.enable_icc=false, or the Engine, like Podman, ignores that option"
                ));
            }
        }
        Ok(notes)
    }

    /// Checks that an image runs as a user who can read the token's file, unless the
    /// configuration sets the user, which is then checked with the variables.
    ///
    /// Returns a note if the image's user has a name: only the image knows its number.
    fn check_user(&self, image: &ImageReference, found: Image) -> Result<Option<String>, Error> {
        if self.config.token_delivery == TokenDelivery::Env {
            return Ok(None);
        }
        let mut note = None;
        let profiles = self.config.profiles.all();
        for profile in profiles.filter(|profile| profile.image == *image) {
            let owner = profile.secret_owner;
            match is_read_by(owner, &found.user) {
                _ if !profile.body.user().is_empty() => {}
                Some(true) => {}
                Some(false) => {
                    return Err(EngineError::TokenUnreadable {
                        image: image.clone(),
                        user: found.user,
                        owner,
                    }
                    .into());
                }
                None => {
                    note = Some(format!(
                        "{image} runs as the user {}, and only its files show whether that is secret_owner",
                        found.user
                    ));
                }
            }
        }
        Ok(note)
    }
}
