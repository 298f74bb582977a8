//! `GET /metrics`: gauges in the text format of OpenMetrics.
//!
//! They show only the present state of the Engine. Counters and latencies need a memory,
//! which this server does not have.

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

/// The format (OpenMetrics 1.0).
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

/// The names and values of labels.
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
        "How many targets may live, by environment; all together without one.",
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
    let help = "Whether the Engine has an image of the targets.";
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
mod tests {
    use super::*;
    use crate::config::tests::variables;
    use crate::docker::ImageReference;
    use crate::docker::target::Survey;
    use crate::docker::target::tests::aged;
    use crate::environment_id::is_id;
    use crate::fault::Fault;

    fn config(environments: &'static str) -> Config {
        Config::parse(&variables(&[("environments", environments)])).expect("a config")
    }

    fn readings(targets: Vec<Target>) -> Readings {
        Readings {
            survey: Some(Survey {
                targets,
                now: None,
                engine: Some("Docker 28.5.2".to_owned()),
            }),
            nodes: None,
            images: vec![(ImageReference::parse("agent").expect("an image"), true)],
            faults: Vec::new(),
        }
    }

    #[track_caller]
    fn check(text: &str, lines: &[&str]) {
        for line in lines {
            assert!(
                text.lines().any(|found| found == *line),
                "{line} in\n{text}"
            );
        }
    }

    #[test]
    fn targets_are_counted_by_configured_environment_and_state() {
        let of = |state, environment| {
            let environment = ("dynamic-access.environment-id", environment);
            aged(state, Some(61), &[environment])
        };
        let text = text(
            &config(r#"{"Team-A":{"max_targets":5}}"#),
            &readings(vec![
                of("running", "team-a"),
                of("running", "TEAM-A"),
                of("exited", "Team-A"),
                of("created", "planted-by-a-caller"),
            ]),
        );
        check(
            &text,
            &[
                r#"dynamic_access_targets{environment="Team-A",state="running"} 2"#,
                r#"dynamic_access_targets{environment="Team-A",state="ended"} 1"#,
                r#"dynamic_access_targets{environment="Team-A",state="starting"} 0"#,
                r#"dynamic_access_targets{environment="(other)",state="starting"} 1"#,
                r#"dynamic_access_targets{environment="(other)",state="running"} 0"#,
                r#"dynamic_access_targets_limit{environment="Team-A"} 5"#,
                r#"dynamic_access_targets_limit{environment=""} 100"#,
                "dynamic_access_oldest_target_age_seconds 61",
                "dynamic_access_engine_up 1",
                r#"dynamic_access_image_present{image="agent"} 1"#,
                concat!(
                    r#"dynamic_access_build_info{version=""#,
                    env!("CARGO_PKG_VERSION"),
                    r#"",engine="Docker 28.5.2"} 1"#
                ),
                "# EOF",
            ],
        );
        assert!(!text.contains("planted"), "{text}");
    }

    #[test]
    fn what_a_list_shows_to_be_due_is_counted_by_reason() {
        let text = text(
            &config("{}"),
            &readings(vec![
                aged("created", Some(121), &[]),
                aged("created", Some(1), &[]),
                aged("running", Some(700_000), &[]),
                aged("dead", Some(1), &[]),
                // Only an inspect can show that.
                aged("exited", Some(700_000), &[]),
            ]),
        );
        for reason in REASONS {
            let line = format!(r#"dynamic_access_reapable_targets{{reason="{reason}"}} 1"#);
            check(&text, &[&line]);
        }
        assert!(!text.contains(r#"reason="ended""#), "{text}");
    }

    #[test]
    fn what_cannot_be_told_without_the_engines_time_is_left_out() {
        let undated = readings(vec![aged("running", None, &[])]);
        let text = text(&config("{}"), &undated);
        let line = r#"dynamic_access_targets{environment="(other)",state="running"} 1"#;
        check(&text, &[line, "dynamic_access_engine_up 1"]);
        for series in ["oldest_target_age_seconds", "reapable_targets"] {
            assert!(!text.contains(series), "{text}");
        }
    }

    #[test]
    fn the_name_of_an_engine_cannot_break_a_line() {
        let mut readings = readings(Vec::new());
        if let Some(survey) = &mut readings.survey {
            survey.engine = Some("Docker \"\\\n".to_owned());
        }
        let text = text(&config("{}"), &readings);
        assert!(text.contains(r#"engine="Docker \"\\\n"} 1"#), "{text}");
    }

    #[test]
    fn an_engine_that_is_down_is_a_reading() {
        let down = Readings {
            survey: None,
            nodes: None,
            images: Vec::new(),
            faults: vec![Fault::TimedOut],
        };
        let text = text(&config("{}"), &down);
        let lines = [
            "dynamic_access_engine_up 0",
            r#"dynamic_access_targets_limit{environment=""} 100"#,
        ];
        check(&text, &lines);
        assert!(!text.contains("dynamic_access_targets{"), "{text}");
    }

    #[test]
    fn an_environment_named_other_is_not_counted_with_those_that_are_not_configured() {
        assert!(!is_id(OTHER), "a caller may choose {OTHER}");
        let of = |id| {
            let environment = ("dynamic-access.environment-id", id);
            aged("running", Some(61), &[environment])
        };
        let text = text(
            &config(r#"{"other":{"max_targets":5}}"#),
            &readings(vec![of("other"), of("a"), of("b")]),
        );
        check(
            &text,
            &[
                r#"dynamic_access_targets{environment="other",state="running"} 1"#,
                r#"dynamic_access_targets{environment="(other)",state="running"} 2"#,
            ],
        );
    }

    #[test]
    fn nodes_are_told_by_their_ids_with_their_live_targets() {
        let node = |id: &str, takes_tasks| Node {
            id: id.to_owned(),
            hostname: "host".to_owned(),
            takes_tasks,
            is_worker: true,
            engine: "26.1.5".to_owned(),
            address: None,
        };
        let on = |state, id: &str| {
            let mut found = aged(state, Some(61), &[]);
            found.node = Some(id.to_owned());
            found
        };
        let all = vec![on("running", "a"), on("running", "a"), on("exited", "b")];
        let readings = Readings {
            nodes: Some(vec![
                node("a", Some(true)),
                node("b", Some(false)),
                node("c", None),
            ]),
            ..readings(all)
        };
        let image = "agent@sha256:0123";
        let swarm = [("scheduler", "swarm"), ("agent_image", image)];
        let config = Config::parse(&variables(&swarm)).expect("a config");
        let text = text(&config, &readings);
        check(
            &text,
            &[
                r#"dynamic_access_node_ready{node="a",name="host"} 1"#,
                r#"dynamic_access_node_ready{node="b",name="host"} 0"#,
                r#"dynamic_access_node_targets{node="a",name="host"} 2"#,
                r#"dynamic_access_node_targets{node="b",name="host"} 0"#,
                r#"dynamic_access_node_targets{node="c",name="host"} 0"#,
            ],
        );
        assert!(!text.contains(r#"node_ready{node="c""#), "{text}");
        assert!(!text.contains("image_present"), "{text}");
    }
}
