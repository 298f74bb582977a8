//! The create of a start: the refusals by the variables and the Engine, and the pull of a
//! missing image.

use super::{Provisioner, capacity};
use crate::attempt::Attempt;
use crate::config::{TokenDelivery, is_read_by};
use crate::container::is_reserved_variable;
use crate::docker::archive::SecretFile;
use crate::docker::create::Outcome;
use crate::docker::image;
use crate::docker::list::listed_bytes;
use crate::docker::{ImageReference, TargetId};
use crate::error::{EngineError, Error, OrderError};
use crate::fault::Fault;
use crate::key::KeyKind;
use crate::platform::Platform;
use crate::pull::pull;

/// The most bytes of an order's environment on a Swarm. Each list repeats it, once for
/// the task and twice for the service.
const SWARM_ENV_BYTES_MAX: usize = 4 * 1024;

/// The most bytes that a chosen image adds to a list, which repeats them for each of its
/// targets. A thousandth part of a list then fits into a reply.
const IMAGE_BYTES_MAX: usize = 64 * 1024;

/// Why no container is known after a create.
pub(super) enum Unmade {
    /// The name is taken, in the Engine's words.
    NameTaken(String),
    /// The variables or the Engine do not allow it, and a retry would fail the same way.
    /// A target of an earlier start may run all the same.
    Refused(Error),
    /// The container may exist, although the call has failed.
    Unclear(Error),
}

impl<P: Platform> Provisioner<'_, P> {
    /// Creates the container of an attempt. Returns its id, and the Engine's warnings about
    /// options that it left out. An error means that the create was not made, and that a
    /// look would fail in the same way.
    pub(super) async fn make(
        &self,
        attempt: &Attempt<'_>,
    ) -> Result<Result<(TargetId, Vec<String>), Unmade>, Error> {
        let outcome = match self.create(attempt).await {
            Ok(outcome) => outcome,
            Err(refusal) => return Ok(Err(Unmade::Refused(refusal))),
        };
        Ok(Err(match outcome {
            Ok(Outcome::Created { id, warnings }) => return Ok(Ok((id, warnings))),
            Ok(Outcome::NameTaken(words)) => Unmade::NameTaken(words),
            Ok(Outcome::NoSuchImage) => Unmade::Refused(Error::Engine(EngineError::NoSuchImage(
                attempt.image.clone(),
            ))),
            Ok(Outcome::NoSuchNetwork(named)) => Unmade::Refused(attempt.no_such_network(named)),
            Err(fault @ (Fault::EngineError { .. } | Fault::Leaderless { .. }))
                if fault.is_without_effect() =>
            {
                Unmade::Refused(fault.into())
            }
            Err(fault) if fault.is_without_effect() => return Err(fault.into()),
            Err(fault) => Unmade::Unclear(fault.into()),
        }))
    }

    /// Creates the container if the order and its image are allowed, and pulls the image
    /// once if that is missing.
    async fn create(&self, attempt: &Attempt<'_>) -> Result<Result<Outcome, Fault>, Error> {
        self.check_order(attempt)?;
        self.check_chosen_image(attempt).await?;
        let outcome = self.backend.create(attempt).await;
        if outcome != Ok(Outcome::NoSuchImage) {
            return Ok(outcome);
        }
        self.check_room(attempt).await?;
        let engine = self.backend.engine.until(self.budget.pull_until);
        pull(&engine, attempt.image).await?;
        self.check_chosen_image(attempt).await?;
        Ok(self.backend.create(attempt).await)
    }

    /// Checks that there is room for one more target, before the pull of its image: that
    /// takes long, and fills the Engine's disk.
    async fn check_room(&self, attempt: &Attempt<'_>) -> Result<(), Error> {
        let live = self.backend.list().await?;
        Ok(capacity::check(attempt, self.config, &live, 1)?)
    }

    fn check_order(&self, attempt: &Attempt<'_>) -> Result<(), Error> {
        let Attempt { order, profile, .. } = attempt;
        let is_allowed = |url| profile.service_urls.allow(url);
        if !order.service_url.as_deref().is_none_or(is_allowed) {
            return Err(OrderError::ServiceUrlNotAllowed.into());
        }
        if order
            .lifetime
            .is_some_and(|lifetime| lifetime > profile.max_lifetime)
        {
            return Err(OrderError::LifetimeTooLong(profile.max_lifetime).into());
        }
        // An order for files must not get them in the environment instead.
        let is_env = self.config.token_delivery == TokenDelivery::Env;
        if is_env && order.key.kind() == KeyKind::IdempotencyKey {
            return Err(OrderError::SecretsNeedFiles.into());
        }
        let is_empty = |secret: &SecretFile| secret.content.expose().is_empty();
        // A Swarm takes none (swarmkit, `validateSecretSpec`).
        if self.backend.has_nodes() && order.secrets.iter().any(is_empty) {
            return Err(OrderError::EmptySecret.into());
        }
        Ok(self.check_choices(attempt)?)
    }

    /// Checks a chosen image before its container is in any list. `/health` has checked
    /// all other images. A Swarm's managers do not know the images of the nodes.
    async fn check_chosen_image(&self, attempt: &Attempt<'_>) -> Result<(), Error> {
        let Attempt { order, profile, .. } = attempt;
        let image = order.image.as_ref().filter(|_| !self.backend.has_nodes());
        let Some(image) = image else {
            return Ok(());
        };
        let Some(found) = self.backend.engine.send(image::inspect(image)).await? else {
            return Ok(());
        };
        let is_read =
            |secret: &SecretFile| is_read_by(attempt.owner_of(secret), &found.user) != Some(false);
        let has_its_user = profile.body.user().is_empty();
        if has_its_user && !order.secrets.iter().all(is_read) {
            return Err(OrderError::NotAllowed(
                "The image runs as a user who cannot read the secrets. Give each secret its owner.",
            )
            .into());
        }
        if found.listed_bytes > IMAGE_BYTES_MAX {
            return Err(OrderError::NotAllowed(
                "The labels, entrypoint and command of the image may have at most 64 KiB.",
            )
            .into());
        }
        Ok(())
    }

    fn check_choices(&self, attempt: &Attempt<'_>) -> Result<(), OrderError> {
        let Attempt { order, profile, .. } = attempt;
        let (choosable, env) = (&profile.choosable, &order.env);
        let has_name = |is: &dyn Fn(&str) -> bool| {
            let mut named = env.iter().filter_map(|entry| entry.split_once('='));
            named.any(|(name, _)| is(name))
        };
        let is_swarm = self.backend.has_nodes();
        let bytes: usize = env.iter().map(|entry| listed_bytes(entry)).sum();
        let has = |test: &dyn Fn(&ImageReference) -> bool| order.image.as_ref().is_some_and(test);
        let problem = if !env.is_empty() && !choosable.env {
            "This environment does not allow env."
        } else if has_name(&is_reserved_variable) {
            "env has a name that is reserved: one that this server sets, or one that changes which programs and libraries are loaded."
        } else if has_name(&|name| profile.body.sets_variable(name)) {
            "env has a name that this environment sets for all targets."
        } else if is_swarm && bytes > SWARM_ENV_BYTES_MAX {
            "env may have at most 4 KiB of JSON on a Swarm."
        } else if is_swarm && env.iter().any(|entry| entry.contains("{{")) {
            // A Swarm expands templates there (swarmkit, `template.ExpandContainerSpec`).
            "env must not have a value with {{ on a Swarm."
        } else if !order.choices.command.is_empty() && !choosable.command {
            "This environment does not allow command."
        } else if has(&|image| !choosable.has_image(image)) {
            "This environment does not allow the image."
        } else if is_swarm && has(&|image| !image.is_pinned()) {
            "image must have a digest on a Swarm."
        } else if !order.choices.resources.are_within(choosable.max) {
            "resources exceed what this environment allows."
        } else {
            let guarded = |problems: &Vec<_>| OrderError::Guarded(problems.join("; "));
            return attempt.body.as_ref().map(|_| ()).map_err(guarded);
        };
        Err(OrderError::NotAllowed(problem))
    }
}
