//! Whether there is room for a container that is already created.
//!
//! Every start counts after its create and before its start. If several starts would
//! exceed a limit together, the one that created last sees all the others.

use super::attempt::Attempt;
use crate::ages::is_live;
use crate::config::Config;
use crate::docker::label;
use crate::docker::target::Target;
use crate::environment_id::is_same;
use crate::error::OrderError;

/// How many targets may live at a time.
pub struct Capacity<'a> {
    environment_id: &'a str,
    /// Those of this environment, if it has a limit of its own.
    environment_max: Option<usize>,
    /// Those of all environments together.
    max: usize,
    owner: Option<&'a str>,
    /// Those of each owner, if owners have a limit.
    owner_max: Option<usize>,
}

impl<'a> Capacity<'a> {
    /// The limits for an attempt.
    pub fn of(attempt: &'a Attempt<'_>, config: &Config) -> Self {
        Self {
            environment_id: &attempt.order.environment_id,
            environment_max: attempt.profile.max_targets,
            max: config.max_targets,
            owner: attempt.order.owner.as_deref(),
            owner_max: config.max_targets_per_owner,
        }
    }

    /// Checks the limits against all live targets of the deployment, and this many that
    /// are not created yet. The attempt's own is among them.
    pub fn check(&self, all: &[Target], new: usize) -> Result<(), OrderError> {
        let live = || all.iter().filter(|container| is_live(container));
        if live().count() + new > self.max {
            let of = "of all environments";
            return Err(OrderError::TooManyTargets(self.max, of));
        }
        let of_environment = live()
            .filter(|found| {
                let id = found.label(label::ENVIRONMENT_ID);
                id.is_some_and(|id| is_same(id, self.environment_id))
            })
            .count();
        if let Some(max) = self.environment_max
            && of_environment + new > max
        {
            return Err(OrderError::TooManyTargets(max, "of the environment"));
        }
        let Some((owner, max)) = self.owner.zip(self.owner_max) else {
            return Ok(());
        };
        let of_owner = live().filter(|found| found.label(label::OWNER) == Some(owner));
        if of_owner.count() + new > max {
            return Err(OrderError::TooManyOfOwner(max));
        }
        Ok(())
    }
}
