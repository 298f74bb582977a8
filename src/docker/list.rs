//! `GET /containers/json` (Engine API, ContainerList). It may show a container as running
//! for seconds after its end: see [`super::inspect`].

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::call::Call;
use super::part::Part;
use super::ports::Published;
use super::target::{State, Survey, Target, age};
use super::{ContainerName, DeploymentId, Reply, TargetId, parsed, ports};
use crate::fault::Fault;

/// Finds the container with this id, in any state. The Engine's filter also matches
/// prefixes, so the id is compared here.
pub fn find_by_id(id: &TargetId) -> Call<Option<Target>> {
    let id = id.clone();
    look(&json!({"id": [id.as_str()]}), move |reply| {
        let mut all = listed(reply)?.into_iter();
        Ok(all.find(|container| container.id == id))
    })
}

/// Finds the container with this name, in any state.
pub fn find_by_name(name: &ContainerName) -> Call<Option<Target>> {
    let name = name.as_str().to_owned();
    // The filter is a regular expression. A name has only letters, digits and
    // dashes, so nothing in it needs escaping.
    look(&json!({"name": [format!("^/?{name}$")]}), move |reply| {
        let mut all = listed(reply)?.into_iter();
        Ok(all.find(|container| container.has_name(&name)))
    })
}

/// Lists the containers of a part of a deployment, and notes which Engine answered and
/// when.
///
/// An image can have the deployment's label too, so [`Target::is_of`] decides.
pub fn survey(deployment: &DeploymentId, part: &Part) -> Call<Survey> {
    let deployment = deployment.clone();
    look(&part.filter(&deployment, &[], "^/?"), move |reply| {
        let mut targets = listed(reply)?;
        targets.retain(|target| target.is_of(&deployment));
        Ok(Survey {
            targets,
            now: reply.date(),
            engine: reply.engine(),
        })
    })
}

fn look<T>(filters: &Value, reader: impl Fn(&Reply) -> Result<T, Fault> + 'static) -> Call<T> {
    Call::list("list", "/containers/json?all=true&", filters, reader).if_too_long(
        "each target is listed with all labels of its image, so give the image fewer labels, or lower max_targets",
    )
}

/// Reads a list.
pub fn listed(reply: &Reply) -> Result<Vec<Target>, Fault> {
    let summaries: Vec<Summary> = reply.listed()?;
    let now = reply.date();
    let targets = summaries.into_iter();
    Ok(targets
        .map(|summary| Target::from_summary(summary, now))
        .collect())
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
    #[serde(deserialize_with = "container_id")]
    pub(super) id: TargetId,
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

// While it is read, each entry is reduced to what is used: a thousand networks as JSON
// values would fill megabytes of the instance.

fn container_id<'de, D: Deserializer<'de>>(id: D) -> Result<TargetId, D::Error> {
    parsed(id, TargetId::of_container)
}

fn published<'de, D: Deserializer<'de>>(ports: D) -> Result<Vec<Published>, D::Error> {
    Ok(ports::listed(
        &Value::deserialize(ports)?,
        ports::OF_CONTAINER,
    ))
}

fn address<'de, D: Deserializer<'de>>(settings: D) -> Result<Option<String>, D::Error> {
    Ok(ports::address(&Value::deserialize(settings)?["Networks"]))
}

impl Target {
    pub(super) fn from_summary(summary: Summary, now: Option<OffsetDateTime>) -> Self {
        let state = State::parse(&summary.state);
        Self {
            id: summary.id,
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
        }
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
    use crate::docker::target::tests::ID;

    #[test]
    fn an_age_is_told_by_the_engines_own_clock() {
        let body = format!(r#"[{{"Id":"{ID}","State":"created","Created":1795395661}}]"#);
        for (date, age) in [
            ("Mon, 23 Nov 2026 01:03:02 GMT", Some(121)),
            ("Mon, 23 Nov 2026 01:00:00 GMT", Some(0)),
            ("yesterday", None),
        ] {
            let listed = listed(&dated(200, &body, Some(date))).expect("a list");
            assert_eq!(listed[0].age, age.map(Duration::from_secs), "{date:?}");
        }
    }

    #[test]
    fn every_state_of_docker_and_podman_is_known() {
        for (words, state) in [
            ("created configured initialized", State::Created),
            ("running paused restarting stopping", State::Running),
            ("removing", State::Removing),
            ("exited stopped", State::Ended),
            ("dead", State::Dead),
            ("sleeping", State::Unknown),
        ] {
            for text in words.split(' ') {
                assert_eq!(State::parse(text), state, "{text}");
            }
        }
    }

    #[test]
    fn the_status_of_one_that_runs_tells_its_health() {
        for (state, status, ready) in [
            ("running", "Up 4 seconds (healthy)", Some(true)),
            ("running", "Up 4 seconds (unhealthy)", Some(false)),
            ("running", "Up 4 s (health: starting)", Some(false)),
            ("running", "Up 4 seconds", None),
            ("paused", "Up 4 seconds (Paused)", None),
            ("exited", "Exited (healthy)", None),
        ] {
            let body =
                format!(r#"[{{"Id":"{ID}","State":"{state}","Status":"{status}","Created":0}}]"#);
            let listed = listed(&reply(200, &body)).expect("a list");
            assert_eq!(listed[0].ready, ready, "{state} {status}");
        }
    }

    #[test]
    fn a_text_takes_at_least_as_many_bytes_in_a_list_as_its_json() {
        let text = "a\"\\\n\u{1}\u{7f}é\u{85}\u{1f600}";
        let json = json!(text).to_string();
        assert!(listed_bytes(text) >= json.len() - 2);
        assert_eq!(listed_bytes("<\u{1}\u{2028}é\""), 6 + 6 + 6 + 2 + 2);
    }
}
