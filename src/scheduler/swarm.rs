//! The operations on a Swarm, where a target is a service of one replica.
//!
//! | operation | calls |
//! |---|---|
//! | create | a service without replicas, whose name is given once |
//! | start | its secrets, then an update to one replica, then looks at its task |
//! | vouch | an update that labels the service, also one that has the label |
//! | remove | an update that *fences* the service: no replica, and a label; looks until no task is left; a delete |
//! | kill and remove | the same, whether it runs or not |
//!
//! An update is made from one version of the service and refused if there is a later
//! one. So of a start, a vouch and a fence that meet, one happens and the others see
//! it. A service stays until its nodes have confirmed the end of its task. One that
//! somebody else has deleted earlier frees its name while its task may still run: such
//! a task, without a service, is listed as a target that stops.

use std::collections::HashSet;
use std::time::Duration;

use super::{NewTarget, Scheduler, Started};
use crate::ages::{START_WITHIN, start_within};
use crate::docker::archive::SECRETS_DIR;
use crate::docker::call::{CHANGE, Call};
use crate::docker::create::Outcome;
use crate::docker::list::{Listed, Survey};
use crate::docker::remove::Removed;
use crate::docker::swarm::Part;
use crate::docker::swarm::node;
use crate::docker::swarm::secret::{self, Created};
use crate::docker::swarm::service::{self, Listing, SecretReference, Updated, Versioned};
use crate::docker::swarm::target::merged;
use crate::docker::swarm::task::{self, Task, TaskState};
use crate::docker::swarm::template;
use crate::docker::{ContainerName, TargetId, label};
use crate::fault::Fault;
use crate::pauses::Pauses;
use crate::platform::Platform;

/// How long a task may find no node before its start is withdrawn. A target that is
/// being removed gives its room back after four seconds.
const NO_NODE_AFTER: Duration = Duration::from_secs(5);

/// The shortest and the longest pause between two looks at a task. In between it is a
/// sixteenth of the time that has passed: an idle Swarm starts a task within half a
/// second, and a busy one is not asked more often than is of use. A look takes a manager
/// 2 ms.
const LOOK_SOON: Duration = Duration::from_millis(20);
const LOOK_LATER: Duration = Duration::from_millis(250);

/// How much of the time is left for one more look, by a manager that is busy.
const LAST_LOOK: Duration = Duration::from_secs(1);

/// A task is made within a moment. After so long without one, its service is looked for.
const TASK_MADE_WITHIN: Duration = Duration::from_secs(2);

/// How long a removal without force waits for the end of a task, which takes a node
/// about two seconds. What takes longer is left to the next removal.
const END_WITHIN: Duration = Duration::from_secs(4);

/// How often a fence is made from a newer version. Nobody but a repeated start updates a
/// target often.
const UPDATES_MAX: u32 = 4;

/// How often a list is repeated that lacks a service which was just created. A manager
/// that has lost the others notices it within seconds.
const SURVEYS_MAX: u32 = 4;

/// Up to how many targets a deployment is first listed as a whole: a service is listed
/// with three to four kilobytes unless a patch or its secrets are long, and a reply has
/// 10 MiB at most.
const WHOLE_MAX: usize = 2_000;

/// How many secrets without a service one sweep removes.
const SECRETS_MAX: usize = 16;

pub async fn create<P: Platform>(
    on: &Scheduler<'_, P>,
    target: &NewTarget<'_>,
) -> Result<Outcome, Fault> {
    let call = service::create(&target.body, on.config.registry_auth_for(target.image));
    on.engine.send(call).await
}

pub async fn start<P: Platform>(
    on: &Scheduler<'_, P>,
    id: &TargetId,
    target: &NewTarget<'_>,
) -> Result<Started, Fault> {
    let secrets = create_secrets(on, target).await?;
    let Some(found) = on.engine.send(service::inspect(id)).await? else {
        return Ok(Started::Ended);
    };
    if found.service.is_fenced() {
        return Ok(Started::Withdrawn);
    }
    found.check_has_all_of(&target.body)?;
    check_managers(on, &found).await?;
    let update = found.start(
        &secrets,
        target.avoid,
        on.config.registry_auth_for(target.image),
    );
    match on.engine.send(update).await? {
        Updated::Done => wait_for_task(on, id, target).await,
        // Nobody else starts it, so somebody has fenced it.
        Updated::OutOfSequence => Ok(Started::Withdrawn),
        Updated::Gone => Ok(Started::Ended),
    }
}

async fn create_secrets<P: Platform>(
    on: &Scheduler<'_, P>,
    target: &NewTarget<'_>,
) -> Result<Vec<SecretReference>, Fault> {
    let deployment = on.config.deployment_id.as_str();
    let labels = [
        (label::DEPLOYMENT, deployment),
        (label::NAME, target.name.as_str()),
        (label::ATTEMPT, target.attempt),
    ];
    let mut references = Vec::new();
    for (number, file) in target.secrets.iter().enumerate() {
        // At most 58 characters; a Swarm takes 64.
        let name = format!("{deployment}-{}-{number}", target.attempt);
        let call = secret::create(&name, &labels, &file.content);
        let id = match on.engine.send(call).await? {
            Created::Id(id) => id,
            // This attempt has made it before, for a service that a manager did not show.
            Created::NameTaken => {
                let made = on.engine.send(secret::of_attempt(target.attempt)).await?;
                let found = made.into_iter().find(|made| made.name == name);
                found.map(|found| found.id).ok_or_else(|| {
                    Fault::Nonsense("a list without a secret whose name is taken".to_owned())
                })?
            }
        };
        references.push(SecretReference {
            id,
            name,
            path: format!("{SECRETS_DIR}/{}", file.name),
        });
    }
    Ok(references)
}

/// Looks at the task of a service until it runs, has ended or finds no node.
async fn wait_for_task<P: Platform>(
    on: &Scheduler<'_, P>,
    id: &TargetId,
    target: &NewTarget<'_>,
) -> Result<Started, Fault> {
    let platform = on.engine.platform();
    let begun = platform.now();
    loop {
        let tasks = on.engine.send(task::of_name(target.name.as_str())).await?;
        let task = tasks.into_iter().find(|task| task.service == *id);
        if let Some(seen) = task.as_ref().and_then(outcome) {
            return Ok(seen);
        }
        let passed = platform.now().saturating_sub(begun);
        // Perhaps somebody has deleted the service.
        let is_late = task.is_none() && passed >= TASK_MADE_WITHIN;
        if is_late && on.engine.send(service::inspect(id)).await?.is_none() {
            return Ok(Started::Ended);
        }
        let pause = (passed / 16).clamp(LOOK_SOON, LOOK_LATER);
        let is_last = on.time_left() <= pause + LAST_LOOK;
        let no_node = task.as_ref().and_then(no_node);
        if let Some(reason) = no_node.filter(|_| is_last || passed >= NO_NODE_AFTER) {
            return Ok(Started::NoNode(reason));
        }
        if is_last {
            return Ok(match task.map(|task| task.state) {
                Some(TaskState::Preparing) => Started::Preparing,
                Some(TaskState::Starting) => Started::Unchecked,
                _ => Started::TooSlow,
            });
        }
        platform.sleep(pause).await;
    }
}

/// What has become of a task, once that is settled.
fn outcome(task: &Task) -> Option<Started> {
    match task.state {
        _ if task.is_live() && task.is_doomed => Some(Started::Withdrawn),
        // It was not this call that took the time.
        TaskState::Running => Some(Started::Runs(Duration::ZERO)),
        TaskState::Ended => Some(Started::Ended),
        TaskState::Rejected => Some(Started::Rejected {
            node: task.node.clone().unwrap_or_default(),
            reason: task.error.clone().unwrap_or_default(),
        }),
        TaskState::Pending | TaskState::Preparing | TaskState::Starting | TaskState::Early => None,
    }
}

/// Why a task finds no node, if it finds none: "no suitable node (…)".
fn no_node(task: &Task) -> Option<String> {
    let is_pending = task.state == TaskState::Pending && task.node.is_none();
    task.error.clone().filter(|_| is_pending)
}

/// Checks that no manager leaves an option of a service out of the update to come,
/// whichever of them it goes through.
async fn check_managers<P: Platform>(
    on: &Scheduler<'_, P>,
    found: &Versioned,
) -> Result<(), Fault> {
    let nodes = on.engine.send(node::list()).await?;
    let managers = nodes.iter().filter(|node| !node.is_worker);
    match template::too_old(managers, found.template()) {
        None => Ok(()),
        Some(node) => Err(Fault::NodeTooOld(node)),
    }
}

/// The update is also made of a service that somebody has vouched for: it takes a
/// majority of the managers, and one that has lost the others would not know of a fence.
pub async fn vouch<P: Platform>(
    on: &Scheduler<'_, P>,
    id: &TargetId,
    attempt: &str,
) -> Result<bool, Fault> {
    let mut pauses = Pauses::new(on.engine.platform(), on.engine.ends());
    loop {
        let Some(found) = on.engine.send(service::inspect(id)).await? else {
            return Ok(false);
        };
        if found.service.is_fenced() {
            return Ok(false);
        }
        found.check_whole()?;
        // The start that is its own has looked at them a moment ago.
        let made_by = found.service.labels.get(label::ATTEMPT);
        if made_by.is_none_or(|made_by| made_by != attempt) {
            check_managers(on, &found).await?;
        }
        match on.engine.send(found.vouch()).await? {
            Updated::Done => return Ok(true),
            Updated::Gone => return Ok(false),
            // Perhaps another repeated start has made one.
            Updated::OutOfSequence if pauses.next().await => {}
            Updated::OutOfSequence => return Ok(false),
        }
    }
}

pub async fn find_by_id<P: Platform>(
    on: &Scheduler<'_, P>,
    id: &TargetId,
) -> Result<Option<Listed>, Fault> {
    let found = on.engine.send(service::find_by_id(id)).await?;
    let tasks = match found.services.first() {
        // A foreign service may have no name of ours, and then its tasks do not matter.
        Some(service) => match service.labels.get(label::NAME) {
            Some(name) => on.engine.send(task::of_name(name)).await?,
            None => Vec::new(),
        },
        // Its own name is not known any more, and its task may be left.
        None => all_tasks(on).await?,
    };
    let targets = merged(found.services, tasks, found.now);
    Ok(targets.into_iter().find(|target| target.id == *id))
}

/// How long after a node has said that a task runs its end shows, beside the time of the
/// start.
const SETTLES: Duration = Duration::from_millis(750);

/// The longest such pause.
const SETTLES_MAX: Duration = Duration::from_secs(3);

/// Looks once more at a target a moment after a node has said that it runs.
pub async fn find_started<P: Platform>(
    on: &Scheduler<'_, P>,
    id: &TargetId,
    took: Duration,
) -> Result<Option<Listed>, Fault> {
    on.pause((SETTLES + took).min(SETTLES_MAX)).await;
    find_by_id(on, id).await
}

pub async fn find_by_name<P: Platform>(
    on: &Scheduler<'_, P>,
    name: &ContainerName,
) -> Result<Option<Listed>, Fault> {
    let found = on.engine.send(service::find_by_name(name)).await?;
    let tasks = on.engine.send(task::of_name(name.as_str())).await?;
    let holder = found.services.first().map(|service| service.id.clone());
    let targets = merged(found.services, tasks, found.now);
    // What is left of one without a service only counts while no service has the name.
    let is_meant = |target: &Listed| holder.as_ref().is_none_or(|id| target.id == *id);
    Ok(targets.into_iter().find(is_meant))
}

pub async fn survey<P: Platform>(on: &Scheduler<'_, P>) -> Result<Survey, Fault> {
    let deployment = &on.config.deployment_id;
    let call = |part: &Part| service::of_deployment(deployment, part);
    survey_of(on, listed(on, parts(on), call).await?).await
}

/// The services, and then their tasks. One that is made in between is then a task
/// without a service, which counts as live, and one that is deleted in between has a
/// task that is to end.
async fn survey_of<P: Platform>(
    on: &Scheduler<'_, P>,
    listings: Vec<Listing>,
) -> Result<Survey, Fault> {
    let tasks = all_tasks(on).await?;
    // All ages are told from one moment. A part that was listed earlier is that much older.
    let last = listings.last();
    let now = last.and_then(|listing| listing.now);
    let engine = last.and_then(|listing| listing.engine.clone());
    let services = listings.into_iter().flat_map(|listing| listing.services);
    let mut containers = merged(services.collect(), tasks, now);
    containers.retain(|target| target.is_of(&on.config.deployment_id));
    Ok(Survey {
        containers,
        now,
        engine,
    })
}

/// The parts in which a deployment is first listed: sixteen if it may be large.
fn parts<P: Platform>(on: &Scheduler<'_, P>) -> Vec<Part> {
    let whole = Part::whole();
    if on.config.max_targets <= WHOLE_MAX {
        vec![whole]
    } else {
        whole.parts()
    }
}

/// Lists these parts, and the parts of each whose list is longer than a reply may be.
/// How long it is depends on patches, on secrets, and on how many targets have ended or
/// were started before `max_targets` was lowered.
async fn listed<P: Platform, T>(
    on: &Scheduler<'_, P>,
    mut parts: Vec<Part>,
    call: impl Fn(&Part) -> Call<T>,
) -> Result<Vec<T>, Fault> {
    let mut lists = Vec::new();
    while let Some(part) = parts.pop() {
        match on.engine.send(call(&part)).await {
            Err(fault @ Fault::TooLong { .. }) => match part.parts() {
                none if none.is_empty() => return Err(fault),
                divided => parts.extend(divided),
            },
            list => lists.push(list?),
        }
    }
    Ok(lists)
}

async fn all_tasks<P: Platform>(on: &Scheduler<'_, P>) -> Result<Vec<Task>, Fault> {
    let deployment = &on.config.deployment_id;
    let call = |part: &Part| task::of_deployment(deployment, part);
    Ok(listed(on, parts(on), call).await?.concat())
}

/// A target that somebody was told of lives as long as its task, which is listed without
/// its service. So a start is spared three to four kilobytes for each of them.
///
/// A manager that has just lost the others may answer from what it knew before.
pub async fn survey_live_with<P: Platform>(
    on: &Scheduler<'_, P>,
    id: &TargetId,
) -> Result<Survey, Fault> {
    let platform = on.engine.platform();
    for _ in 0..SURVEYS_MAX {
        let call = |part: &Part| service::unvouched(&on.config.deployment_id, part);
        let unvouched = listed(on, vec![Part::whole()], call).await?;
        let survey = survey_of(on, unvouched).await?;
        let has_it = survey.containers.iter().any(|target| target.id == *id);
        if has_it || on.engine.send(service::inspect(id)).await?.is_none() {
            return Ok(survey);
        }
        platform.sleep(LOOK_LATER.min(on.time_left())).await;
    }
    Err(Fault::Nonsense(
        "a list without the service that was just created".to_owned(),
    ))
}

pub async fn remove<P: Platform>(on: &Scheduler<'_, P>, target: &Listed) -> Result<Removed, Fault> {
    // The version is read before the task. Whatever is decided from the task, a vouch
    // or a start that comes in between makes the fence fail.
    let Some(found) = on.engine.send(service::inspect(&target.id)).await? else {
        return Ok(Removed::Absent);
    };
    let tasks = tasks_of(on, target).await?;
    let is_live = tasks.iter().any(Task::is_live);
    let runs = tasks.iter().any(|task| task.state == TaskState::Running);
    // The start of an older one has ended, and a repeated start vouches for it in time
    // or finds it fenced.
    let may_be_answered = target.age.is_none_or(|age| age <= start_within(target));
    if !found.service.is_fenced() {
        if found.service.is_vouched() && is_live || runs && may_be_answered {
            return Ok(Removed::Declined);
        }
        match on.engine.send(found.fence()).await? {
            Updated::Done => {}
            Updated::OutOfSequence => return Ok(Removed::Declined),
            Updated::Gone => return Ok(Removed::Absent),
        }
    }
    delete_once_ended(on, target, END_WITHIN).await
}

pub async fn kill_and_remove<P: Platform>(
    on: &Scheduler<'_, P>,
    target: &Listed,
) -> Result<Removed, Fault> {
    for _ in 0..UPDATES_MAX {
        let found = on.engine.send(service::inspect(&target.id)).await?;
        let updated = match found {
            Some(found) if !found.service.is_fenced() => on.engine.send(found.fence()).await?,
            Some(_) | None => Updated::Done,
        };
        if updated != Updated::OutOfSequence {
            return delete_once_ended(on, target, CHANGE).await;
        }
    }
    Ok(Removed::Declined)
}

/// Deletes a fenced service, and its secrets, once no task of it is left.
///
/// Not before: a manager that becomes the leader forgets the tasks of deleted services,
/// also those that a node still runs (swarmkit, `taskinit.CheckTasks`). And a leader of
/// Docker 26 crashes if a task is removed just while its service is deleted (swarmkit,
/// `SetServiceTasksRemove`), so one that has ended is waited for too, which a fence
/// removes within a second.
async fn delete_once_ended<P: Platform>(
    on: &Scheduler<'_, P>,
    target: &Listed,
    limit: Duration,
) -> Result<Removed, Fault> {
    let waiting = on.within(limit);
    let mut pauses = Pauses::new(on.engine.platform(), waiting.engine.ends());
    loop {
        let is_live = match tasks_of(on, target).await {
            Ok(tasks) if tasks.is_empty() => break,
            Ok(tasks) => tasks.iter().any(Task::is_live),
            // What cannot be seen in time may still run.
            Err(Fault::BudgetSpent | Fault::TimedOut) => true,
            Err(fault) => return Err(fault),
        };
        match pauses.next().await {
            true => {}
            false if is_live => return Ok(Removed::Ending),
            false => break,
        }
    }
    let was_there = on.engine.send(service::delete(&target.id)).await?;
    remove_secrets(on, target).await;
    Ok(if was_there {
        Removed::Done
    } else {
        Removed::Absent
    })
}

/// The tasks of a target, found by its own name, whether its service is there or not.
async fn tasks_of<P: Platform>(on: &Scheduler<'_, P>, target: &Listed) -> Result<Vec<Task>, Fault> {
    let name = target.label(label::NAME).unwrap_or_default();
    let mut tasks = on.engine.send(task::of_name(name)).await?;
    tasks.retain(|task| task.service == target.id);
    Ok(tasks)
}

/// Removes the secrets of a target whose service is deleted. Those that are left are
/// found by the next reap.
async fn remove_secrets<P: Platform>(on: &Scheduler<'_, P>, target: &Listed) {
    let Some(attempt) = target.label(label::ATTEMPT) else {
        return;
    };
    let secrets = on.engine.send(secret::of_attempt(attempt)).await;
    for secret in secrets.unwrap_or_default() {
        let _ = on.engine.send(secret::delete(&secret.id)).await;
    }
}

pub async fn remove_secrets_without<P: Platform>(
    on: &Scheduler<'_, P>,
    targets: &[Listed],
) -> Result<usize, Fault> {
    let deployment = &on.config.deployment_id;
    let call = |part: &Part| secret::of_deployment(deployment, part);
    let secrets = listed(on, parts(on), call).await?;
    let attempts: HashSet<_> = targets
        .iter()
        .filter_map(|target| target.label(label::ATTEMPT))
        .collect();
    let is_left = |secret: &secret::Listed| {
        let attempt = secret.attempt.as_deref();
        // A younger one may belong to a service that was made after the list.
        let is_old = secret.age.is_some_and(|age| age > START_WITHIN);
        is_old && attempt.is_some_and(|attempt| !attempts.contains(attempt))
    };
    let mut removed = 0;
    let left = secrets.into_iter().flatten().filter(is_left);
    for secret in left.take(SECRETS_MAX) {
        let outcome = on.engine.send(secret::delete(&secret.id)).await;
        removed += usize::from(outcome.is_ok());
    }
    Ok(removed)
}
