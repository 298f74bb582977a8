//! A target as the core knows it: a container of an Engine, or a service of a Swarm with
//! its task.

use std::collections::BTreeMap;
use std::time::Duration;

use time::OffsetDateTime;

use super::ports::Published;
use super::{DeploymentId, TargetId, label};

/// A target's container, or its service on a Swarm, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its id.
    pub id: TargetId,
    /// Its state.
    pub state: State,
    /// Time since its creation, by the Engine's own clock, exact to a second;
    /// `None` if the reply had no date.
    pub age: Option<Duration>,
    /// When it was created, in seconds of Unix time by the Engine's own clock.
    pub created: i64,
    /// The reference of its image; the image's id if no reference is left.
    pub image: String,
    /// The id of its image, which is a digest; on a Swarm the reference, which has one.
    pub image_id: String,
    /// How it ended, if the reply shows that, as an inspect and a Swarm's lists do.
    pub ended: Option<Ended>,
    /// The result of its health check while it runs, if it has one and the reply shows
    /// it.
    pub ready: Option<bool>,
    /// The id of its node, on a Swarm.
    pub node: Option<String>,
    /// Its address in its network, while it has one; not on a Swarm.
    pub address: Option<String>,
    /// The ports that its host publishes, as far as the reply shows them.
    pub published: Vec<Published>,
    /// The age up to which a renewal lets it run; zero without one, or if renewals were
    /// not asked for.
    pub renewed: Duration,
    pub(super) names: Vec<String>,
    pub(super) labels: BTreeMap<String, String>,
}

/// The state of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Created and never started, or its start has failed.
    Created,
    /// Started, and not yet running: a Swarm looks for a node, or the node pulls the
    /// image. Only a removal keeps it from running.
    Starting,
    /// Running, or paused or restarting.
    Running,
    /// To end, and perhaps still running on a node that has not confirmed the end.
    Stopping,
    /// Being removed.
    Removing,
    /// Ended by itself.
    Ended,
    /// It never runs again, and another removal finishes the work: a removal failed
    /// half-way (moby, `daemon/delete.go`), a start was withdrawn, or a node rejected it.
    Dead,
    /// A word that is not known, or Podman's `unknown`. It may run.
    Unknown,
}

impl Target {
    /// Whether this deployment made it: see [`label::NAME`].
    pub fn is_of(&self, deployment: &DeploymentId) -> bool {
        self.label(label::DEPLOYMENT) == Some(deployment.as_str())
            && self
                .label(label::NAME)
                .is_some_and(|name| self.has_name(name))
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).map(String::as_str)
    }

    /// The value of a label that holds seconds.
    pub fn label_seconds(&self, key: &str) -> Option<Duration> {
        seconds(&self.labels, key)
    }

    /// Whether it is on a Swarm and has no vouch.
    pub fn is_unanswered(&self) -> bool {
        self.id.is_of_service() && self.label(label::VOUCHED) != Some("true")
    }

    /// Whether it has a published port whose host is not known.
    pub fn lacks_host(&self) -> bool {
        self.published.iter().any(|port| port.host.is_none())
    }

    /// Sets the host of its published ports.
    pub fn set_host(&mut self, host: Option<&str>) {
        for port in &mut self.published {
            port.host = host.map(str::to_owned);
        }
    }

    /// Whether it has this name.
    pub fn has_name(&self, name: &str) -> bool {
        self.names
            .iter()
            .any(|listed| listed.strip_prefix('/').unwrap_or(listed) == name)
    }
}

/// How a container ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Seconds since then, by the Engine's own clock; `None` if the reply does not show
    /// it.
    pub seconds_ago: Option<i64>,
    /// The exit code of its first process, if it is known. An Engine always knows it; a
    /// Swarm does not after it has given up on a node.
    pub exit_code: Option<i64>,
    /// Whether its Swarm ended it because its health check failed. An Engine lets such a
    /// container run on.
    pub is_unhealthy: bool,
}

/// The targets of a deployment, and more from the same list.
#[derive(Debug, Default)]
pub struct Survey {
    /// The targets.
    pub targets: Vec<Target>,
    /// The Engine's own time, if the reply has it.
    pub now: Option<OffsetDateTime>,
    /// The Engine's name and version, if the reply has them.
    pub engine: Option<String>,
}

impl Survey {
    /// Whether all ages are known.
    pub fn tells_ages(&self) -> bool {
        self.targets.iter().all(|target| target.age.is_some())
    }

    /// The least clock skew between the time of a target's creation and [`Survey::now`].
    /// The target is not older than `age`. An Engine has one clock, but each manager of a
    /// Swarm has its own.
    pub fn skew(&self, target: &Target, age: Duration) -> Duration {
        let age = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
        // A second for each of the two rounded times that make an age.
        let possible = 0..=age.saturating_add(2);
        let seconds = self.now.map_or(0, |now| {
            let told = now.unix_timestamp().saturating_sub(target.created);
            told - told.clamp(*possible.start(), *possible.end())
        });
        Duration::from_secs(seconds.unsigned_abs())
    }
}

/// The value of a label that holds seconds.
pub(super) fn seconds(labels: &BTreeMap<String, String>, key: &str) -> Option<Duration> {
    labels.get(key)?.parse().ok().map(Duration::from_secs)
}

/// The time since a creation. A creation in the future means that a clock was set back,
/// or that the clocks of a Swarm's managers differ.
pub(crate) fn age(created: i64, now: OffsetDateTime) -> Duration {
    let seconds = now.unix_timestamp().saturating_sub(created);
    Duration::from_secs(seconds.try_into().unwrap_or(0))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The id of a container.
    pub(crate) const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    pub(crate) fn id() -> TargetId {
        TargetId::parse(ID).expect("an id")
    }

    /// A container with this state, age and labels.
    pub(crate) fn aged(state: &str, age: Option<u64>, labels: &[(&str, &str)]) -> Target {
        let labels = labels.iter();
        Target {
            id: id(),
            state: State::parse(state),
            age: age.map(Duration::from_secs),
            created: 1_795_395_600,
            image: "agent".to_owned(),
            image_id: "sha256:0123".to_owned(),
            ended: None,
            ready: None,
            node: None,
            address: None,
            published: Vec::new(),
            renewed: Duration::ZERO,
            names: Vec::new(),
            labels: labels
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }
}
