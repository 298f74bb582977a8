//! Whether there is room for a container that is already created.

use crate::ages::is_live;
use crate::attempt::Attempt;
use crate::config::Config;
use crate::docker::label;
use crate::docker::target::Target;
use crate::environment_id::is_same;
use crate::error::OrderError;

/// Checks the limits for an attempt against all live targets of the deployment, and this
/// many that are not created yet. The attempt's own is among them.
pub fn check(
    attempt: &Attempt<'_>,
    config: &Config,
    all: &[Target],
    new: usize,
) -> Result<(), OrderError> {
    let order = attempt.order;
    let count = |is_counted: &dyn Fn(&Target) -> bool| {
        let live = all.iter().filter(|found| is_live(found));
        live.filter(|found| is_counted(found)).count() + new
    };
    let max = config.max_targets;
    if count(&|_| true) > max {
        return Err(OrderError::TooManyTargets(max, "of all environments"));
    }
    let is_of_environment = |found: &Target| {
        let id = found.label(label::ENVIRONMENT_ID);
        id.is_some_and(|id| is_same(id, &order.environment_id))
    };
    if let Some(max) = attempt.profile.max_targets
        && count(&is_of_environment) > max
    {
        return Err(OrderError::TooManyTargets(max, "of the environment"));
    }
    let owner = order.owner.as_deref();
    if let Some((_, max)) = owner.zip(config.max_targets_per_owner)
        && count(&|found| found.label(label::OWNER) == owner) > max
    {
        return Err(OrderError::TooManyOfOwner(max));
    }
    Ok(())
}
