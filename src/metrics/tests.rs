//! The gauges of a scrape.

use super::*;
use crate::config::tests::config;
use crate::docker::ImageReference;
use crate::docker::swarm::node::tests::node;
use crate::docker::target::Survey;
use crate::docker::target::tests::aged;
use crate::environment_id::is_id;

fn with(environments: &'static str) -> Config {
    config(&[("environments", environments)])
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

/// Checks that a scrape shows these lines, with the prefix of their names, and none of
/// these words.
#[track_caller]
fn check(config: &Config, readings: &Readings, lines: &[&str], others: &[&str]) {
    let text = text(config, readings);
    for line in lines {
        let line = format!("dynamic_access_{line}");
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
    for other in others {
        assert!(!text.contains(other), "{other} in\n{text}");
    }
}

/// A target in this state and environment.
fn of(state: &str, environment: &str) -> Target {
    let environment = ("dynamic-access.environment-id", environment);
    aged(state, Some(61), &[environment])
}

#[test]
fn targets_are_counted_by_configured_environment_and_state() {
    check(
        &with(r#"{"Team-A":{"max_targets":5}}"#),
        &readings(vec![
            of("running", "team-a"),
            of("running", "TEAM-A"),
            of("exited", "Team-A"),
            of("created", "planted-by-a-caller"),
        ]),
        &[
            r#"targets{environment="Team-A",state="running"} 2"#,
            r#"targets{environment="Team-A",state="ended"} 1"#,
            r#"targets{environment="Team-A",state="starting"} 0"#,
            r#"targets{environment="(other)",state="starting"} 1"#,
            r#"targets{environment="(other)",state="running"} 0"#,
            r#"targets_limit{environment="Team-A"} 5"#,
            r#"targets_limit{environment=""} 100"#,
        ],
        &["planted"],
    );
}

#[test]
fn what_a_list_shows_to_be_due_is_counted_by_reason() {
    check(
        &config(&[]),
        &readings(vec![
            aged("created", Some(121), &[]),
            aged("created", Some(1), &[]),
            aged("running", Some(700_000), &[]),
            aged("dead", Some(1), &[]),
            // Only an inspect can show that.
            aged("exited", Some(700_000), &[]),
        ]),
        &[
            r#"reapable_targets{reason="never_started"} 1"#,
            r#"reapable_targets{reason="expired"} 1"#,
            r#"reapable_targets{reason="removal_failed"} 1"#,
        ],
        &[r#"reason="ended""#],
    );
}

#[test]
fn what_cannot_be_told_without_the_engines_time_is_left_out() {
    let line = r#"targets{environment="(other)",state="running"} 1"#;
    check(
        &config(&[]),
        &readings(vec![aged("running", None, &[])]),
        &[line, "engine_up 1"],
        &["oldest_target_age_seconds", "reapable_targets"],
    );
}

#[test]
fn the_name_of_an_engine_cannot_break_a_line() {
    let mut readings = readings(Vec::new());
    let survey = readings.survey.as_mut().expect("a survey");
    survey.engine = Some("Docker \"\\\n".to_owned());
    let text = text(&config(&[]), &readings);
    assert!(text.contains(r#"engine="Docker \"\\\n"} 1"#), "{text}");
}

#[test]
fn an_environment_named_other_is_not_counted_with_those_that_are_not_configured() {
    assert!(!is_id(OTHER), "a caller may choose {OTHER}");
    check(
        &with(r#"{"other":{"max_targets":5}}"#),
        &readings(["other", "a", "b"].map(|id| of("running", id)).into()),
        &[
            r#"targets{environment="other",state="running"} 1"#,
            r#"targets{environment="(other)",state="running"} 2"#,
        ],
        &[],
    );
}

#[test]
fn nodes_are_told_by_their_ids_with_their_live_targets() {
    let on = |state, id: &str| {
        let mut found = of(state, "e");
        found.node = Some(id.to_owned());
        found
    };
    let all = vec![on("running", "a"), on("running", "a"), on("exited", "b")];
    let nodes = [("a", Some(true)), ("b", Some(false)), ("c", None)];
    let readings = Readings {
        nodes: Some(nodes.map(|(id, is_ready)| node(id, is_ready)).into()),
        ..readings(all)
    };
    check(
        &config(&[("scheduler", "swarm"), ("agent_image", "agent@sha256:0123")]),
        &readings,
        &[
            r#"node_ready{node="a",name="host-a"} 1"#,
            r#"node_ready{node="b",name="host-b"} 0"#,
            r#"node_targets{node="a",name="host-a"} 2"#,
            r#"node_targets{node="b",name="host-b"} 0"#,
            r#"node_targets{node="c",name="host-c"} 0"#,
        ],
        &[r#"node_ready{node="c""#, "image_present"],
    );
}
