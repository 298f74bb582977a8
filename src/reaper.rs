//! Which containers the server removes on its own, and why.
//!
//! Decides only from labels, renewals, states and the Engine's own clock, so all replicas
//! reach the same verdict despite differing clocks.

use std::time::Duration;

use crate::ages::{ENDED_STAYS, START_WITHIN, lifetime, start_within};
use crate::backend::Backend;
use crate::config::Config;
use crate::docker::remove::Removed;
use crate::docker::target::{State, Target};
use crate::fault::Fault;
use crate::platform::Platform;

/// Why a container is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It was created and never started, or on a Swarm started without a vouch.
    NeverStarted,
    /// It has ended by itself.
    Ended {
        /// The exit code of its first process, if it is known.
        exit_code: Option<i64>,
    },
    /// Its Swarm has ended it because its health check failed.
    Unhealthy {
        /// The exit code of its first process, if it is known.
        exit_code: Option<i64>,
    },
    /// It has outlived its `max_lifetime`.
    Expired,
    /// An earlier removal has failed half-way.
    RemovalFailed,
}

impl Reason {
    /// Its code, which never changes, for programs that read the log or metrics.
    pub fn code(self) -> &'static str {
        match self {
            Self::NeverStarted => "never_started",
            Self::Ended { .. } => "ended",
            Self::Unhealthy { .. } => "unhealthy",
            Self::Expired => "expired",
            Self::RemovalFailed => "removal_failed",
        }
    }

    /// The exit code of a container that has ended by itself, if it is known.
    pub fn exit_code(self) -> Option<i64> {
        match self {
            Self::Ended { exit_code } | Self::Unhealthy { exit_code } => exit_code,
            Self::NeverStarted | Self::Expired | Self::RemovalFailed => None,
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NeverStarted => f.write_str("never started"),
            Self::Ended {
                exit_code: Some(code),
            } => write!(f, "ended with exit code {code}"),
            Self::Ended { exit_code: None } => f.write_str("ended"),
            Self::Unhealthy { .. } => f.write_str("its health check failed"),
            Self::Expired => f.write_str("past its lifetime"),
            Self::RemovalFailed => f.write_str("an earlier removal has failed"),
        }
    }
}

/// The verdict on a container from the list alone.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Keep,
    Remove(Reason),
    /// It has ended; an inspect tells when.
    Inspect,
}

fn verdict(container: &Target, config: &Config) -> Verdict {
    let Some(age) = container.age else {
        return Verdict::Keep;
    };
    match container.state {
        State::Created | State::Starting if age > start_within(container) => {
            Verdict::Remove(Reason::NeverStarted)
        }
        // A start that was cut off may take effect long after its webhook ended.
        State::Running if container.is_unanswered() && age > start_within(container) => {
            Verdict::Remove(Reason::NeverStarted)
        }
        // If another removal finishes it, it keeps its reason.
        State::Dead if container.is_unanswered() => Verdict::Remove(Reason::NeverStarted),
        State::Running | State::Stopping | State::Dead | State::Unknown
            if age > lifetime(container, config.max_lifetime) =>
        {
            Verdict::Remove(Reason::Expired)
        }
        // It was created before it ended.
        State::Ended if age > ENDED_STAYS => Verdict::Inspect,
        State::Dead => Verdict::Remove(Reason::RemovalFailed),
        // A Podman that is killed during a removal never finishes it. A Docker that is
        // still at it answers 409.
        State::Removing if age > START_WITHIN => Verdict::Remove(Reason::RemovalFailed),
        _ => Verdict::Keep,
    }
}

/// Why a container is due, from the list alone.
pub fn due(container: &Target, config: &Config) -> Option<Reason> {
    match verdict(container, config) {
        Verdict::Remove(reason) => Some(reason),
        Verdict::Keep | Verdict::Inspect => None,
    }
}

/// The scope of one reap.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// The most removals.
    pub removals_max: usize,
    /// The most containers that it inspects, removes, or both.
    pub tries_max: usize,
    /// The longest time for one container.
    pub each: Duration,
    /// Whether it only names the containers.
    pub dry_run: bool,
    /// One reap in this many looks for leftovers of targets that are gone.
    pub per_sweep: u128,
}

impl Scope {
    /// After an answer: a few, because the next webhook continues. Failures do not count
    /// as removals, and one container may take at most a quarter of the time: containers
    /// that cannot be removed then leave time for the others. The Engine continues a
    /// removal that nobody waits for.
    pub const AFTER_ANSWER: Self = Self {
        removals_max: 4,
        tries_max: 16,
        each: Duration::from_secs(1),
        dry_run: false,
        // A target that was renewed and then stopped leaves one small volume. A caller
        // that renews targets also starts them.
        per_sweep: 8,
    };

    /// On demand: as many as the time allows. Podman waits five seconds before
    /// a removal by force.
    pub fn whole(dry_run: bool) -> Self {
        Self {
            removals_max: usize::MAX,
            tries_max: usize::MAX,
            each: Duration::from_secs(6),
            dry_run,
            per_sweep: 1,
        }
    }
}

/// The result of a reap.
#[derive(Debug, Default)]
pub struct Report {
    /// The containers that this reap removed, or would remove, and why.
    pub removed: Vec<(Target, Reason)>,
    /// The containers whose removal failed, with its reason and the failure.
    pub failed: Vec<(Target, Reason, Fault)>,
    /// How many containers of this deployment there were before.
    pub found: usize,
    /// How many of them may be due and are left for the next reap: the time or the scope
    /// ended, or a node of the Swarm has not confirmed the end.
    pub left: usize,
    /// How many leftovers, secrets or renewals of targets that are gone, were removed.
    pub left_over: usize,
    /// Why leftovers were not looked for.
    pub left_over_fault: Option<Fault>,
    /// Why the renewals are not known. No target is then removed by its lifetime.
    pub renewals_fault: Option<Fault>,
}

impl Report {
    /// Notes for the log: the containers that a dry run would remove, and how many are
    /// left. Removals have lines of their own.
    pub fn notes(&self, dry_run: bool) -> Vec<String> {
        let removed = self.removed.iter().filter(|_| dry_run);
        let removed =
            removed.map(|(found, reason)| format!("would reap {}: {reason}", found.id.short()));
        let left = (self.left > 0).then(|| format!("left for the next reap: {}", self.left));
        let left_over = (self.left_over > 0).then(|| {
            let count = self.left_over;
            format!("removed secrets and renewals without a target: {count}")
        });
        let fault = self.left_over_fault.as_ref();
        let fault = fault
            .map(|fault| format!("cannot list secrets and renewals without a target: {fault}"));
        let unsure = self.renewals_fault.as_ref();
        let unsure = unsure.map(|fault| {
            format!("no expired target was removed, because renewals cannot be listed: {fault}")
        });
        let rest = left.into_iter().chain(left_over).chain(fault).chain(unsure);
        removed.chain(rest).collect()
    }
}

/// Removes the containers that are due, in a random order.
///
/// Nothing is remembered between requests. In a fixed order, every reap on every replica
/// would begin with the same containers, and would never get past those that cannot be
/// removed.
/// Fails only if the list does: later faults are in the report.
pub async fn reap<P: Platform>(backend: &Backend<'_, P>, scope: Scope) -> Result<Report, Fault> {
    let config = backend.engine.config();
    let mut ours = backend.list().await?;
    if ours.iter().any(|container| container.age.is_none()) {
        return Err(Fault::Nonsense("a list without a date".to_owned()));
    }
    let mut report = Report {
        found: ours.len(),
        ..Report::default()
    };
    let expired = Verdict::Remove(Reason::Expired);
    // After the targets: if one has expired since, and was renewed before that, only a
    // later list shows its renewal.
    if ours.iter().any(|one| verdict(one, config) == expired) {
        report.renewals_fault = backend.add_renewals(&mut ours).await.err();
    }
    let (mut due, mut stopping): (Vec<(&Target, Verdict)>, Vec<_>) = ours
        .iter()
        .map(|container| (container, verdict(container, config)))
        .filter(|(_, verdict)| *verdict != Verdict::Keep)
        .partition(|(container, _)| container.state != State::Stopping);
    if report.renewals_fault.is_some() {
        for part in [&mut due, &mut stopping] {
            let all = part.len();
            part.retain(|(_, verdict)| *verdict != expired);
            report.left += all - part.len();
        }
    }
    for part in [&mut due, &mut stopping] {
        shuffle(part, || backend.engine.platform().random());
    }
    // Stopping targets come last: one on a lost node costs a look, and ends no sooner.
    due.append(&mut stopping);
    for (tries, (container, verdict)) in due.iter().enumerate() {
        let is_enough = report.removed.len() >= scope.removals_max || tries >= scope.tries_max;
        if is_enough || backend.engine.time_left().is_zero() {
            report.left += due.len() - tries;
            break;
        }
        let backend = backend.within(scope.each);
        let reason = match verdict {
            Verdict::Keep => continue,
            Verdict::Remove(reason) => *reason,
            Verdict::Inspect => match ended_long_ago(&backend, container).await {
                Some(reason) => reason,
                None => continue,
            },
        };
        remove(&backend, container, reason, scope, &mut report).await;
    }
    let is_gone = |target: &Target| report.removed.iter().any(|(gone, _)| gone.id == target.id);
    let has_left = |target: &Target| is_gone(target) && !target.renewed.is_zero();
    // On a Swarm, each reap looks for secrets, which are worth more than a call.
    let sweeps = backend.has_nodes()
        || ours.iter().any(has_left)
        || (backend.engine.platform().random() >> 64).is_multiple_of(scope.per_sweep);
    if sweeps && !scope.dry_run {
        ours.retain(|target| !is_gone(target));
        match backend.remove_left_over(&ours).await {
            Ok(count) => report.left_over = count,
            Err(fault) => report.left_over_fault = Some(fault),
        }
    }
    Ok(report)
}

/// Puts `items` into a random order: Fisher and Yates' shuffle.
fn shuffle<T>(items: &mut [T], random: impl Fn() -> u128) {
    for last in (1..items.len()).rev() {
        let chosen = (random() >> 64) % (last as u128 + 1);
        items.swap(last, chosen as usize);
    }
}

/// The reason to remove a container that ended long enough ago.
async fn ended_long_ago<P: Platform>(
    backend: &Backend<'_, P>,
    container: &Target,
) -> Option<Reason> {
    let ended = match &container.ended {
        Some(ended) => ended.clone(),
        None => backend.ended(&container.id).await.ok().flatten()?,
    };
    let stayed = u64::try_from(ended.seconds_ago?).ok()?;
    let exit_code = ended.exit_code;
    let reason = match ended.is_unhealthy {
        true => Reason::Unhealthy { exit_code },
        false => Reason::Ended { exit_code },
    };
    (Duration::from_secs(stayed) > ENDED_STAYS).then_some(reason)
}

/// Removes one container, by force only if it has expired: any other that runs by now is
/// in use.
async fn remove<P: Platform>(
    backend: &Backend<'_, P>,
    container: &Target,
    reason: Reason,
    scope: Scope,
    report: &mut Report,
) {
    let found = container.clone();
    if scope.dry_run {
        report.removed.push((found, reason));
        return;
    }
    let removed = match reason {
        Reason::Expired => backend.kill_and_remove(container).await,
        // Without force, for every other reason.
        _ => backend.remove(container).await,
    };
    match removed {
        Ok(Removed::Done) => report.removed.push((found, reason)),
        Ok(Removed::Ending) => report.left += 1,
        // It runs by now, or another replica is removing or has removed it.
        Ok(Removed::Absent | Removed::Declined) => {}
        Err(fault) => report.failed.push((found, reason, fault)),
    }
}

#[cfg(test)]
mod tests;
