//! `GET /containers/json` (Engine API, ContainerList).
//!
//! A list reads a snapshot and never waits for a start in progress. It may show a
//! container as running for seconds after its end: see [`super::inspect`].

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::call::Call;
use super::part::Part;
use super::ports::Published;
use super::target::{State, Survey, Target, age};
use super::{ContainerName, DeploymentId, Reply, TargetId, bodiless, label, ports, query_encoded};
use crate::fault::Fault;

/// Finds the container with this id, in any state. The Engine's filter also matches
/// prefixes, so the id is compared here.
pub fn find_by_id(id: &TargetId) -> Call<Option<Target>> {
    let id = id.clone();
    list(&json!({"id": [id.as_str()]}), move |all| {
        all.into_iter().find(|container| container.id == id)
    })
}

/// Finds the container with this name, in any state.
pub fn find_by_name(name: &ContainerName) -> Call<Option<Target>> {
    let name = name.as_str().to_owned();
    // The filter is a regular expression. A name has only letters, digits and
    // dashes, so nothing in it needs escaping.
    list(&json!({"name": [format!("^/?{name}$")]}), move |all| {
        all.into_iter().find(|container| container.has_name(&name))
    })
}

/// Lists the containers of a part of a deployment, and notes which Engine answered and
/// when.
///
/// An image can have the deployment's label too, so [`Target::is_of`] decides.
pub fn survey(deployment: &DeploymentId, part: &Part) -> Call<Survey> {
    let deployment = deployment.clone();
    let mut filter = label::filter_of(&deployment);
    if let Some(beginning) = part.name(&deployment) {
        filter["name"] = json!([format!("^/?{beginning}")]);
    }
    look(&filter, move |reply| {
        let mut targets = listed(reply)?;
        targets.retain(|target| target.is_of(&deployment));
        Ok(Survey {
            targets,
            now: reply.date(),
            engine: reply.engine(),
        })
    })
}

/// Lists containers; `select` picks those that are meant.
fn list<T>(filters: &Value, select: impl Fn(Vec<Target>) -> T + 'static) -> Call<T> {
    look(filters, move |reply| listed(reply).map(&select))
}

fn look<T>(filters: &Value, reader: impl Fn(&Reply) -> Result<T, Fault> + 'static) -> Call<T> {
    let filters = query_encoded(&filters.to_string());
    let path = format!("/containers/json?all=true&filters={filters}");
    Call::look("list", bodiless(Method::GET, &path), reader).if_too_long(
        "each target is listed with all labels of its image, so give the image fewer labels, or lower max_targets",
    )
}

/// Reads a list.
///
/// # Errors
///
/// Any reply that is not a list of containers.
pub fn listed(reply: &Reply) -> Result<Vec<Target>, Fault> {
    let summaries: Vec<Summary> = reply.listed()?;
    let now = reply.date();
    summaries
        .into_iter()
        .map(|summary| Target::from_summary(summary, now))
        .collect()
}

/// The most bytes that a text takes in a list: Go may also escape the characters of HTML
/// (`encoding/json`).
pub fn listed_bytes(text: &str) -> usize {
    let bytes = text.chars().map(|character| match character {
        '"' | '\\' => 2,
        '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => 6,
        _ if character.is_ascii_control() => 6,
        _ => character.len_utf8(),
    });
    bytes.sum()
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
    #[serde(default, deserialize_with = "published")]
    pub(super) ports: Vec<Published>,
    #[serde(rename = "NetworkSettings", default, deserialize_with = "address")]
    pub(super) address: Option<String>,
    #[serde(default)]
    pub(super) status: String,
}

// Each entry is reduced to what is used while it is read: a thousand networks as JSON
// values would fill megabytes of the instance.

fn published<'de, D: Deserializer<'de>>(ports: D) -> Result<Vec<Published>, D::Error> {
    Ok(ports::listed(&Value::deserialize(ports)?))
}

fn address<'de, D: Deserializer<'de>>(settings: D) -> Result<Option<String>, D::Error> {
    Ok(ports::address(&Value::deserialize(settings)?["Networks"]))
}

impl Target {
    pub(super) fn from_summary(
        summary: Summary,
        now: Option<OffsetDateTime>,
    ) -> Result<Self, Fault> {
        let id = TargetId::of_container(&summary.id)
            .ok_or_else(|| Fault::Nonsense("a container with an invalid id".to_owned()))?;
        let state = State::parse(&summary.state);
        Ok(Self {
            id,
            state,
            age: now.map(|now| age(summary.created, now)),
            created: summary.created,
            image: summary.image,
            image_id: summary.image_id,
            ended: None,
            // An ended container may still show its last check.
            ready: told_by(&summary.status).filter(|_| state == State::Running),
            node: None,
            address: summary.address,
            published: summary.ports,
            renewed: Duration::ZERO,
            names: summary.names.unwrap_or_default(),
            labels: summary.labels.unwrap_or_default(),
        })
    }
}

/// The result of the health check, from the status in a list: "Up 4 seconds (healthy)"
/// (moby, `daemon/container/state.go`). Without a check Docker shows none, and Podman
/// never does.
fn told_by(status: &str) -> Option<bool> {
    let (_, health) = status.strip_suffix(')')?.rsplit_once('(')?;
    match health {
        "healthy" => Some(true),
        "unhealthy" | "health: starting" => Some(false),
        _ => None,
    }
}

impl State {
    pub(super) fn parse(text: &str) -> Self {
        match text {
            // Some versions of Podman have more words than Docker for containers that are
            // not started yet or have ended.
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
mod tests {
    use super::*;
    use crate::docker::reply::tests::{dated, reply};
    use crate::docker::target::tests::{ID, id};
    use crate::secret::Secret;

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
        assert_eq!(
            find_by_id(&id()).request.uri().to_string(),
            format!("/containers/json?all=true&filters=%7B%22id%22%3A%5B%22{ID}%22%5D%7D")
        );
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
    fn the_status_of_one_that_runs_tells_its_health() {
        for (state, status, ready) in [
            ("running", "Up 4 seconds (healthy)", Some(true)),
            ("running", "Up 4 seconds (unhealthy)", Some(false)),
            (
                "running",
                "Up Less than a second (health: starting)",
                Some(false),
            ),
            ("running", "Up 4 seconds", None),
            ("running", "", None),
            ("paused", "Up 4 seconds (Paused)", None),
            ("exited", "Exited (0) 4 seconds ago", None),
            ("exited", "Exited (healthy)", None),
            ("created", "Created", None),
        ] {
            let body =
                format!(r#"[{{"Id":"{ID}","State":"{state}","Status":"{status}","Created":0}}]"#);
            let target = listed(&reply(200, &body)).expect("a list").remove(0);
            assert_eq!(target.ready, ready, "{state} {status}");
        }
    }

    #[test]
    fn a_text_takes_at_least_as_many_bytes_in_a_list_as_its_json() {
        let text = "a\"\\\n\u{1}\u{7f}é\u{85}\u{1f600}";
        let json = json!(text).to_string();
        assert!(listed_bytes(text) >= json.len() - 2);
        assert_eq!(listed_bytes("<\u{1}\u{2028}é\""), 6 + 6 + 6 + 2 + 2);
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
