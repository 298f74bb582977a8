//! `GET /metrics`: gauges in the text format of OpenMetrics.
//!
//! They hold only what the Engine tells at the moment. Counters and latencies need a
//! memory, which this server does not have.

use std::collections::BTreeMap;
use std::time::Duration;

use http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::answer::{answer as answer_with, not_stored};
use crate::config::Config;
use crate::docker::label;
use crate::docker::list::{Listed, State};
use crate::environment_id::canonical;
use crate::platform::HttpResponse;
use crate::provision::Readings;
use crate::reaper;
use crate::target::TargetState;

/// The format (OpenMetrics 1.0).
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The label of all environments that have no entry in `environments`. Callers choose
/// those ids, and each would become a series that is kept for weeks.
const OTHER: &str = "other";

/// The reasons that a list alone shows.
const REASONS: [&str; 3] = ["never_started", "expired", "removal_failed"];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTargets {
    environment: String,
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfEnvironment {
    environment: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfReason {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfImage {
    image: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfBuild {
    version: &'static str,
    engine: String,
}

/// The answer to a scrape.
pub fn answer(config: &Config, readings: &Readings) -> HttpResponse {
    let text = text(config, readings);
    not_stored(answer_with(StatusCode::OK, CONTENT_TYPE, text.into_bytes()))
}

fn text(config: &Config, readings: &Readings) -> String {
    let mut registry = Registry::with_prefix("dynamic_access");
    let survey = readings.survey.as_ref();
    let up = Gauge::<i64>::default();
    up.set(survey.is_some().into());
    registry.register("engine_up", "Whether the Engine has answered", up);
    let build = Family::<OfBuild, Gauge>::default();
    let engine = survey.and_then(|survey| survey.engine.clone());
    let of_build = OfBuild {
        version: env!("CARGO_PKG_VERSION"),
        engine: engine.unwrap_or_default(),
    };
    build.get_or_create(&of_build).set(1);
    let help = "The version of this server, and the Engine that has answered";
    registry.register("build_info", help, build);
    registry.register(
        "targets_limit",
        "How many targets may live, by environment; all together without one",
        limits(config),
    );
    if let Some(survey) = survey {
        let help = "Targets, by environment and state";
        registry.register("targets", help, targets(config, &survey.containers));
        // Without the Engine's time, a 0 would say that all is well.
        if survey.tells_ages() {
            let oldest = Gauge::<i64>::default();
            oldest.set(oldest_age(&survey.containers));
            let help = "The age of the oldest target that runs";
            registry.register("oldest_target_age_seconds", help, oldest);
            let help = "Containers that the next reaps remove, by reason";
            registry.register(
                "reapable_targets",
                help,
                reapable(config, &survey.containers),
            );
        }
    }
    let images = Family::<OfImage, Gauge>::default();
    for (image, is_present) in &readings.images {
        let image = image.as_str().to_owned();
        images
            .get_or_create(&OfImage { image })
            .set((*is_present).into());
    }
    let help = "Whether the Engine has an image of the targets";
    registry.register("image_present", help, images);
    let mut text = String::new();
    encode(&mut text, &registry).expect("text can be written as text");
    text
}

fn limits(config: &Config) -> Family<OfEnvironment, Gauge> {
    let limits = Family::<OfEnvironment, Gauge>::default();
    let set = |environment: &str, max: usize| {
        let environment = environment.to_owned();
        limits
            .get_or_create(&OfEnvironment { environment })
            .set(whole(max));
    };
    // To Prometheus, an empty label is none.
    set("", config.max_targets);
    for (id, profile) in config.profiles.by_environment() {
        if let Some(max) = profile.max_targets {
            set(id, max);
        }
    }
    limits
}

/// All series are there from the beginning, so that an alert finds a 0 and not nothing.
fn targets(config: &Config, containers: &[Listed]) -> Family<OfTargets, Gauge> {
    let targets = Family::<OfTargets, Gauge>::default();
    let gauge = |environment: &str, state: TargetState| {
        let environment = environment.to_owned();
        let state = state.word();
        targets.get_or_create_owned(&OfTargets { environment, state })
    };
    // Each spelling is computed once: there may be a thousand targets, and as many
    // environments.
    let names: BTreeMap<String, &str> = config
        .profiles
        .by_environment()
        .map(|(id, _)| (canonical(id), id))
        .collect();
    for environment in names.values().copied().chain([OTHER]) {
        for state in [
            TargetState::Starting,
            TargetState::Running,
            TargetState::Ended,
        ] {
            gauge(environment, state).set(0);
        }
    }
    for container in containers {
        let id = container.label(label::ENVIRONMENT_ID).unwrap_or_default();
        let environment = names.get(&canonical(id)).copied().unwrap_or(OTHER);
        gauge(environment, container.state.into()).inc();
    }
    targets
}

fn reapable(config: &Config, containers: &[Listed]) -> Family<OfReason, Gauge> {
    let reapable = Family::<OfReason, Gauge>::default();
    for reason in REASONS {
        reapable.get_or_create(&OfReason { reason }).set(0);
    }
    for container in containers {
        if let Some(reason) = reaper::due(container, config) {
            let reason = reason.code();
            reapable.get_or_create(&OfReason { reason }).inc();
        }
    }
    reapable
}

/// In seconds; 0 if none runs.
fn oldest_age(containers: &[Listed]) -> i64 {
    let running = containers
        .iter()
        .filter(|container| container.state == State::Running);
    let ages = running.filter_map(|container| container.age);
    let oldest = ages.max().unwrap_or(Duration::ZERO).as_secs();
    i64::try_from(oldest).unwrap_or(i64::MAX)
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::variables;
    use crate::docker::ImageReference;
    use crate::docker::list::Survey;
    use crate::docker::list::tests::aged;
    use crate::fault::Fault;

    fn config(environments: &'static str) -> Config {
        Config::parse(&variables(&[("environments", environments)])).expect("a config")
    }

    fn readings(containers: Vec<Listed>) -> Readings {
        Readings {
            survey: Some(Survey {
                containers,
                now: None,
                engine: Some("Docker 28.5.2".to_owned()),
            }),
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
                r#"dynamic_access_targets{environment="other",state="starting"} 1"#,
                r#"dynamic_access_targets{environment="other",state="running"} 0"#,
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
                // Only an inspect can tell.
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
        let line = r#"dynamic_access_targets{environment="other",state="running"} 1"#;
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
}
