//! The start of a service.

use std::time::Duration;

use super::{Services, UPDATES_MAX};
use crate::attempt::Attempt;
use crate::docker::archive::SECRETS_DIR;
use crate::docker::swarm::secret::{self, Created};
use crate::docker::swarm::task::{self, Desired, Task, TaskState};
use crate::docker::swarm::versioned::{self, SecretReference, Updated};
use crate::docker::target::Target;
use crate::docker::{TargetId, label};
use crate::error::{Error, SwarmError, TargetError};
use crate::fault::Fault;
use crate::platform::Platform;

/// How long a task may find no node before its start is withdrawn. A target that is being
/// removed frees its room after four seconds.
const NO_NODE_AFTER: Duration = Duration::from_secs(5);

/// The shortest and the longest pause between two looks at a task. In between, a pause is
/// a sixteenth of the time that has passed: an idle Swarm starts a task within half a
/// second, and a busy one is not asked more often than is useful. A look takes a manager
/// 2 ms.
const LOOK_SOON: Duration = Duration::from_millis(20);
const LOOK_LATER: Duration = Duration::from_millis(250);

/// The time reserved for one more look, at a busy manager.
const LAST_LOOK: Duration = Duration::from_secs(1);

/// A Swarm makes a task within a moment. After this long without one, the service is
/// looked for.
const TASK_MADE_WITHIN: Duration = Duration::from_secs(2);

/// The shortest pause between a start and the look that finds out whether the target still
/// runs: see [`Services::find_started`].
const SETTLES: Duration = Duration::from_millis(750);

/// The longest such pause.
const SETTLES_MAX: Duration = Duration::from_secs(3);

impl<P: Platform> Services<'_, P> {
    /// Looks once more at a target, a moment after its node has reported it running. If a
    /// task ended at once, a Swarm showed the end within two fifths of the time that the
    /// start took, and within 0.2 s with one start at a time (`bench/README.md`). The pause
    /// is as long as the task took, most of that time.
    pub async fn find_started(
        &self,
        id: &TargetId,
        took: Duration,
    ) -> Result<Option<Target>, Fault> {
        self.engine.pause(took.clamp(SETTLES, SETTLES_MAX)).await;
        self.find_by_id(id).await
    }

    pub async fn start(&self, id: &TargetId, attempt: &Attempt<'_>) -> Result<Duration, Error> {
        let secrets = self.create_secrets(attempt).await?;
        let body = attempt.create_body();
        let auth = self.engine.config().registry_auth_for(attempt.image);
        for _ in 0..UPDATES_MAX {
            let Some(found) = self.engine.send(versioned::inspect(id)).await? else {
                return Err(TargetError::Vanished(id.clone()).into());
            };
            // Another request has withdrawn it.
            if found.service.is_fenced() {
                break;
            }
            found.check_has_all_of(&body)?;
            self.check_managers(&found).await?;
            let update = found.start(&secrets, attempt.avoid, auth);
            match self.engine.send(update).await? {
                Updated::Done => return self.wait_for_task(id, attempt).await,
                // Nobody else starts it. Somebody has fenced it, or the leader has
                // allocated its ports, a moment after its create (swarmkit, `Allocator`).
                Updated::OutOfSequence => {}
                Updated::Gone => return Err(TargetError::Vanished(id.clone()).into()),
            }
        }
        Err(TargetError::InProgress.into())
    }

    async fn create_secrets(&self, attempt: &Attempt<'_>) -> Result<Vec<SecretReference>, Fault> {
        let deployment = self.engine.config().deployment_id.as_str();
        let labels = [
            (label::DEPLOYMENT, deployment),
            (label::NAME, attempt.name.as_str()),
            (label::ATTEMPT, &attempt.id),
        ];
        let mut references = Vec::new();
        for (number, file) in attempt.files().iter().enumerate() {
            // At most 58 characters; a Swarm takes 64.
            let name = format!("{deployment}-{}-{number}", attempt.id);
            let call = secret::create(&name, &labels, &file.content);
            let id = match self.engine.send(call).await? {
                Created::Id(id) => id,
                // This attempt made it before, for a service that a manager did not show.
                Created::NameTaken => {
                    let made = self.engine.send(secret::of_attempt(&attempt.id)).await?;
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
                owner: attempt.owner_of(file).unwrap_or_default(),
            });
        }
        Ok(references)
    }

    /// Looks at the task of a service until it runs, has ended or finds no node. Returns how
    /// long it took to run.
    async fn wait_for_task(&self, id: &TargetId, attempt: &Attempt<'_>) -> Result<Duration, Error> {
        let platform = self.engine.platform();
        let begun = platform.now();
        loop {
            let tasks = self
                .engine
                .send(task::of_name(attempt.name.as_str()))
                .await?;
            let task = tasks.into_iter().find(|task| task.service == *id);
            let passed = platform.now().saturating_sub(begun);
            if let Some(seen) = task.as_ref().and_then(outcome) {
                return seen.map(|()| passed);
            }
            // Perhaps somebody has deleted the service.
            let is_late = task.is_none() && passed >= TASK_MADE_WITHIN;
            if is_late && self.engine.send(versioned::inspect(id)).await?.is_none() {
                return Err(TargetError::Vanished(id.clone()).into());
            }
            let pause = (passed / 16).clamp(LOOK_SOON, LOOK_LATER);
            let is_last = self.engine.time_left() <= pause + LAST_LOOK;
            let no_node = task.as_ref().and_then(no_node);
            if let Some(reason) = no_node.filter(|_| is_last || passed >= NO_NODE_AFTER) {
                return Err(SwarmError::NoNode(reason).into());
            }
            if is_last {
                let error = match task.map(|task| task.state) {
                    Some(TaskState::Preparing) => SwarmError::StillPreparing(attempt.image.clone()),
                    Some(TaskState::Starting) => {
                        SwarmError::Unchecked(attempt.profile.body.health_check_interval())
                    }
                    _ => SwarmError::StartTooSlow,
                };
                return Err(error.into());
            }
            platform.sleep(pause).await;
        }
    }
}

/// The outcome of a task, once it is settled.
fn outcome(task: &Task) -> Option<Result<(), Error>> {
    let failure = match task.state {
        // Another request has withdrawn it.
        _ if task.is_live() && task.desired != Desired::Running => TargetError::InProgress.into(),
        TaskState::Running => return Some(Ok(())),
        // It ended, or was removed, before it was seen running: the caller's look at the
        // service tells which.
        TaskState::Ended => TargetError::Vanished(task.service.clone()).into(),
        TaskState::Rejected => Error::from(Fault::Rejected {
            node: task.node.clone().unwrap_or_default(),
            reason: task.error.clone().unwrap_or_default(),
        }),
        TaskState::Pending | TaskState::Preparing | TaskState::Starting | TaskState::Early => {
            return None;
        }
    };
    Some(Err(failure))
}

/// Why a task finds no node: "no suitable node (…)".
fn no_node(task: &Task) -> Option<String> {
    let is_pending = task.state == TaskState::Pending && task.node.is_none();
    task.error.clone().filter(|_| is_pending)
}
