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
        &with(r#"{"Team-A":{"max_targets":5}}"#),
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
            "# EOF",
        ],
    );
    assert!(!text.contains("planted"), "{text}");
}

#[test]
fn what_a_list_shows_to_be_due_is_counted_by_reason() {
    let text = text(
        &config(&[]),
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
    let text = text(&config(&[]), &undated);
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
    let text = text(&config(&[]), &readings);
    assert!(text.contains(r#"engine="Docker \"\\\n"} 1"#), "{text}");
}

#[test]
fn an_environment_named_other_is_not_counted_with_those_that_are_not_configured() {
    assert!(!is_id(OTHER), "a caller may choose {OTHER}");
    let of = |id| {
        let environment = ("dynamic-access.environment-id", id);
        aged("running", Some(61), &[environment])
    };
    let text = text(
        &with(r#"{"other":{"max_targets":5}}"#),
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
    let text = text(&config(&swarm), &readings);
    check(
        &text,
        &[
            r#"dynamic_access_node_ready{node="a",name="host-a"} 1"#,
            r#"dynamic_access_node_ready{node="b",name="host-b"} 0"#,
            r#"dynamic_access_node_targets{node="a",name="host-a"} 2"#,
            r#"dynamic_access_node_targets{node="b",name="host-b"} 0"#,
            r#"dynamic_access_node_targets{node="c",name="host-c"} 0"#,
        ],
    );
    assert!(!text.contains(r#"node_ready{node="c""#), "{text}");
    assert!(!text.contains("image_present"), "{text}");
}
