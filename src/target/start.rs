//! `/start`: at most one running container for a token, whatever fails.
//!
//! The container's name follows from the token, and the Engine gives a name
//! to one container at a time; so whoever is not sure what an Engine has done
//! looks for that name. Each attempt writes a label of its own: a container
//! that is only created is started by the attempt that created it and by no
//! other.

use super::room::Room;
use super::{FAULTS_MAX, StartOrder, Started, Targets};
use crate::budget::ABANDONED_AFTER;
use crate::config::TokenDelivery;
use crate::docker::create::{Container, Created, is_limit_dropped};
use crate::docker::list::State;
use crate::docker::remove::Removed;
use crate::docker::{ContainerId, ContainerName};
use crate::error::Error;
use crate::fault::Fault;
use crate::pauses::Pauses;
use crate::platform::Platform;
use crate::pull::pull;

/// What a look at the name shows this attempt.
enum Sight {
    /// The target runs.
    Runs(ContainerId),
    /// This attempt's container waits to be started.
    Mine(ContainerId),
    /// Another attempt is at work, or a removal.
    Busy,
    /// Another attempt has created a container and can no longer start it.
    Abandoned(ContainerId),
    /// No container has the name, or none yet.
    Nothing,
}

impl<P: Platform> Targets<'_, P> {
    /// Makes and starts the container of `order`, or finds it running.
    ///
    /// # Errors
    ///
    /// Whatever kept it from running. What this attempt has created is removed
    /// then, unless the Engine could not be reached to do so.
    pub async fn start(&self, order: &StartOrder) -> Result<Started, Error> {
        let profile = self.config.profiles.of(&order.environment_id);
        if !profile.service_urls.allow(&order.service_url) {
            return Err(Error::ServiceUrlNotAllowed);
        }
        let name = ContainerName::from_token(&self.config.deployment_id, &order.activation_token);
        let container = Container::new(self.config, &name, order, self.platform.random());
        let mut pauses = Pauses::new(self.platform, self.budget.work_until);
        let mut faults = 0;
        let mut has_pulled = false;
        loop {
            let cause = match self.engine.create(&container).await {
                Ok(Created::Created { id, warnings }) => {
                    return self.run(&container, id, warnings).await;
                }
                Ok(Created::NoSuchImage) if has_pulled => {
                    return Err(Error::NoSuchImage(profile.image.clone()));
                }
                Ok(Created::NoSuchImage) => {
                    let engine = self.engine.until(self.budget.pull_until);
                    pull(&engine, self.config, &profile.image).await?;
                    has_pulled = true;
                    continue;
                }
                Ok(Created::NameTaken) => Error::InProgress,
                // Nothing was made: there is nothing to look for.
                Err(fault) if fault.is_without_effect() => return Err(fault.into()),
                Err(fault) => {
                    faults += 1;
                    fault.into()
                }
            };
            let settled = self.settle(&container, &mut pauses, &cause).await;
            if settled.as_ref().is_err_and(Error::may_pass) {
                self.clean_up_unseen(&container).await;
            }
            match settled? {
                Sight::Runs(id) => return Ok(Started::already(id)),
                Sight::Mine(id) => return self.run(&container, id, Vec::new()).await,
                // An Engine that says of itself that it failed would again.
                _ if matches!(cause, Error::EngineFailed(Fault::Said { .. })) => return Err(cause),
                _ if faults == FAULTS_MAX || !pauses.next().await => return Err(cause),
                _ => {}
            }
        }
    }

    /// Looks at the name until something can be said for certain: that the
    /// target runs, that it is this attempt's to start, or that the name is
    /// free to be tried again.
    async fn settle(
        &self,
        container: &Container<'_>,
        pauses: &mut Pauses<'_, P>,
        cause: &Error,
    ) -> Result<Sight, Error> {
        let mut faults = 0;
        loop {
            match self.look(container).await {
                Ok(Sight::Busy) => {
                    if !pauses.next().await {
                        return Err(Error::InProgress);
                    }
                }
                Ok(Sight::Abandoned(id)) => {
                    // Without force: should it run after all, it stays, and
                    // the next look shows so.
                    let removed = self.engine.remove(&id).await;
                    let is_gone = matches!(removed, Ok(Removed::Gone));
                    if !is_gone && !pauses.next().await {
                        return Err(Error::InProgress);
                    }
                }
                Ok(sight) => return Ok(sight),
                Err(error) if !error.may_pass() => return Err(error),
                Err(_) => {
                    faults += 1;
                    if faults == FAULTS_MAX || !pauses.next().await {
                        return Err(cause.clone());
                    }
                }
            }
        }
    }

    async fn look(&self, container: &Container<'_>) -> Result<Sight, Error> {
        let Some(found) = self.engine.find_by_name(container.name).await? else {
            return Ok(Sight::Nothing);
        };
        if !found.is_of(&self.config.deployment_id) {
            return Err(Error::NameTaken(found.id));
        }
        if !container.has_payload_of(&found) {
            return Err(Error::OtherPayload(found.id));
        }
        match found.state {
            State::Running => Ok(Sight::Runs(found.id)),
            State::Ended | State::Dead => Err(Error::TargetEnded(found.id)),
            State::Created if container.is_attempt_of(&found) => Ok(Sight::Mine(found.id)),
            State::Created if found.age.is_some_and(|age| age > ABANDONED_AFTER) => {
                Ok(Sight::Abandoned(found.id))
            }
            State::Created | State::Removing | State::Unknown => Ok(Sight::Busy),
        }
    }

    /// Starts the container that this attempt has created, once it is fit for
    /// that.
    async fn run(
        &self,
        container: &Container<'_>,
        id: ContainerId,
        warnings: Vec<String>,
    ) -> Result<Started, Error> {
        let cause = match self.prepare(container, &id, &warnings).await {
            Err(error) => error,
            Ok(()) => match self.engine.start(&id).await {
                Ok(()) => return Ok(Started { id, warnings }),
                Err(fault) => fault.into(),
            },
        };
        match self.clean_up(&id).await {
            Some(State::Running) => Ok(Started { id, warnings }),
            Some(State::Ended | State::Dead) => Err(Error::TargetEnded(id)),
            _ => Err(cause),
        }
    }

    /// Makes a container fit to be started: what its limits should be, they
    /// are; it is not one too many; and it has its token.
    async fn prepare(
        &self,
        container: &Container<'_>,
        id: &ContainerId,
        warnings: &[String],
    ) -> Result<(), Error> {
        // After a lost reply nothing is known of warnings; whoever could make
        // use of that has hurt the Engine's kernel already.
        let dropped = warnings.iter().find(|warning| is_limit_dropped(warning));
        if let Some(warning) = dropped {
            return Err(Error::LimitDropped(warning.clone()));
        }
        let deployment = &self.config.deployment_id;
        let room = Room::of(self.config, container);
        let (mut list, written) = match self.config.token_delivery {
            // Side by side, since the list shows nothing of the token, and the
            // container takes it whether it is one too many or not.
            TokenDelivery::File => {
                let token = &container.order.activation_token;
                let engine = &self.engine;
                engine
                    .list_and_write_token(deployment, room.share(), id, token)
                    .await
            }
            TokenDelivery::Env => (self.engine.list(deployment, room.share()).await, Ok(())),
        };
        // A look can be repeated at will, and a start is too dear to be given
        // up for one that was lost.
        if list.as_ref().is_err_and(|fault| !fault.is_without_effect()) {
            list = self.engine.list(deployment, room.share()).await;
        }
        if !room.is_shown_by(&list?)? {
            let all = self.engine.list(deployment, None).await?;
            room.check(&all)?;
        }
        Ok(written?)
    }
}

impl Started {
    /// A target that another request has started.
    fn already(id: ContainerId) -> Self {
        Self {
            id,
            warnings: Vec::new(),
        }
    }
}
