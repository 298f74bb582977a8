//! A target as the core knows it: a container of an Engine, or a service of a Swarm and
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
    /// The reference of its image; an id if the Engine has none for it any more.
    pub image: String,
    /// The id of its image, which is a digest; on a Swarm the reference, which has one.
    pub image_id: String,
    /// How it has ended, if the reply tells that, as an inspect and a Swarm's lists do.
    pub ended: Option<Ended>,
    /// What its health check says while it runs, if it has one and the reply tells that.
    pub ready: Option<bool>,
    /// The id of the node of a Swarm that it is on, if it is on one.
    pub node: Option<String>,
    /// Its address in its network, while it has one. A Swarm does not tell it.
    pub address: Option<String>,
    /// Its ports that its host publishes, as far as the reply tells.
    pub published: Vec<Published>,
    /// The age up to which a renewal lets it run; zero if it has none, or if renewals were
    /// not looked for.
    pub renewed: Duration,
    pub(super) names: Vec<String>,
    pub(super) labels: BTreeMap<String, String>,
}

/// A container's state, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Created and never started, or its start has failed.
    Created,
    /// Started, and not yet running: a Swarm looks for a node, or the node pulls the
    /// image. Nothing but a removal keeps it from running.
    Starting,
    /// Running, also while paused or restarting.
    Running,
    /// To be ended, and perhaps still running on a node that has not confirmed the end.
    Stopping,
    /// Being removed.
    Removing,
    /// Ended by itself.
    Ended,
    /// It never runs again, and another removal finishes the work: a removal of it
    /// has failed half-way (moby, `daemon/delete.go`), a start has been withdrawn, or
    /// a node has rejected it.
    Dead,
    /// A word that no known Engine uses.
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

    /// Whether it is one of a Swarm that nobody was told of.
    pub fn is_unanswered(&self) -> bool {
        self.id.is_of_service() && self.label(label::VOUCHED) != Some("true")
    }

    /// Whether it has a published port, and it is not known on which host.
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
    /// Seconds since then, by the Engine's own clock; `None` if the reply does
    /// not tell.
    pub seconds_ago: Option<i64>,
    /// The exit code of its first process, if it is known. An Engine always knows it,
    /// and a Swarm does not after it has given up a node.
    pub exit_code: Option<i64>,
    /// Whether its Swarm has ended it because its health check failed. An Engine goes on
    /// running such a container.
    pub is_unhealthy: bool,
}

/// The targets of a deployment, and what else a list tells.
#[derive(Debug)]
pub struct Survey {
    /// The targets, the youngest first.
    pub targets: Vec<Target>,
    /// The Engine's own time, if it has told it.
    pub now: Option<OffsetDateTime>,
    /// The Engine's name and version, if it has told them.
    pub engine: Option<String>,
}

impl Survey {
    /// Whether all ages are known.
    pub fn tells_ages(&self) -> bool {
        self.targets.iter().all(|target| target.age.is_some())
    }

    /// How far the clock that has written the creation of a target is from the one
    /// that has told [`Survey::now`], at least. The target is not older than `age`.
    /// An Engine has one clock, and each manager of a Swarm has one of its own.
    pub fn skew(&self, target: &Target, age: Duration) -> Duration {
        let age = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
        // A second for each of the two times that the age is rounded from.
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

/// The time since a creation. One in the future means that a clock was set back, or
/// that the clocks of a Swarm's managers differ.
pub(crate) fn age(created: i64, now: OffsetDateTime) -> Duration {
    let seconds = now.unix_timestamp().saturating_sub(created);
    Duration::from_secs(seconds.try_into().unwrap_or(0))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    /// A container of that state, age and labels.
    pub(crate) fn aged(state: &str, age: Option<u64>, labels: &[(&str, &str)]) -> Target {
        let labels = labels.iter();
        Target {
            id: TargetId::parse(ID).expect("an id"),
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
