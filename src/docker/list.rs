//! `GET /containers/json` (Engine API, ContainerList).
//!
//! A list reads a snapshot and never waits for a start in progress. It may show a
//! container as running for seconds after its end: see [`super::inspect`].

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;

use super::call::Call;
use super::inspect::Ended;
use super::{ContainerName, DeploymentId, Reply, TargetId, bodiless, label, query_encoded};
use crate::fault::Fault;

/// A target's container, or its service on a Swarm, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
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
    /// The id of the node of a Swarm that it is on, if it is on one.
    pub node: Option<String>,
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

impl Listed {
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
        let seconds = self.label(key)?.parse().ok()?;
        Some(Duration::from_secs(seconds))
    }

    /// Whether the container has this name.
    pub fn has_name(&self, name: &str) -> bool {
        self.names
            .iter()
            .any(|listed| listed.strip_prefix('/').unwrap_or(listed) == name)
    }
}

/// Finds the container of that id, whatever its state. The Engine's filter also
/// matches prefixes, so the id is compared here.
pub fn find_by_id(id: &TargetId) -> Call<Option<Listed>> {
    let id = id.clone();
    list(&json!({"id": [id.as_str()]}), move |all| {
        all.into_iter().find(|container| container.id == id)
    })
}

/// Finds the container of that name, whatever its state.
pub fn find_by_name(name: &ContainerName) -> Call<Option<Listed>> {
    let name = name.as_str().to_owned();
    // The filter is a regular expression. A name has only letters, digits and
    // dashes, so nothing in it needs escaping.
    list(&json!({"name": [format!("^/?{name}$")]}), move |all| {
        all.into_iter().find(|container| container.has_name(&name))
    })
}

/// The containers of a deployment, and what else a list tells.
#[derive(Debug)]
pub struct Survey {
    /// The containers, the youngest first.
    pub containers: Vec<Listed>,
    /// The Engine's own time, if it has told it.
    pub now: Option<OffsetDateTime>,
    /// The Engine's name and version, if it has told them.
    pub engine: Option<String>,
}

impl Survey {
    /// Whether all ages are known.
    pub fn tells_ages(&self) -> bool {
        self.containers
            .iter()
            .all(|container| container.age.is_some())
    }

    /// How far the clock that has written the creation of a target is from the one
    /// that has told [`Survey::now`], at least. The target is not older than `age`.
    /// An Engine has one clock, and each manager of a Swarm has one of its own.
    pub fn skew(&self, target: &Listed, age: Duration) -> Duration {
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

/// Lists the containers of a deployment, and notes who has answered and when.
///
/// An image can carry the deployment's label too, so [`Listed::is_of`] has the
/// last word.
pub fn survey(deployment: &DeploymentId) -> Call<Survey> {
    let deployment = deployment.clone();
    look(&of_deployment(&deployment), move |reply| {
        let mut containers = listed(reply)?;
        containers.retain(|container| container.is_of(&deployment));
        Ok(Survey {
            containers,
            now: reply.date(),
            engine: reply.engine(),
        })
    })
}

/// Lists containers; `select` takes those that were meant.
fn list<T>(filters: &serde_json::Value, select: impl Fn(Vec<Listed>) -> T + 'static) -> Call<T> {
    look(filters, move |reply| listed(reply).map(&select))
}

fn look<T>(
    filters: &serde_json::Value,
    reader: impl Fn(&Reply) -> Result<T, Fault> + 'static,
) -> Call<T> {
    let filters = query_encoded(&filters.to_string());
    let path = format!("/containers/json?all=true&filters={filters}");
    Call::look("list", bodiless(Method::GET, &path), reader).if_too_long(
        "each target is listed with all labels of its image, so give the image fewer labels, or lower max_targets",
    )
}

/// The filter for what carries the deployment's label.
fn of_deployment(deployment: &DeploymentId) -> serde_json::Value {
    json!({"label": [format!("{}={}", label::DEPLOYMENT, deployment.as_str())]})
}

/// Reads a list.
///
/// # Errors
///
/// Any reply that is not a list of containers.
pub fn listed(reply: &Reply) -> Result<Vec<Listed>, Fault> {
    let summaries: Vec<Summary> = reply.listed()?;
    let now = reply.date();
    summaries
        .into_iter()
        .map(|summary| Listed::from_summary(summary, now))
        .collect()
}

/// An entry of a list.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Summary {
    pub(super) id: String,
    pub(super) names: Option<Vec<String>>,
    pub(super) state: String,
    pub(super) labels: Option<BTreeMap<String, String>>,
    pub(super) created: i64,
    #[serde(default)]
    pub(super) image: String,
    #[serde(rename = "ImageID", default)]
    pub(super) image_id: String,
}

impl Listed {
    pub(super) fn from_summary(
        summary: Summary,
        now: Option<OffsetDateTime>,
    ) -> Result<Self, Fault> {
        let id = TargetId::of_container(&summary.id)
            .ok_or_else(|| Fault::Nonsense("a container with an invalid id".to_owned()))?;
        Ok(Self {
            id,
            state: State::parse(&summary.state),
            age: now.map(|now| age(summary.created, now)),
            created: summary.created,
            image: summary.image,
            image_id: summary.image_id,
            ended: None,
            node: None,
            names: summary.names.unwrap_or_default(),
            labels: summary.labels.unwrap_or_default(),
        })
    }
}

/// The time since a creation. One in the future means that a clock was set back, or
/// that the clocks of a Swarm's managers differ.
pub(super) fn age(created: i64, now: OffsetDateTime) -> Duration {
    let seconds = now.unix_timestamp().saturating_sub(created);
    Duration::from_secs(seconds.try_into().unwrap_or(0))
}

impl State {
    fn parse(text: &str) -> Self {
        match text {
            // Some versions of Podman use more words than Docker for
            // containers that are not yet started or have ended.
            "created" | "configured" | "initialized" => Self::Created,
            "running" | "paused" | "restarting" | "stopping" => Self::Running,
            "removing" => Self::Removing,
            "exited" | "stopped" => Self::Ended,
            "dead" => Self::Dead,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::docker::reply::tests::{dated, reply};
    use crate::secret::Secret;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    /// A container of that state, age and labels.
    pub(crate) fn aged(state: &str, age: Option<u64>, labels: &[(&str, &str)]) -> Listed {
        let labels = labels.iter();
        Listed {
            id: TargetId::parse(ID).expect("an id"),
            state: State::parse(state),
            age: age.map(Duration::from_secs),
            created: 1_795_395_600,
            image: "agent".to_owned(),
            image_id: "sha256:0123".to_owned(),
            ended: None,
            node: None,
            names: Vec::new(),
            labels: labels
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }

    fn one(names: &str, labels: &str) -> Listed {
        let body = format!(
            r#"[{{"Id":"{ID}","Names":{names},"State":"running","Created":0,"Labels":{labels}}}]"#
        );
        listed(&reply(200, &body)).expect("a list").remove(0)
    }

    #[test]
    fn a_filter_is_anchored_and_encoded() {
        let deployment = DeploymentId::parse("da").expect("an id");
        let name = ContainerName::from_token(&deployment, &Secret::new("t"));
        let uri = find_by_name(&name).request.uri().to_string();
        let expected = format!(
            "/containers/json?all=true&filters=%7B%22name%22%3A%5B%22%5E%2F%3F{}%24%22%5D%7D",
            name.as_str()
        );
        assert_eq!(uri, expected);
        let id = TargetId::parse(ID).expect("an id");
        assert_eq!(
            find_by_id(&id).request.uri().to_string(),
            format!("/containers/json?all=true&filters=%7B%22id%22%3A%5B%22{ID}%22%5D%7D")
        );
    }

    #[test]
    fn ours_is_what_carries_our_id_and_its_own_name() {
        let deployment = DeploymentId::parse("da").expect("an id");
        let ours = r#"{"dynamic-access.deployment":"da","dynamic-access.name":"da-1"}"#;
        for (names, labels, is_ours) in [
            (r#"["/da-1"]"#, ours, true),
            (r#"["da-1"]"#, ours, true),
            (r#"["/other","/da-1"]"#, ours, true),
            (r#"["/da-2"]"#, ours, false),
            (r#"["/da-11"]"#, ours, false),
            ("[]", ours, false),
            ("null", ours, false),
            (r#"["/da-1"]"#, "null", false),
            (
                r#"["/da-1"]"#,
                r#"{"dynamic-access.deployment":"da"}"#,
                false,
            ),
            (r#"["/da-1"]"#, r#"{"dynamic-access.name":"da-1"}"#, false),
            (
                r#"["/da-1"]"#,
                r#"{"dynamic-access.deployment":"db","dynamic-access.name":"da-1"}"#,
                false,
            ),
        ] {
            let is_of = one(names, labels).is_of(&deployment);
            assert_eq!(is_of, is_ours, "{names} {labels}");
        }
    }

    #[test]
    fn an_age_is_told_by_the_engines_own_clock() {
        let body = format!(r#"[{{"Id":"{ID}","State":"created","Created":1795395661}}]"#);
        for (date, age) in [
            (Some("Mon, 23 Nov 2026 01:01:01 GMT"), Some(0)),
            (Some("Mon, 23 Nov 2026 01:03:02 GMT"), Some(121)),
            (Some("Mon, 23 Nov 2026 01:00:00 GMT"), Some(0)),
            (Some("yesterday"), None),
            (None, None),
        ] {
            let listed = listed(&dated(200, &body, date)).expect("a list").remove(0);
            assert_eq!(listed.age, age.map(Duration::from_secs), "{date:?}");
        }
    }

    #[test]
    fn every_state_of_docker_and_podman_is_known() {
        for (text, state) in [
            ("created", State::Created),
            ("initialized", State::Created),
            ("running", State::Running),
            ("paused", State::Running),
            ("restarting", State::Running),
            ("removing", State::Removing),
            ("exited", State::Ended),
            ("stopped", State::Ended),
            ("dead", State::Dead),
            ("sleeping", State::Unknown),
        ] {
            assert_eq!(State::parse(text), state, "{text}");
        }
    }

    #[test]
    fn what_is_not_a_list_is_a_fault() {
        for (status, body) in [
            (200, ""),
            (200, "{}"),
            (200, r#"[{"Id":"0123","State":"running","Created":0}]"#),
            (200, "[{}]"),
            (400, r#"{"message":"invalid filter"}"#),
            (500, r#"{"message":"m"}"#),
        ] {
            listed(&reply(status, body)).expect_err(body);
        }
    }
}
