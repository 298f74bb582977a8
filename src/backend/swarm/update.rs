//! The updates of a service that runs: a vouch and a renewal.

use std::cell::Cell;
use std::time::Duration;

use super::Services;
use crate::docker::call::Call;
use crate::docker::swarm::template;
use crate::docker::swarm::versioned::{self, Updated, Versioned};
use crate::docker::target::Target;
use crate::docker::{TargetId, label};
use crate::fault::Fault;
use crate::pauses::Pauses;
use crate::platform::Platform;

impl<P: Platform> Services<'_, P> {
    /// Updates the service even if somebody has already vouched for it: an update needs a
    /// majority of the managers, and a manager that has lost the others does not know of
    /// a fence.
    pub async fn vouch(&self, id: &TargetId, attempt: &str) -> Result<bool, Fault> {
        let vouch = |found: Versioned| Some(found.vouch());
        Ok(self.update(id, attempt, vouch).await? == Updated::Done)
    }

    /// A service that another request has renewed for longer stays as it is.
    pub async fn renew(
        &self,
        target: &Target,
        lifetime: Duration,
    ) -> Result<Option<Duration>, Fault> {
        let longest = Cell::new(lifetime);
        let renew = |found: Versioned| {
            let renewed = found.service.renewed();
            longest.set(renewed.max(lifetime));
            (lifetime > renewed).then(|| found.renew(lifetime))
        };
        match self.update(&target.id, "", renew).await? {
            Updated::Done => Ok(Some(longest.get())),
            Updated::Gone => Ok(None),
            Updated::OutOfSequence => Err(Fault::BudgetSpent),
        }
    }

    /// Updates a service unless it is fenced, which counts as gone. `attempt` is the
    /// caller's own, if it has one; `update` makes the update, or `None` if the service
    /// needs none.
    async fn update(
        &self,
        id: &TargetId,
        attempt: &str,
        update: impl Fn(Versioned) -> Option<Call<Updated>>,
    ) -> Result<Updated, Fault> {
        let mut pauses = Pauses::new(self.engine.platform(), self.engine.ends());
        loop {
            let Some(found) = self.engine.send(versioned::inspect(id)).await? else {
                return Ok(Updated::Gone);
            };
            if found.service.is_fenced() {
                return Ok(Updated::Gone);
            }
            found.check_whole()?;
            // The service's own start checked them a moment ago.
            let made_by = found.service.labels.get(label::ATTEMPT);
            if made_by.is_none_or(|made_by| made_by != attempt) {
                self.check_managers(&found).await?;
            }
            let Some(update) = update(found) else {
                return Ok(Updated::Done);
            };
            match self.engine.send(update).await? {
                // Another request may have updated it.
                Updated::OutOfSequence if pauses.next().await => {}
                updated => return Ok(updated),
            }
        }
    }

    /// Checks that every manager knows all options of a service: the update may go
    /// through any of them.
    pub(super) async fn check_managers(&self, found: &Versioned) -> Result<(), Fault> {
        let nodes = self.nodes().await?;
        let managers = nodes.iter().filter(|node| !node.is_worker);
        match template::too_old(managers, found.template()) {
            None => Ok(()),
            Some(detail) => Err(Fault::NodeTooOld(detail)),
        }
    }
}
