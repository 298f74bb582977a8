//! What carries out the decisions about targets: one set of operations, on one Engine
//! or on a Swarm.
//!
//! Decides nothing: [`crate::provision`] and [`crate::reaper`] say what is to be
//! done, and this says with which calls of [`crate::docker`]. On an Engine a target
//! is a container, and each operation is one call. On a Swarm it is a service of one
//! replica.

mod engine;
mod swarm;

use std::time::Duration;

use serde_json::Value;

use crate::config::{Config, SchedulerKind};
use crate::docker::archive::SecretFile;
use crate::docker::create::Outcome;
use crate::docker::inspect::Ended;
use crate::docker::list::{Listed, Survey};
use crate::docker::remove::Removed;
use crate::docker::swarm::node::{self, Node};
use crate::docker::{ContainerName, ImageReference, TargetId};
use crate::engine::Engine;
use crate::fault::Fault;
use crate::platform::Platform;

/// What carries out decisions, for as long as one part of one webhook lasts.
#[derive(Debug)]
pub struct Scheduler<'a, P> {
    engine: Engine<'a, P>,
    config: &'a Config,
}

/// A target that is to be made and started.
#[derive(Debug)]
pub struct NewTarget<'a> {
    /// Its own name, which is given to one target at a time.
    pub name: &'a ContainerName,
    /// The attempt that makes it: 32 hex digits.
    pub attempt: &'a str,
    /// The image of its container.
    pub image: &'a ImageReference,
    /// The body of its create.
    pub body: Value,
    /// The files that it gets before it runs.
    pub secrets: &'a [SecretFile],
    /// The ids of the nodes that have rejected it. An Engine has none.
    pub avoid: &'a [String],
}

/// What came of a start that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Started {
    /// It runs, and starting its container took so long.
    Runs(Duration),
    /// Its network is not there.
    NoSuchNetwork(String),
    /// A node would not run it, and nothing of it ran.
    Rejected {
        /// The id of the node.
        node: String,
        /// Why not.
        reason: String,
    },
    /// No node has room for it, and why not.
    NoNode(String),
    /// Its node still prepares it, which is mostly a pull of the image.
    Preparing,
    /// Its node still starts it, which ends with the first health check that passes.
    Unchecked,
    /// It does not run yet, and the time is up.
    TooSlow,
    /// Another request has withdrawn it.
    Withdrawn,
    /// It has ended, or been removed, before it was seen running.
    Ended,
}

// Derived, they would demand the same of `P`.
impl<P> Clone for Scheduler<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<P> Copy for Scheduler<'_, P> {}

impl<'a, P: Platform> Scheduler<'a, P> {
    /// What `config` names, reached through `engine`.
    pub fn new(engine: Engine<'a, P>, config: &'a Config) -> Self {
        Self { engine, config }
    }

    /// The Engine that is asked, for what is not about targets.
    pub fn engine(&self) -> &Engine<'a, P> {
        &self.engine
    }

    /// The same, used until another moment.
    pub fn until(self, until: Duration) -> Self {
        let engine = self.engine.until(until);
        Self { engine, ..self }
    }

    /// The same, used for so long at most.
    pub fn within(self, limit: Duration) -> Self {
        let engine = self.engine.within(limit);
        Self { engine, ..self }
    }

    /// How long it may still be used.
    pub fn time_left(&self) -> Duration {
        self.engine.time_left()
    }

    /// Waits so long, and leaves some time for a look.
    async fn pause(&self, pause: Duration) {
        let pause = pause.min(self.time_left() / 2);
        self.engine.platform().sleep(pause).await;
    }

    fn is_swarm(&self) -> bool {
        self.config.scheduler == SchedulerKind::Swarm
    }

    /// Whether an id has the form of the ids that this scheduler gives out. No target
    /// can be found by another.
    pub fn gives_out(&self, id: &TargetId) -> bool {
        id.is_of_service() == self.is_swarm()
    }

    /// Creates a target that does not run yet.
    ///
    /// # Errors
    ///
    /// Whatever kept it from being made. It may exist all the same, unless the fault
    /// is without effect.
    pub async fn create(&self, target: &NewTarget<'_>) -> Result<Outcome, Fault> {
        if self.is_swarm() {
            swarm::create(self, target).await
        } else {
            engine::create(self, target).await
        }
    }

    /// Gives a target its secrets and starts it. Only the attempt that created it
    /// does this.
    ///
    /// # Errors
    ///
    /// Whatever kept it from running. It may run all the same.
    pub async fn start(&self, id: &TargetId, target: &NewTarget<'_>) -> Result<Started, Fault> {
        if self.is_swarm() {
            swarm::start(self, id, target).await
        } else {
            engine::start(self, id, target).await
        }
    }

    /// Makes sure that nobody withdraws a target that was seen running, so that its
    /// caller can be told; `false` if it is withdrawn already. `attempt` is the caller's
    /// own. An Engine does not remove what runs, so there it takes no call.
    ///
    /// # Errors
    ///
    /// Whatever kept a majority of the Swarm's managers from agreeing, or the update
    /// from being made.
    pub async fn vouch(&self, id: &TargetId, attempt: &str) -> Result<bool, Fault> {
        if self.is_swarm() {
            swarm::vouch(self, id, attempt).await
        } else {
            Ok(true)
        }
    }

    /// Finds the target of that id, whatever its state.
    ///
    /// # Errors
    ///
    /// Any reply that is not a list.
    pub async fn find_by_id(&self, id: &TargetId) -> Result<Option<Listed>, Fault> {
        if self.is_swarm() {
            swarm::find_by_id(self, id).await
        } else {
            engine::find_by_id(self, id).await
        }
    }

    /// Finds a target that was seen running once its state can be relied on, so that one
    /// that has ended at once is not shown as running. `took` is how long its start took,
    /// if that is known.
    ///
    /// # Errors
    ///
    /// Any reply that does not tell its state.
    pub async fn find_started(
        &self,
        id: &TargetId,
        took: Duration,
    ) -> Result<Option<Listed>, Fault> {
        if self.is_swarm() {
            swarm::find_started(self, id, took).await
        } else {
            engine::find_started(self, id, took).await
        }
    }

    /// Finds the target of that name, whatever its state.
    ///
    /// # Errors
    ///
    /// Any reply that is not a list.
    pub async fn find_by_name(&self, name: &ContainerName) -> Result<Option<Listed>, Fault> {
        if self.is_swarm() {
            swarm::find_by_name(self, name).await
        } else {
            engine::find_by_name(self, name).await
        }
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
        if self.is_swarm() {
            swarm::survey(self).await
        } else {
            engine::survey(self).await
        }
    }

    /// Lists the targets that live, once the list has one that was just created. It is
    /// for counting: others may be listed too, and on a Swarm one that somebody was told
    /// of is shown as stopping, whatever its task does.
    ///
    /// # Errors
    ///
    /// Any reply that is not a list, or lists that lack the target although it is there.
    pub async fn survey_live_with(&self, id: &TargetId) -> Result<Survey, Fault> {
        if self.is_swarm() {
            swarm::survey_live_with(self, id).await
        } else {
            engine::survey(self).await
        }
    }

    /// The nodes of a Swarm; none of an Engine, which takes no call.
    ///
    /// # Errors
    ///
    /// Any reply that is not a list.
    pub async fn nodes(&self) -> Result<Vec<Node>, Fault> {
        if self.is_swarm() {
            self.engine.send(node::list()).await
        } else {
            Ok(Vec::new())
        }
    }

    /// How a target that has ended has done so; `None` if it is gone.
    ///
    /// # Errors
    ///
    /// Any reply that does not tell.
    pub async fn ended(&self, id: &TargetId) -> Result<Option<Ended>, Fault> {
        if self.is_swarm() {
            let found = swarm::find_by_id(self, id).await?;
            Ok(found.and_then(|target| target.ended))
        } else {
            engine::ended(self, id).await
        }
    }

    /// Asks a target to end, and kills it after `grace`. A Swarm grants the grace with
    /// every removal, so there it takes no call.
    ///
    /// # Errors
    ///
    /// Any reply that is not a success.
    pub async fn stop(&self, id: &TargetId, grace: Duration) -> Result<(), Fault> {
        if self.is_swarm() {
            Ok(())
        } else {
            engine::stop(self, id, grace).await
        }
    }

    /// Removes a target, unless it runs or somebody was told that it does.
    ///
    /// # Errors
    ///
    /// Any reply that leaves it open whether it is removed.
    pub async fn remove(&self, target: &Listed) -> Result<Removed, Fault> {
        if self.is_swarm() {
            swarm::remove(self, target).await
        } else {
            engine::remove(self, &target.id).await
        }
    }

    /// Kills and removes a target.
    ///
    /// # Errors
    ///
    /// Any reply that leaves it open whether it is removed.
    pub async fn kill_and_remove(&self, target: &Listed) -> Result<Removed, Fault> {
        if self.is_swarm() {
            swarm::kill_and_remove(self, target).await
        } else {
            engine::kill_and_remove(self, &target.id).await
        }
    }

    /// Removes secrets of targets that are gone, a few at most, and tells how many;
    /// `targets` are those that are there. An Engine keeps none.
    ///
    /// # Errors
    ///
    /// Any reply that is not a list.
    pub async fn remove_secrets_without(&self, targets: &[Listed]) -> Result<usize, Fault> {
        if self.is_swarm() {
            swarm::remove_secrets_without(self, targets).await
        } else {
            Ok(0)
        }
    }
}
