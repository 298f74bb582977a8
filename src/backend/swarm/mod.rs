//! The operations on a Swarm, where a target is a service of one replica.
//!
//! | operation | calls |
//! |---|---|
//! | create | a service without replicas; the Swarm refuses a name that a service has |
//! | start | its secrets, then an update to one replica, then looks at its task |
//! | vouch | an update that labels the service, also one that has the label |
//! | renew | an update that labels the service |
//! | remove | an update that *fences* the service: no replica, and a label; looks until no task is left, and the same update again if the Swarm has not told a task to go; a delete |
//! | kill and remove | the same, whether it runs or not |
//!
//! An update is made from one version of the service, and refused if there is a later
//! one. So if a start, a vouch, a renewal and a fence meet, one happens and the others
//! notice.

mod list;
mod remove;
mod start;
mod update;

use std::time::Duration;

use crate::attempt::Attempt;
use crate::docker::create::Outcome;
use crate::docker::swarm::node::{self, Node};
use crate::docker::swarm::target::merged;
use crate::docker::swarm::{service, task};
use crate::docker::target::Ended;
use crate::docker::target::Target;
use crate::docker::{ContainerName, TargetId, label};
use crate::engine::Engine;
use crate::fault::Fault;
use crate::platform::Platform;

/// How often a start or a fence is tried, each time from a newer version. Only a repeated
/// start updates a target often, and a Swarm allocates its ports once.
const UPDATES_MAX: u32 = 4;

/// Targets as services of a Swarm.
#[derive(Debug)]
pub struct Services<'a, P> {
    /// A manager of the Swarm.
    pub engine: Engine<'a, P>,
}

impl<P: Platform> Services<'_, P> {
    pub async fn create(&self, attempt: &Attempt<'_>) -> Result<Outcome, Fault> {
        let auth = self.engine.config().registry_auth_for(attempt.image);
        let call = service::create(&attempt.create_body(), auth);
        self.engine.send(call).await
    }

    pub async fn find_by_id(&self, id: &TargetId) -> Result<Option<Target>, Fault> {
        let found = self.engine.send(service::find_by_id(id)).await?;
        let tasks = match found.services.first() {
            // A service without a name of ours is foreign, so its tasks do not matter.
            Some(service) => match service.labels.get(label::NAME) {
                Some(name) => self.engine.send(task::of_name(name)).await?,
                None => Vec::new(),
            },
            // Without the service, its own name is not known, and its task may be left.
            None => self.all_tasks().await?,
        };
        let targets = merged(found.services, tasks, found.now);
        Ok(targets.into_iter().find(|target| target.id == *id))
    }

    pub async fn find_by_name(&self, name: &ContainerName) -> Result<Option<Target>, Fault> {
        let found = self.engine.send(service::find_by_name(name)).await?;
        let tasks = self.engine.send(task::of_name(name.as_str())).await?;
        let holder = found.services.first().map(|service| service.id.clone());
        let targets = merged(found.services, tasks, found.now);
        // A task without a service only counts while no service has the name.
        let is_meant = |target: &Target| holder.as_ref().is_none_or(|id| target.id == *id);
        Ok(targets.into_iter().find(is_meant))
    }

    pub async fn nodes(&self) -> Result<Vec<Node>, Fault> {
        self.engine.send(node::list()).await
    }

    pub async fn ended(&self, id: &TargetId) -> Result<Option<Ended>, Fault> {
        let found = self.find_by_id(id).await?;
        Ok(found.and_then(|target| target.ended))
    }

    pub async fn stop(&self, _: &TargetId, _: Duration) -> Result<(), Fault> {
        Ok(())
    }

    pub async fn add_renewals(&self, _: &mut [Target]) -> Result<(), Fault> {
        Ok(())
    }
}
