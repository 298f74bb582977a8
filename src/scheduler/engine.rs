//! The operations on one Engine, where a target is a container: each is one call, and
//! the start of a target that gets files is two.

use std::time::Duration;

use super::{NewTarget, Scheduler, Started};
use crate::docker::inspect::{self, Ended};
use crate::docker::list::{self, Listed, Survey};
use crate::docker::remove::{self, Removed};
use crate::docker::{ContainerName, TargetId, archive, create, start, stop};
use crate::fault::Fault;
use crate::platform::Platform;

pub async fn create<P: Platform>(
    on: &Scheduler<'_, P>,
    target: &NewTarget<'_>,
) -> Result<create::Outcome, Fault> {
    let call = create::create(target.name, &target.body);
    on.engine.send(call).await
}

pub async fn start<P: Platform>(
    on: &Scheduler<'_, P>,
    id: &TargetId,
    target: &NewTarget<'_>,
) -> Result<Started, Fault> {
    if !target.secrets.is_empty() {
        let call = archive::write_secrets(id, target.secrets);
        on.engine.send(call).await?;
    }
    let platform = on.engine.platform();
    let begun = platform.now();
    Ok(match on.engine.send(start::start(id)).await? {
        start::Outcome::Runs => Started::Runs(platform.now().saturating_sub(begun)),
        start::Outcome::NoSuchNetwork(named) => Started::NoSuchNetwork(named),
    })
}

pub async fn find_by_id<P: Platform>(
    on: &Scheduler<'_, P>,
    id: &TargetId,
) -> Result<Option<Listed>, Fault> {
    on.engine.send(list::find_by_id(id)).await
}

pub async fn find_by_name<P: Platform>(
    on: &Scheduler<'_, P>,
    name: &ContainerName,
) -> Result<Option<Listed>, Fault> {
    on.engine.send(list::find_by_name(name)).await
}

pub async fn survey<P: Platform>(on: &Scheduler<'_, P>) -> Result<Survey, Fault> {
    let deployment = &on.config.deployment_id;
    on.engine.send(list::survey(deployment)).await
}

pub async fn ended<P: Platform>(
    on: &Scheduler<'_, P>,
    id: &TargetId,
) -> Result<Option<Ended>, Fault> {
    on.engine.send(inspect::inspect(id)).await
}

pub async fn stop<P: Platform>(
    on: &Scheduler<'_, P>,
    id: &TargetId,
    grace: Duration,
) -> Result<(), Fault> {
    on.engine.send(stop::stop(id, grace)).await
}

pub async fn remove<P: Platform>(on: &Scheduler<'_, P>, id: &TargetId) -> Result<Removed, Fault> {
    on.engine.send(remove::remove(id)).await
}

pub async fn kill_and_remove<P: Platform>(
    on: &Scheduler<'_, P>,
    id: &TargetId,
) -> Result<Removed, Fault> {
    on.engine.send(remove::kill_and_remove(id)).await
}
