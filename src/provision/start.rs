//! A start: at most one running container for a key, whatever fails.

use std::time::Duration;

use super::clean_up::Remains;
use super::create::Unmade;
use super::{FAULTS_MAX, Provisioner, Started, capacity};
use crate::ages::ABANDONED_AFTER;
use crate::attempt::{self, Attempt};
use crate::docker::TargetId;
use crate::docker::call::CHANGE;
use crate::docker::create::is_limit_dropped;
use crate::docker::remove::Removed;
use crate::docker::target::{State, Target};
use crate::error::{EngineError, Error, OrderError, SwarmError, TargetError};
use crate::fault::Fault;
use crate::key::KeyKind;
use crate::order::StartOrder;
use crate::pauses::Pauses;
use crate::platform::Platform;

/// How long the start of another attempt is assumed to have lasted, unless it ended long
/// ago: as long as one on a busy host.
const START_OF_ANOTHER: Duration = Duration::from_secs(2);

/// The longest time between the create of a target and the list that counts it.
const COUNTED_WITHIN: Duration = Duration::from_secs(25);

/// On how many nodes of a Swarm a start is tried. Nodes that cannot run targets at the
/// moment have the fewest, so they get the next one too. More do not fit into a webhook's
/// time, which is the real limit unless the clock stands still.
const NODES_MAX: usize = 32;

/// How long a name may be taken while no list shows the holder: the longest create. An
/// Engine takes the name of a container, then makes its file system, which can be a copy
/// of the whole image, and only then lists the container.
const UNLISTED_MAX: Duration = CHANGE;

/// The clock skew between a Swarm's managers above which the server warns. Lifetimes are
/// given in days, and the shortest age that matters is half a minute.
const SKEW_MAX: Duration = Duration::from_secs(10);

/// What a look at the name shows to this attempt.
enum Sight {
    /// The target runs, and its start took this long.
    Runs(TargetId, Duration),
    /// This attempt's container waits to be started.
    Mine(TargetId),
    /// Another attempt or a removal is in progress.
    Busy,
    /// This container has the name, and nobody can start it any more.
    Abandoned(Box<Target>),
    /// No container has the name any more.
    Freed,
    /// No list has shown a container of that name.
    Nothing,
}

impl<P: Platform> Provisioner<'_, P> {
    /// Creates and starts the container of `order`, or finds it running.
    /// If it does not run, removes what this attempt created, unless the Engine cannot be
    /// reached.
    pub async fn start(&self, order: &StartOrder) -> Result<Started, Error> {
        let profile = self.config.profiles.of(&order.environment_id);
        let image = order.image.as_ref().unwrap_or(&profile.image);
        let mut avoid = Vec::new();
        let mut rejection = None;
        loop {
            let outcome = self.start_once(order, &avoid).await;
            let Err(error) = outcome else { return outcome };
            match (error, rejection) {
                (
                    Error::Engine(EngineError::Refused(Fault::Rejected { node, reason })),
                    earlier,
                ) => {
                    avoid.push(node.clone());
                    let error = attempt::rejection(image, node, reason);
                    // A caller should come again if a single node may take the target
                    // later.
                    let may_pass = |error: &Error| error.retry_after_seconds().is_some();
                    let earlier = earlier.filter(|earlier| may_pass(earlier) && !may_pass(&error));
                    let error = earlier.unwrap_or(error);
                    if avoid.len() >= NODES_MAX || self.backend.engine.time_left().is_zero() {
                        return Err(error);
                    }
                    rejection = Some(error);
                }
                // There is no other node now, but perhaps in a moment.
                (Error::Swarm(SwarmError::NoNode(reason)), Some(rejection))
                    if reason.contains("not available") =>
                {
                    let reason = format!("{reason}; before that, {rejection}");
                    return Err(SwarmError::NoNode(reason).into());
                }
                (
                    Error::Swarm(SwarmError::NoNode(_) | SwarmError::StartTooSlow),
                    Some(rejection),
                ) => {
                    return Err(rejection);
                }
                (error, _) => return Err(error),
            }
        }
    }

    /// The same, on any node except those in `avoid`, which rejected the target.
    ///
    /// A refused start may repeat one whose target runs, so this looks at the name before
    /// it refuses.
    async fn start_once(&self, order: &StartOrder, avoid: &[String]) -> Result<Started, Error> {
        let new_attempt = || Attempt::new(self.config, order, avoid, self.platform.random());
        let mut attempt = new_attempt();
        let mut pauses = Pauses::new(self.platform, self.budget.work_until);
        let mut faults = 0;
        let mut unlisted_since = None;
        loop {
            let unmade = match self.make(&attempt).await? {
                Ok((id, warnings)) => match self.run(&attempt, id, warnings).await {
                    Err(error) if begins_again(&error) => Unmade::Unclear(error),
                    outcome => return outcome,
                },
                Err(unmade) => unmade,
            };
            let unmade = match self.settle(&attempt, &mut pauses).await {
                Ok(Sight::Runs(id, took)) => {
                    let mut started = self.confirm(&attempt, id, Vec::new(), took).await?;
                    // A webhook's answer has the id alone. The target runs, whatever
                    // becomes of this list.
                    if order.key.kind() == KeyKind::IdempotencyKey {
                        let backend = self.backend.until(self.budget.answer_until);
                        let target = std::slice::from_mut(&mut started.container);
                        let _ = backend.add_renewals(target).await;
                    }
                    return Ok(Started {
                        is_new: false,
                        ..started
                    });
                }
                Ok(Sight::Mine(id)) => match self.run(&attempt, id, Vec::new()).await {
                    Err(error) if begins_again(&error) => Unmade::Unclear(error),
                    outcome => return outcome,
                },
                Ok(sight) => {
                    if matches!(sight, Sight::Freed) {
                        unlisted_since = None;
                    }
                    unmade
                }
                Err(error) if error.is_transient() => {
                    return Err(self.unseen(&attempt, unmade, error).await);
                }
                Err(error) => return Err(error),
            };
            let cause = match unmade {
                Unmade::Refused(refusal) => return Err(refusal),
                Unmade::NameTaken(words) => {
                    let now = self.platform.now();
                    let since = *unlisted_since.get_or_insert(now);
                    if now.saturating_sub(since) >= UNLISTED_MAX {
                        return Err(TargetError::NameUnlisted(words).into());
                    }
                    Error::Target(TargetError::InProgress)
                }
                Unmade::Unclear(cause) => {
                    faults += 1;
                    unlisted_since = None;
                    // If a target has vanished, another request that cleans up after it
                    // may come late, and would remove the secrets of its attempt.
                    if matches!(cause, Error::Target(TargetError::Vanished(_))) {
                        attempt = new_attempt();
                    }
                    cause
                }
            };
            // An Engine that reports a failure of its own would fail again.
            let is_final = matches!(
                cause,
                Error::Engine(EngineError::Failed(Fault::EngineError { .. }))
            );
            if is_final || faults >= FAULTS_MAX || !pauses.next().await {
                return Err(cause);
            }
        }
    }

    /// The error of a start that knows no container of its own, after its look at the
    /// name failed with `error`.
    async fn unseen(&self, attempt: &Attempt<'_>, unmade: Unmade, error: Error) -> Error {
        match unmade {
            // The reason for the look says more than its failure.
            Unmade::NameTaken(_) => Error::Target(TargetError::InProgress),
            Unmade::Unclear(cause) => {
                self.clean_up_unseen(attempt).await;
                cause
            }
            // A refusal would be wrong if the target runs.
            Unmade::Refused(_) => error,
        }
    }

    /// Looks at the name until it is certain that the target runs, that this attempt may
    /// start it, or that the name is free.
    async fn settle(
        &self,
        attempt: &Attempt<'_>,
        pauses: &mut Pauses<'_, P>,
    ) -> Result<Sight, Error> {
        let mut was_listed = false;
        loop {
            match self.look(attempt).await? {
                Sight::Busy => {
                    was_listed = true;
                    if !pauses.next().await {
                        return Err(TargetError::InProgress.into());
                    }
                }
                Sight::Abandoned(found) => {
                    was_listed = true;
                    // Without force: a container that runs after all stays, and the next
                    // look shows it.
                    let removed = self.backend.remove(&found).await;
                    if !removed.is_ok_and(Removed::is_gone) && !pauses.next().await {
                        return Err(TargetError::InProgress.into());
                    }
                }
                Sight::Nothing if was_listed => return Ok(Sight::Freed),
                sight => return Ok(sight),
            }
        }
    }

    async fn look(&self, attempt: &Attempt<'_>) -> Result<Sight, Error> {
        let found = self.backend.find_by_name(&attempt.name).await?;
        let Some(found) = found else {
            return Ok(Sight::Nothing);
        };
        if !found.is_of(&self.config.deployment_id) {
            return Err(TargetError::NameTaken(found.id).into());
        }
        // A task without its service does not show its payload.
        if found.state != State::Stopping && !attempt.has_payload_of(&found) {
            let of = attempt.order.key.kind();
            return Err(OrderError::OtherPayload(found.id, of).into());
        }
        match found.state {
            State::Running => {
                let is_over = found.age.is_some_and(|age| age > ABANDONED_AFTER);
                let took = if is_over {
                    Duration::ZERO
                } else {
                    START_OF_ANOTHER
                };
                Ok(Sight::Runs(found.id, took))
            }
            State::Ended => Err(self.ended(attempt, found.id).await),
            State::Dead => Ok(Sight::Abandoned(Box::new(found))),
            State::Created if attempt.has_created(&found) => Ok(Sight::Mine(found.id)),
            State::Created if found.age.is_some_and(|age| age > ABANDONED_AFTER) => {
                Ok(Sight::Abandoned(Box::new(found)))
            }
            State::Created
            | State::Starting
            | State::Stopping
            | State::Removing
            | State::Unknown => Ok(Sight::Busy),
        }
    }

    /// Starts the container that this attempt has created, once it is ready.
    async fn run(
        &self,
        attempt: &Attempt<'_>,
        id: TargetId,
        mut warnings: Vec<String>,
    ) -> Result<Started, Error> {
        let prepared = self.prepare(attempt, &id, &mut warnings).await;
        let begun = self.platform.now();
        let took = || self.platform.now().saturating_sub(begun);
        let cause = match prepared {
            Err(error) => error,
            Ok(()) => match self.backend.start(&id, attempt).await {
                Ok(took) => return self.confirm(attempt, id, warnings, took).await,
                Err(error) => error,
            },
        };
        match self.clean_up(&id).await {
            Remains::Running => self.confirm(attempt, id, warnings, took()).await,
            Remains::Ended => Err(self.ended(attempt, id).await),
            // Somebody removed it before it ran, as `docker container prune` does.
            Remains::Nothing if matches!(cause, Error::Engine(EngineError::Refused(_))) => {
                Err(TargetError::Vanished(id).into())
            }
            Remains::Nothing | Remains::Unclear => Err(cause),
        }
    }

    /// Makes sure that a target whose start took this long has not ended at once, whoever
    /// started it. If it has, the start failed.
    async fn confirm(
        &self,
        attempt: &Attempt<'_>,
        id: TargetId,
        warnings: Vec<String>,
        took: Duration,
    ) -> Result<Started, Error> {
        let backend = self.backend.until(self.budget.answer_until);
        let Some(container) = backend.find_started(&id, took).await? else {
            return Err(attempt.ended(id, None));
        };
        match container.state {
            // The Engine has said that it runs; an unknown state does not contradict
            // that.
            State::Running | State::Unknown if backend.vouch(&id, &attempt.id).await? => {
                Ok(Started {
                    container,
                    is_new: true,
                    warnings,
                })
            }
            // A stopping target was withdrawn, and no caller has heard that it ran.
            State::Running
            | State::Unknown
            | State::Created
            | State::Starting
            | State::Stopping => Err(TargetError::InProgress.into()),
            State::Ended | State::Removing | State::Dead => Err(attempt.ended(id, container.ended)),
        }
    }

    /// The error for an ended target, with its exit code if the Engine still shows it.
    async fn ended(&self, attempt: &Attempt<'_>, id: TargetId) -> Error {
        let backend = self.backend.until(self.budget.answer_until);
        let ended = backend.ended(&id).await.ok().flatten();
        attempt.ended(id, ended)
    }

    /// Makes a container ready for its start: its limits hold, there is room for it, and
    /// it has its secrets.
    async fn prepare(
        &self,
        attempt: &Attempt<'_>,
        id: &TargetId,
        warnings: &mut Vec<String>,
    ) -> Result<(), Error> {
        // A lost reply hides the warnings. They depend only on the kernel, so no caller
        // can make use of that.
        let dropped = warnings.iter().find(|warning| is_limit_dropped(warning));
        if let Some(warning) = dropped {
            return Err(EngineError::LimitDropped(warning.clone()).into());
        }
        let survey = self.backend.survey_live_with(id).await?;
        let all = &survey.targets;
        // A Swarm accepts a name again while the last target with it may still run.
        let is_last = |found: &Target| found.id != *id && found.has_name(attempt.name.as_str());
        if all.iter().any(is_last) {
            return Err(TargetError::InProgress.into());
        }
        let own = all.iter().find(|found| found.id == *id);
        let skew = own
            .map(|own| survey.skew(own, COUNTED_WITHIN))
            .unwrap_or_default();
        if skew > SKEW_MAX {
            warnings.push(format!(
                "the clocks of the Swarm's managers differ by {} s or more, so targets are removed that much too early or too late; synchronise them",
                skew.as_secs()
            ));
        }
        Ok(capacity::check(attempt, self.config, all, 0)?)
    }
}

/// Whether a start may succeed with a new container, now that its own is gone.
fn begins_again(error: &Error) -> bool {
    matches!(
        error,
        Error::Target(TargetError::Vanished(_)) | Error::Engine(EngineError::PortTaken(_))
    )
}
