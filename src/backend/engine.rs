//! The operations on one Engine, where a target is a container: most are one call.

use std::time::Duration;

use super::LEFT_OVER_MAX;
use super::parts::listed;
use crate::ages;
use crate::attempt::Attempt;
use crate::docker::inspect;
use crate::docker::list;
use crate::docker::part::Part;
use crate::docker::remove::{self, Removed};
use crate::docker::swarm::node::Node;
use crate::docker::target::{Ended, State, Survey, Target, age};
use crate::docker::volume::{self, Renewal};
use crate::docker::{ContainerName, TargetId, archive, create, start, stats, stop};
use crate::engine::Engine;
use crate::error::Error;
use crate::fault::Fault;
use crate::platform::Platform;

/// The pause between a start and its inspect is this plus a third of the start's time,
/// if the target's processes cannot be counted: see [`Containers::find_started`].
const SETTLES: Duration = Duration::from_millis(70);

/// The shortest pause before an inspect, and before a count.
const SETTLES_MIN: Duration = Duration::from_millis(100);

/// The processes are counted after the start's time divided by this. With compilers on
/// both processors, no count missed an end for longer than a thirtieth of that time.
const COUNTED_AFTER: u32 = 10;

/// The shortest rest of a pause that is worth a count, which takes several milliseconds,
/// and a tenth of a second with sixteen starts at once.
const REST_MIN: Duration = Duration::from_millis(50);

/// The processes and threads of a target that runs: its init process, and the program
/// that this has started. One is too few: the program may be missing, and Docker may not
/// have noticed the end yet. The threads of the runtime count too, until it becomes the
/// init process, so the count is not asked for at once.
const PROCESSES_MIN: u64 = 2;

/// The longest pause before an inspect or a count. If the answer of a start was lost, its time
/// says nothing; with sixteen starts at once, no inspect missed an end for longer than 0.44 s.
const SETTLES_MAX: Duration = Duration::from_secs(1);

/// The most replaced renewals that one renewal removes: more than it writes, so their
/// number falls.
const REPLACED_MAX: usize = 2;

/// Targets as containers of one Engine.
#[derive(Debug)]
pub struct Containers<'a, P> {
    pub engine: Engine<'a, P>,
}

impl<P: Platform> Containers<'_, P> {
    pub async fn create(&self, attempt: &Attempt<'_>) -> Result<create::Outcome, Fault> {
        let call = create::create(&attempt.name, &attempt.create_body());
        self.engine.send(call).await
    }

    pub async fn start(&self, id: &TargetId, attempt: &Attempt<'_>) -> Result<Duration, Error> {
        let files = attempt.files();
        if !files.is_empty() {
            let owner = attempt.profile.secret_owner.unwrap_or_default();
            let call = archive::write_secrets(id, files, owner);
            self.engine.send(call).await?;
        }
        let platform = self.engine.platform();
        let begun = platform.now();
        let started = self.engine.send(start::start(id)).await?;
        started.map_err(|named| attempt.no_such_network(named))?;
        Ok(platform.now().saturating_sub(begun))
    }

    pub async fn vouch(&self, _: &TargetId, _: &str) -> Result<bool, Fault> {
        Ok(true)
    }

    pub async fn find_by_id(&self, id: &TargetId) -> Result<Option<Target>, Fault> {
        self.engine.send(list::find_by_id(id)).await
    }

    /// Inspects a target a moment after its start: once Docker has noticed the end of its
    /// first process, an inspect waits and then shows the end. Docker notices it after up to
    /// 30 ms with one start at a time, 0.11 s with eight, and 0.44 s with sixteen on a busy
    /// host. The kernel's count of the processes shows the end sooner, so a target that still
    /// has enough of them after an early inspect waits no longer. Each pause is longer than
    /// the worst of the tables in `bench/README.md`, and the one before the count twice as
    /// long. On a host with more builds than processors, one count in three hundred came too
    /// early.
    pub async fn find_started(
        &self,
        id: &TargetId,
        took: Duration,
    ) -> Result<Option<Target>, Fault> {
        let pause = (SETTLES + took / 3).clamp(SETTLES_MIN, SETTLES_MAX);
        let platform = self.engine.platform();
        let until = platform.now() + pause;
        let before_count = (took / COUNTED_AFTER).clamp(SETTLES_MIN, SETTLES_MAX);
        self.engine.pause(before_count).await;
        let rest = || until.saturating_sub(platform.now());
        if self.engine.counts_at_once() && rest() >= REST_MIN {
            let found = self.engine.send(inspect::inspect(id)).await?;
            let runs = |one: &Target| matches!(one.state, State::Running | State::Unknown);
            if !found.as_ref().is_some_and(runs) || self.has_processes(id, rest()).await {
                return Ok(found);
            }
        }
        self.engine.pause(rest()).await;
        self.engine.send(inspect::inspect(id)).await
    }

    /// Whether the Engine counts enough processes of the target, if it can say so within
    /// this time. A proxy in front of it may not let the call through.
    async fn has_processes(&self, id: &TargetId, limit: Duration) -> bool {
        let limit = limit.min(self.engine.time_left() / 2);
        if limit < REST_MIN {
            return false;
        }
        let count = self.engine.within(limit).send(stats::count(id)).await;
        count.is_ok_and(|count| count >= PROCESSES_MIN)
    }

    pub async fn find_by_name(&self, name: &ContainerName) -> Result<Option<Target>, Fault> {
        self.engine.send(list::find_by_name(name)).await
    }

    pub async fn survey(&self) -> Result<Survey, Fault> {
        let call = |part: &Part| list::survey(&self.engine.config().deployment_id, part);
        let mut whole = Survey::default();
        for mut part in listed(&self.engine, vec![Part::whole()], call).await? {
            part.targets.append(&mut whole.targets);
            whole = part;
        }
        Ok(whole)
    }

    /// Each list of an Engine has all containers that were created before it.
    pub async fn survey_live_with(&self, _: &TargetId) -> Result<Survey, Fault> {
        self.survey().await
    }

    pub async fn nodes(&self) -> Result<Vec<Node>, Fault> {
        Ok(Vec::new())
    }

    pub async fn ended(&self, id: &TargetId) -> Result<Option<Ended>, Fault> {
        let found = self.engine.send(inspect::inspect(id)).await?;
        Ok(found.and_then(|found| found.ended))
    }

    pub async fn stop(&self, id: &TargetId, grace: Duration) -> Result<(), Fault> {
        self.engine.send(stop::stop(id, grace)).await
    }

    pub async fn remove(&self, target: &Target) -> Result<Removed, Fault> {
        self.engine.send(remove::remove(&target.id)).await
    }

    pub async fn kill_and_remove(&self, target: &Target) -> Result<Removed, Fault> {
        self.engine.send(remove::kill_and_remove(&target.id)).await
    }

    pub async fn add_renewals(&self, targets: &mut [Target]) -> Result<(), Fault> {
        if targets.is_empty() {
            return Ok(());
        }
        let renewals = self.renewals().await?;
        for target in targets {
            target.renewed = longest(&renewals, &target.id);
        }
        Ok(())
    }

    async fn renewals(&self) -> Result<Vec<Renewal>, Fault> {
        let deployment = &self.engine.config().deployment_id;
        self.engine.send(volume::list(deployment)).await
    }

    async fn remove_renewal(&self, renewal: &Renewal) -> Result<(), Fault> {
        let deployment = &self.engine.config().deployment_id;
        self.engine.send(volume::remove(deployment, renewal)).await
    }

    /// Writes the renewal. The replaced one stays until every list has this one: see
    /// [`Renewal::is_replaced`]. Meanwhile the longest counts.
    ///
    /// A reap lists renewals after targets. So if the renewal was written before the
    /// target expired, by the Engine's own clock, a reap that finds the target expired
    /// also finds the renewal.
    pub async fn renew(
        &self,
        target: &Target,
        lifetime: Duration,
    ) -> Result<Option<Duration>, Fault> {
        let renewal = Renewal::new(target.id.clone(), lifetime);
        let call = volume::create(&self.engine.config().deployment_id, &renewal);
        let written = self.engine.send(call).await?;
        if age(target.created, written) > ages::lifetime(target, self.engine.config().max_lifetime)
        {
            return Ok(None);
        }
        let mut known = lifetime;
        // A renewal that stays is a leftover, and does no harm.
        if !target.renewed.is_zero()
            && let Ok(renewals) = self.renewals().await
        {
            known = known.max(longest(&renewals, &target.id));
            let own = renewals.iter().filter(|one| one.target == target.id);
            let replaced = own.filter(|one| one.is_replaced(&renewals));
            for one in replaced.take(REPLACED_MAX) {
                let _ = self.remove_renewal(one).await;
            }
        }
        Ok(Some(known))
    }

    /// Removes renewals that a longer one has replaced, or whose target is gone.
    pub async fn remove_left_over(&self, targets: &[Target]) -> Result<usize, Fault> {
        let renewals = self.renewals().await?;
        let is_replaced = |renewal: &Renewal| renewal.is_replaced(&renewals);
        let is_there = |renewal: &Renewal| targets.iter().any(|known| known.id == renewal.target);
        let left = renewals.iter();
        let left = left.filter(|renewal| is_replaced(renewal) || !is_there(renewal));
        let mut removed = 0;
        for renewal in left.take(LEFT_OVER_MAX) {
            // The target may be younger than the list of targets.
            let is_needed =
                !is_replaced(renewal) && self.find_by_id(&renewal.target).await?.is_some();
            if !is_needed {
                removed += usize::from(self.remove_renewal(renewal).await.is_ok());
            }
        }
        Ok(removed)
    }
}

/// The longest age up to which a target was renewed; zero if it was not.
fn longest(renewals: &[Renewal], target: &TargetId) -> Duration {
    let own = renewals.iter().filter(|one| one.target == *target);
    own.map(|one| one.lifetime).max().unwrap_or_default()
}
