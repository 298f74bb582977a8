//! What the targets are: one list, and for a few an inspect.

use super::Provisioner;
use crate::docker::{ContainerId, inspect, list};
use crate::environment_id::is_same;
use crate::error::Error;
use crate::platform::Platform;
use crate::target::{Target, TargetState};

/// For how many ended targets, the youngest, a list has their exit codes. Each
/// takes a call, and the Engine keeps ended ones for ten minutes.
const EXIT_CODES_MAX: usize = 20;

impl<P: Platform> Provisioner<'_, P> {
    /// All targets, or those of one environment, the oldest first; of the youngest
    /// ended ones with their exit codes.
    ///
    /// # Errors
    ///
    /// Whatever kept the Engine from answering.
    pub async fn targets(&self, environment: Option<&str>) -> Result<Vec<Target>, Error> {
        let mut targets = self.targets_without_exit_codes().await?;
        targets.retain(|target| {
            environment.is_none_or(|environment| is_same(&target.environment, environment))
        });
        let ended = targets.iter_mut().rev();
        let ended = ended.filter(|target| target.state == TargetState::Ended);
        for target in ended.take(EXIT_CODES_MAX) {
            target.exit_code = self.exit_code(&target.id).await;
        }
        Ok(targets)
    }

    /// All targets, the oldest first, from a single call.
    ///
    /// # Errors
    ///
    /// Whatever kept the Engine from answering.
    pub async fn targets_without_exit_codes(&self) -> Result<Vec<Target>, Error> {
        let all = list::list_by_deployment(&self.config.deployment_id);
        let all = self.engine.send(all).await?;
        let mut targets: Vec<_> = all
            .iter()
            .map(|container| Target::new(container, self.config))
            .collect();
        targets.sort_by(|one, other| {
            let key = |target: &Target| (target.created, target.id.as_str().to_owned());
            key(one).cmp(&key(other))
        });
        Ok(targets)
    }

    /// One target.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchTarget`], also for a container that is not ours, or whatever
    /// kept the Engine from answering.
    pub async fn target(&self, id: &ContainerId) -> Result<Target, Error> {
        let found = self.engine.send(list::find_by_id(id)).await?;
        let found = found
            .filter(|found| found.is_of(&self.config.deployment_id))
            .ok_or(Error::NoSuchTarget)?;
        let mut target = Target::new(&found, self.config);
        if target.state == TargetState::Ended {
            target.exit_code = self.exit_code(id).await;
        }
        Ok(target)
    }

    /// The exit code of a container that has ended. Without it the rest is still
    /// worth an answer.
    async fn exit_code(&self, id: &ContainerId) -> Option<i64> {
        let ended = self.engine.send(inspect::inspect(id)).await.ok().flatten();
        ended.map(|ended| ended.exit_code)
    }
}
