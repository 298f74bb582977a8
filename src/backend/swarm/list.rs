//! The lists of services and tasks.

use std::time::Duration;

use super::Services;
use crate::backend::parts::listed;
use crate::docker::TargetId;
use crate::docker::part::Part;
use crate::docker::swarm::service::{self, Listing};
use crate::docker::swarm::target::merged;
use crate::docker::swarm::task::{self, Task};
use crate::docker::swarm::versioned;
use crate::docker::target::Survey;
use crate::fault::Fault;
use crate::platform::Platform;

/// How often the services are listed until the list has the one just created. A manager
/// that has lost the others notices this within seconds.
const SURVEYS_MAX: u32 = 4;

/// The pause before such a list is repeated.
const LIST_AGAIN_AFTER: Duration = Duration::from_millis(250);

/// Up to this many targets, a deployment is first listed as a whole: a service takes
/// three to four kilobytes of a list unless a patch or its secrets are long, and a reply
/// has 10 MiB at most.
const WHOLE_MAX: usize = 2_000;

impl<P: Platform> Services<'_, P> {
    pub async fn survey(&self) -> Result<Survey, Fault> {
        let deployment = &self.engine.config().deployment_id;
        let call = |part: &Part| service::of_deployment(deployment, part);
        self.survey_of(listed(&self.engine, self.parts(), call).await?)
            .await
    }

    /// Lists the services, and then their tasks. A target created in between shows up as
    /// a task without a service, which counts as live. A target deleted in between has a
    /// task that is to end.
    async fn survey_of(&self, listings: Vec<Listing>) -> Result<Survey, Fault> {
        let tasks = self.all_tasks().await?;
        // All ages count from one moment, so the age of a part that was listed earlier
        // grows.
        let last = listings.last();
        let now = last.and_then(|listing| listing.now);
        let engine = last.and_then(|listing| listing.engine.clone());
        let services = listings.into_iter().flat_map(|listing| listing.services);
        let mut targets = merged(services.collect(), tasks, now);
        targets.retain(|target| target.is_of(&self.engine.config().deployment_id));
        Ok(Survey {
            targets,
            now,
            engine,
        })
    }

    /// The parts in which a deployment is first listed: sixteen if it may be large.
    pub(super) fn parts(&self) -> Vec<Part> {
        let whole = Part::whole();
        if self.engine.config().max_targets <= WHOLE_MAX {
            vec![whole]
        } else {
            whole.parts()
        }
    }

    pub(super) async fn all_tasks(&self) -> Result<Vec<Task>, Fault> {
        let deployment = &self.engine.config().deployment_id;
        let call = |part: &Part| task::of_deployment(deployment, part);
        Ok(listed(&self.engine, self.parts(), call).await?.concat())
    }

    /// A target with a vouch lives as long as its task, so its service is not listed.
    /// This spares a start three to four kilobytes for each of them.
    ///
    /// A manager that has just lost the others may answer from what it knew before.
    pub async fn survey_live_with(&self, id: &TargetId) -> Result<Survey, Fault> {
        let platform = self.engine.platform();
        for _ in 0..SURVEYS_MAX {
            let call = |part: &Part| service::unvouched(&self.engine.config().deployment_id, part);
            let unvouched = listed(&self.engine, vec![Part::whole()], call).await?;
            let survey = self.survey_of(unvouched).await?;
            let has_it = survey.targets.iter().any(|target| target.id == *id);
            if has_it || self.engine.send(versioned::inspect(id)).await?.is_none() {
                return Ok(survey);
            }
            platform
                .sleep(LIST_AGAIN_AFTER.min(self.engine.time_left()))
                .await;
        }
        Err(Fault::Nonsense(
            "a list without the service that was just created".to_owned(),
        ))
    }
}
