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

/// How long a target is left alone after its start, at least. See [`find_started`].
const SETTLES: Duration = Duration::from_millis(100);

/// The longest such pause: the time of a start whose answer was lost says nothing.
const SETTLES_MAX: Duration = Duration::from_secs(3);

/// Inspects a target a moment after its start.
///
/// The Engine calls a container started once its first process exists, which is the
/// init process even if the image's entry point is missing. From the end of that process
/// on, an inspect waits and then tells it, however long a list goes on showing the
/// container as running. So only the process itself needs the moment: up to 30 ms with
/// one start at a time, and up to a fifth of the start's own time on a busy host. It gets
/// at least twice that.
pub async fn find_started<P: Platform>(
    on: &Scheduler<'_, P>,
    id: &TargetId,
    took: Duration,
) -> Result<Option<Listed>, Fault> {
    let pause = (took * 2 / 5).clamp(SETTLES, SETTLES_MAX);
    on.pause(pause).await;
    on.engine.send(inspect::inspect(id)).await
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
    let found = on.engine.send(inspect::inspect(id)).await?;
    Ok(found.and_then(|found| found.ended))
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
