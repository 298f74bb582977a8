//! `GET /metrics`: gauges in the text format of OpenMetrics.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use http::StatusCode;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::ages::is_live;
use crate::answer::{answer as answer_with, not_stored};
use crate::config::Config;
use crate::docker::label;
use crate::docker::swarm::node::Node;
use crate::docker::target::{State, Target};
use crate::environment_id::canonical;
use crate::platform::HttpResponse;
use crate::provision::Readings;
use crate::reaper;
use crate::target_view::ShownState;

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The label of all environments without an entry in `environments`. Callers choose their
/// ids, and Prometheus would keep a series for each of them for weeks. No id begins with
/// a parenthesis.
const OTHER: &str = "(other)";

const STATES: [ShownState; 3] = [ShownState::Starting, ShownState::Running, ShownState::Ended];

/// The reasons that a list alone can show.
const REASONS: [&str; 3] = ["never_started", "expired", "removal_failed"];

/// The answer to a scrape.
pub fn answer(config: &Config, readings: &Readings) -> HttpResponse {
    let text = text(config, readings);
    not_stored(answer_with(StatusCode::OK, CONTENT_TYPE, text.into_bytes()))
}

/// A gauge, and its value for each set of labels.
#[derive(Debug)]
struct Gauge {
    name: &'static str,
    help: &'static str,
    values: Vec<(Labels, i64)>,
}

type Labels = Vec<(&'static str, String)>;

impl Gauge {
    fn new(name: &'static str, help: &'static str, values: Vec<(Labels, i64)>) -> Self {
        Self { name, help, values }
    }

    fn single(name: &'static str, help: &'static str, value: i64) -> Self {
        Self::new(name, help, vec![(Vec::new(), value)])
    }
}

impl Collector for Gauge {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut encoder =
            encoder.encode_descriptor(self.name, self.help, None, MetricType::Gauge)?;
        for (labels, value) in &self.values {
            ConstGauge::new(*value).encode(encoder.encode_family(labels)?)?;
        }
        Ok(())
    }
}

fn text(config: &Config, readings: &Readings) -> String {
    let mut registry = Registry::with_prefix("dynamic_access");
    for gauge in gauges(config, readings) {
        registry.register_collector(Box::new(gauge));
    }
    let mut text = String::new();
    encode(&mut text, &registry).expect("text can be written as text");
    text
}

fn gauges(config: &Config, readings: &Readings) -> Vec<Gauge> {
    let survey = readings.survey.as_ref();
    let engine = survey.and_then(|survey| survey.engine.clone());
    let mut gauges = vec![
        Gauge::single(
            "engine_up",
            "Whether the Engine has answered.",
            survey.is_some().into(),
        ),
        build_info(engine),
        limits(config),
    ];
    if let Some(survey) = survey {
        gauges.push(targets(config, &survey.targets));
        // Without the Engine's time, a 0 would mean that all is well.
        if survey.tells_ages() {
            gauges.push(oldest_age(&survey.targets));
            gauges.push(reapable(config, &survey.targets));
        }
        match &readings.nodes {
            None => gauges.push(images(readings)),
            Some(of_swarm) => gauges.extend(nodes(of_swarm, &survey.targets)),
        }
    }
    gauges
}

fn build_info(engine: Option<String>) -> Gauge {
    let labels = vec![
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("engine", engine.unwrap_or_default()),
    ];
    let help = "The version of this server, and the Engine that has answered.";
    Gauge::new("build_info", help, vec![(labels, 1)])
}

fn limits(config: &Config) -> Gauge {
    let limit = |id: &str, max| (vec![("environment", id.to_owned())], whole(max));
    let of_environments = config
        .profiles
        .by_environment()
        .filter_map(|(id, profile)| Some(limit(id, profile.max_targets?)));
    // For Prometheus, an empty label is no label.
    let of_all = limit("", config.max_targets);
    Gauge::new(
        "targets_limit",
        "The most live targets, by environment; of all together without one.",
        std::iter::once(of_all).chain(of_environments).collect(),
    )
}

/// All series exist from the beginning: an alert then finds a 0 and not nothing.
fn targets(config: &Config, containers: &[Target]) -> Gauge {
    // Each spelling is computed once: there may be a thousand targets, and as many
    // environments.
    let ids = config.profiles.by_environment().map(|(id, _)| id);
    let mut names: BTreeMap<String, &str> = BTreeMap::new();
    names.extend(ids.map(|id| (canonical(id), id)));
    let environments = names.values().copied().chain([OTHER]);
    let mut counts: BTreeMap<(&str, &'static str), i64> = BTreeMap::new();
    counts.extend(
        environments.flat_map(|environment| STATES.map(|state| ((environment, state.word()), 0))),
    );
    for container in containers {
        let id = container.label(label::ENVIRONMENT_ID).unwrap_or_default();
        let environment = names.get(&canonical(id)).copied().unwrap_or(OTHER);
        let state = ShownState::from(container.state).word();
        *counts.entry((environment, state)).or_default() += 1;
    }
    let values = counts.into_iter().map(|((environment, state), count)| {
        let environment = ("environment", environment.to_owned());
        (vec![environment, ("state", state.to_owned())], count)
    });
    let help = "Targets, by environment and state.";
    Gauge::new("targets", help, values.collect())
}

/// In seconds; 0 if none runs.
fn oldest_age(containers: &[Target]) -> Gauge {
    let running = containers
        .iter()
        .filter(|container| container.state == State::Running);
    let ages = running.filter_map(|container| container.age);
    let oldest = ages.max().unwrap_or(Duration::ZERO).as_secs();
    Gauge::single(
        "oldest_target_age_seconds",
        "The age of the oldest target that runs.",
        i64::try_from(oldest).unwrap_or(i64::MAX),
    )
}

fn reapable(config: &Config, containers: &[Target]) -> Gauge {
    let due: Vec<_> = containers
        .iter()
        .filter_map(|container| Some(reaper::due(container, config)?.code()))
        .collect();
    let values = REASONS.map(|reason| {
        let count = due.iter().filter(|due| **due == reason).count();
        (vec![("reason", reason.to_owned())], whole(count))
    });
    let help = "Containers that the next reaps remove, by reason.";
    Gauge::new("reapable_targets", help, values.into())
}

fn images(readings: &Readings) -> Gauge {
    let images = readings.images.iter();
    let values = images.map(|(image, is_present)| {
        let labels = vec![("image", image.as_str().to_owned())];
        (labels, (*is_present).into())
    });
    let help = "Whether the Engine has an image that targets need.";
    Gauge::new("image_present", help, values.collect())
}

/// A node that has left the Swarm has no series. Several nodes may have the same host
/// name, such as one that left and came back.
fn nodes(nodes: &[Node], containers: &[Target]) -> [Gauge; 2] {
    let name = |node: &Node| {
        let id = ("node", node.id.clone());
        vec![id, ("name", node.hostname.clone())]
    };
    // A node whose state is not known at the moment has no value.
    let able = nodes.iter();
    let able = able.filter_map(|node| Some((name(node), node.takes_tasks?.into())));
    let counts = nodes.iter().map(|node| {
        let is_on = |found: &&Target| found.node.as_ref() == Some(&node.id) && is_live(found);
        (name(node), whole(containers.iter().filter(is_on).count()))
    });
    [
        Gauge::new(
            "node_ready",
            "Whether a node of the Swarm answers its managers and takes new targets.",
            able.collect(),
        ),
        Gauge::new(
            "node_targets",
            "Live targets, by node of the Swarm.",
            counts.collect(),
        ),
    ]
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
