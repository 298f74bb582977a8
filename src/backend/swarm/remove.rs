//! The removal of services and of their secrets.

use std::collections::HashSet;
use std::time::Duration;

use super::{Services, UPDATES_MAX};
use crate::ages::{START_WITHIN, start_within};
use crate::backend::LEFT_OVER_MAX;
use crate::backend::parts::listed;
use crate::docker::call::CHANGE;
use crate::docker::part::Part;
use crate::docker::remove::Removed;
use crate::docker::swarm::secret;
use crate::docker::swarm::service;
use crate::docker::swarm::task::{self, Desired, Task, TaskState};
use crate::docker::swarm::versioned::{self, Updated};
use crate::docker::target::Target;
use crate::docker::{TargetId, label};
use crate::fault::Fault;
use crate::pauses::Pauses;
use crate::platform::Platform;

/// How long a removal without force waits for the end of a task, which takes a node about
/// two seconds. The next removal finishes what takes longer.
const END_WITHIN: Duration = Duration::from_secs(4);

/// The looks before a fence is repeated: about a tenth of a second. A Swarm needs
/// milliseconds to tell a task to end.
const HEARD_AFTER: usize = 2;

impl<P: Platform> Services<'_, P> {
    pub async fn remove(&self, target: &Target) -> Result<Removed, Fault> {
        // Reads the version before the task: a vouch or a start in between then makes the
        // fence fail.
        let Some(found) = self.engine.send(versioned::inspect(&target.id)).await? else {
            return Ok(Removed::Absent);
        };
        let tasks = self.tasks_of(target).await?;
        let is_live = tasks.iter().any(Task::is_live);
        let runs = tasks.iter().any(|task| task.state == TaskState::Running);
        // The start of an older target has ended, and a repeated start vouches for it in
        // time or finds it fenced.
        let may_be_answered = target.age.is_none_or(|age| age <= start_within(target));
        if !found.service.is_fenced() {
            if found.service.is_vouched() && is_live || runs && may_be_answered {
                return Ok(Removed::Declined);
            }
            match self.engine.send(found.fence()).await? {
                Updated::Done => {}
                Updated::OutOfSequence => return Ok(Removed::Declined),
                Updated::Gone => return Ok(Removed::Absent),
            }
        }
        self.delete_once_ended(target, END_WITHIN).await
    }

    pub async fn kill_and_remove(&self, target: &Target) -> Result<Removed, Fault> {
        for _ in 0..UPDATES_MAX {
            let found = self.engine.send(versioned::inspect(&target.id)).await?;
            let updated = match found {
                // The target was listed before its renewal.
                Some(found) if found.service.renewed() != target.renewed => {
                    return Ok(Removed::Declined);
                }
                Some(found) if !found.service.is_fenced() => {
                    self.engine.send(found.fence()).await?
                }
                Some(_) | None => Updated::Done,
            };
            if updated != Updated::OutOfSequence {
                return self.delete_once_ended(target, CHANGE).await;
            }
        }
        Ok(Removed::Declined)
    }

    /// Deletes a fenced service, and its secrets, once no task of it is left.
    ///
    /// Not earlier: a manager that becomes the leader forgets the tasks of deleted
    /// services, even those that a node still runs (swarmkit, `taskinit.CheckTasks`). And
    /// a leader of Docker 26 crashes if a task is removed while its service is being
    /// deleted (swarmkit, `SetServiceTasksRemove`). So this also waits for ended tasks,
    /// which a fence removes within a second.
    async fn delete_once_ended(&self, target: &Target, limit: Duration) -> Result<Removed, Fault> {
        let until = self.engine.within(limit).ends();
        let mut pauses = Pauses::new(self.engine.platform(), until);
        for looks in 0.. {
            let is_live = match self.tasks_of(target).await {
                Ok(tasks) if tasks.is_empty() => break,
                Ok(tasks) => {
                    if looks >= HEARD_AFTER
                        && tasks.iter().any(|task| task.desired != Desired::Remove)
                    {
                        // If it fails, the next look repeats it.
                        let _ = self.fence_again(&target.id, until).await;
                    }
                    tasks.iter().any(Task::is_live)
                }
                // A task that cannot be seen in time may still run.
                Err(Fault::BudgetSpent | Fault::TimedOut) => true,
                Err(fault) => return Err(fault),
            };
            match pauses.next().await {
                true => {}
                false if is_live => return Ok(Removed::Ending),
                false => break,
            }
        }
        let was_there = self.engine.send(service::delete(&target.id)).await?;
        self.remove_secrets(target).await;
        Ok(if was_there {
            Removed::Done
        } else {
            Removed::Absent
        })
    }

    /// Makes a Swarm compare a fenced service with its task once more.
    ///
    /// If a task changes while its Swarm withdraws it, the Swarm's own update of the task
    /// fails ("update out of sequence"), and it does not try again until the service is
    /// updated (swarmkit, `orchestrator/replicated`, `setTasksDesiredState`).
    async fn fence_again(&self, id: &TargetId, until: Duration) -> Result<(), Fault> {
        let engine = self.engine.until(until);
        if let Some(found) = engine.send(versioned::inspect(id)).await? {
            // An update by somebody else also makes the Swarm compare them.
            engine.send(found.fence()).await?;
        }
        Ok(())
    }

    /// The tasks of a target, found by its own name, with or without its service.
    async fn tasks_of(&self, target: &Target) -> Result<Vec<Task>, Fault> {
        let name = target.label(label::NAME).unwrap_or_default();
        let mut tasks = self.engine.send(task::of_name(name)).await?;
        tasks.retain(|task| task.service == target.id);
        Ok(tasks)
    }

    /// Removes the secrets of a target whose service is deleted. The next reap finds
    /// those that are left.
    async fn remove_secrets(&self, target: &Target) {
        let Some(attempt) = target.label(label::ATTEMPT) else {
            return;
        };
        let secrets = self.engine.send(secret::of_attempt(attempt)).await;
        for secret in secrets.unwrap_or_default() {
            let _ = self.engine.send(secret::delete(&secret.id)).await;
        }
    }

    /// Removes secrets without a service.
    pub async fn remove_left_over(&self, targets: &[Target]) -> Result<usize, Fault> {
        let deployment = &self.engine.config().deployment_id;
        let call = |part: &Part| secret::of_deployment(deployment, part);
        let secrets = listed(&self.engine, self.parts(), call).await?;
        let attempts: HashSet<_> = targets
            .iter()
            .filter_map(|target| target.label(label::ATTEMPT))
            .collect();
        let is_left = |secret: &secret::StoredSecret| {
            let attempt = secret.attempt.as_deref();
            // A younger secret may belong to a service that was made after the list.
            let is_old = secret.age.is_some_and(|age| age > START_WITHIN);
            is_old && attempt.is_some_and(|attempt| !attempts.contains(attempt))
        };
        let mut removed = 0;
        let left = secrets.into_iter().flatten().filter(is_left);
        for secret in left.take(LEFT_OVER_MAX) {
            let outcome = self.engine.send(secret::delete(&secret.id)).await;
            removed += usize::from(outcome.is_ok());
        }
        Ok(removed)
    }
}
