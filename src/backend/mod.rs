//! The operations on targets, carried out by one Engine or by a Swarm.
//!
//! [`crate::provision`] and [`crate::reaper`] decide which operation comes next, what
//! follows a failed one, and which target is due. A backend decides how to carry out an
//! operation. On an Engine, where a target is a container, it mostly makes one call. On a
//! Swarm, where a target is a service, it has a policy:
//!
//! | file | decides |
//! |---|---|
//! | `engine.rs` | how long after its start a target's state can be relied on; which renewal counts, and which are left over |
//! | `swarm/start.rs` | the same; how long a start waits for a task, and when it gives up |
//! | `swarm/update.rs` | whether a vouch or a renewal is repeated |
//! | `swarm/list.rs` | into how many parts a list is divided, and when it is repeated |
//! | `swarm/remove.rs` | whether a service may be fenced, how long its end is waited for, and which secrets are left over |
//!
//! [`crate::engine`] repeats failed looks, and limits the time of each call.

mod engine;
mod parts;
mod swarm;

use std::time::Duration;

use engine::Containers;
use swarm::Services;

use crate::attempt::Attempt;
use crate::config::SchedulerKind;
use crate::docker::create::Outcome;
use crate::docker::remove::Removed;
use crate::docker::swarm::node::Node;
use crate::docker::target::{Ended, Survey, Target};
use crate::docker::{ContainerName, TargetId};
use crate::engine::Engine;
use crate::error::Error;
use crate::fault::Fault;
use crate::platform::Platform;

/// The most leftovers that one reap removes: secrets or renewals that nothing needs.
const LEFT_OVER_MAX: usize = 16;

/// Carries out the operations of one part of a webhook, on one Engine or on a Swarm.
#[derive(Debug)]
pub struct Backend<'a, P> {
    /// For calls that are not about targets, too.
    pub(crate) engine: Engine<'a, P>,
}

impl<'a, P: Platform> Backend<'a, P> {
    /// The backend that the variables name, reached through `engine`.
    pub fn new(engine: Engine<'a, P>) -> Self {
        Self { engine }
    }

    /// The same, until another moment.
    pub fn until(&self, until: Duration) -> Self {
        Self::new(self.engine.until(until))
    }

    /// The same, for at most this long.
    pub fn within(&self, limit: Duration) -> Self {
        Self::new(self.engine.within(limit))
    }

    /// Whether an id has the form that this backend gives to ids. No other id can find a
    /// target.
    pub fn gives_out(&self, id: &TargetId) -> bool {
        id.is_of_service() == self.has_nodes()
    }

    /// Whether targets run on the nodes of a Swarm. Its managers do not know which
    /// images the nodes have, nor the options of their networks.
    pub fn has_nodes(&self) -> bool {
        self.engine.config().scheduler == SchedulerKind::Swarm
    }

    /// Lists the targets of this deployment.
    pub async fn list(&self) -> Result<Vec<Target>, Fault> {
        Ok(self.survey().await?.targets)
    }

    /// Lists them with their renewals, or why these are not known: an older proxy refuses
    /// their list. A renewed target then seems to expire earlier than it does.
    pub async fn survey_with_renewals(&self) -> Result<(Survey, Option<Fault>), Fault> {
        let mut survey = self.survey().await?;
        let fault = self.add_renewals(&mut survey.targets).await.err();
        Ok((survey, fault))
    }
}

/// Defines each operation, which one of the two backends carries out.
macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty),*) -> $outcome:ty;)*) => {
        impl<P: Platform> Backend<'_, P> {
            $($(#[$doc])*
            pub async fn $name(&self, $($argument: $type),*) -> $outcome {
                let Self { engine } = *self;
                match engine.config().scheduler {
                    SchedulerKind::Engine => Containers { engine }.$name($($argument),*).await,
                    SchedulerKind::Swarm => Services { engine }.$name($($argument),*).await,
                }
            })*
        }
    };
}

// A failure is that of a call. The call may have had an effect, so a target whose start
// failed may run, unless the fault says that it had none.
operations! {
    /// Creates a target that does not run yet.
    create(attempt: &Attempt<'_>) -> Result<Outcome, Fault>;

    /// Gives a target its secrets and starts it; `attempt` has created it. Returns how long
    /// the start of its container took, or on a Swarm that of its task.
    start(id: &TargetId, attempt: &Attempt<'_>) -> Result<Duration, Error>;

    /// Before a caller hears that a target runs, makes sure that nobody withdraws it;
    /// `false` if it is already withdrawn. `attempt` is the caller's own. An Engine does
    /// not remove what runs, so there this makes no call.
    vouch(id: &TargetId, attempt: &str) -> Result<bool, Fault>;

    /// Finds the target with this id, in any state.
    find_by_id(id: &TargetId) -> Result<Option<Target>, Fault>;

    /// Finds a target that was seen running, once its state is reliable: one that ended
    /// at once is then not shown as running. `took` is how long its start took, if that
    /// is known.
    find_started(id: &TargetId, took: Duration) -> Result<Option<Target>, Fault>;

    /// Finds the target with this name, in any state.
    find_by_name(name: &ContainerName) -> Result<Option<Target>, Fault>;

    /// Lists the targets of this deployment, and notes which Engine answered and when.
    survey() -> Result<Survey, Fault>;

    /// Lists the live targets, once the list has the one that was just created. The list
    /// is for counting: it may have others too, and on a Swarm it shows a target with a
    /// vouch as stopping, whatever its task does.
    survey_live_with(id: &TargetId) -> Result<Survey, Fault>;

    /// The nodes of a Swarm; none on an Engine, without a call.
    nodes() -> Result<Vec<Node>, Fault>;

    /// How a target ended; `None` if it is gone.
    ended(id: &TargetId) -> Result<Option<Ended>, Fault>;

    /// Asks a target to end, and kills it after `grace`. A Swarm grants the grace with
    /// every removal, so there this makes no call.
    stop(id: &TargetId, grace: Duration) -> Result<(), Fault>;

    /// Removes a target, unless it runs or has a vouch.
    remove(target: &Target) -> Result<Removed, Fault>;

    /// Kills and removes a target.
    kill_and_remove(target: &Target) -> Result<Removed, Fault>;

    /// Adds to each target the age up to which it was renewed. A Swarm's lists show that
    /// already, so there this makes no call.
    add_renewals(targets: &mut [Target]) -> Result<(), Fault>;

    /// Lets a target run up to a later age, and returns the latest that is known: another
    /// request may have renewed it for longer. `None` if it may be ending by now. Its
    /// renewals must have been added before.
    renew(target: &Target, lifetime: Duration) -> Result<Option<Duration>, Fault>;

    /// Removes a few leftovers of targets that are gone, and returns how many: renewals
    /// on an Engine, secrets on a Swarm. `targets` are those that exist.
    remove_left_over(targets: &[Target]) -> Result<usize, Fault>;
}
