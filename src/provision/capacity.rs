//! Whether there is room for a container that is already created.
//!
//! Every start counts after its create and before its start. If several starts
//! would exceed a limit together, at least the one that created last sees all
//! the others.

use super::attempt::Attempt;
use crate::ages::is_live;
use crate::docker::label;
use crate::docker::target::Target;
use crate::environment_id::is_same;
use crate::error::OrderError;

/// How many targets may live at a time.
pub struct Capacity<'a> {
    environment_id: &'a str,
    /// Of this environment, where that has a limit of its own.
    environment_max: Option<usize>,
    /// Of all environments together.
    max: usize,
}

impl<'a> Capacity<'a> {
    /// The limits that hold for an attempt, of `max` targets in all.
    pub fn of(attempt: &'a Attempt<'_>, max: usize) -> Self {
        Self {
            environment_id: &attempt.order.environment_id,
            environment_max: attempt.profile.max_targets,
            max,
        }
    }

    /// Checks the limits against all live targets of the deployment, of which the
    /// attempt's own is one.
    ///
    /// # Errors
    ///
    /// [`OrderError::TooManyTargets`].
    pub fn check(&self, all: &[Target]) -> Result<(), OrderError> {
        let live = || all.iter().filter(|container| is_live(container));
        if live().count() > self.max {
            return Err(OrderError::TooManyTargets {
                max: self.max,
                of: "of all environments",
            });
        }
        let of_environment = live()
            .filter(|found| {
                let id = found.label(label::ENVIRONMENT_ID);
                id.is_some_and(|id| is_same(id, self.environment_id))
            })
            .count();
        match self.environment_max {
            Some(max) if of_environment > max => Err(OrderError::TooManyTargets {
                max,
                of: "of the environment",
            }),
            _ => Ok(()),
        }
    }
}
