//! `/metrics`.

use std::time::Duration;

use dynamic_access::config::Config;
use dynamic_access::metrics;
use dynamic_access::platform::Platform;

use crate::script::*;

/// An environment with an image of its own.
const TWO_IMAGES: (&str, &str) = ("environments", r#"{"e":{"image":"other"}}"#);

/// The answer to a scrape, and its faults for the log.
#[track_caller]
fn scrape(changes: &Changes, steps: impl Into<Steps>) -> (String, Vec<String>) {
    let config = Config::parse(&variables(changes)).expect("a config");
    let readings = run_with(changes, steps, async |provisioner| {
        let readings = provisioner.readings().await;
        // Prometheus gives up after ten seconds, and would report this server as down.
        assert!(provisioner.platform.now() < Duration::from_secs(9));
        readings
    });
    let answer = metrics::answer(&config, &readings);
    assert_eq!(answer.status(), 200);
    let text = String::from_utf8(answer.into_body()).expect("text");
    let faults = readings.faults.iter().map(ToString::to_string);
    (text, faults.collect())
}

#[track_caller]
fn check(text: &str, lines: &[&str]) {
    for line in lines {
        let is_there = text.lines().any(|found| found == *line);
        assert!(is_there, "{line} in\n{text}");
    }
}

#[test]
fn a_scrape_is_two_lists_and_one_look_for_each_image() {
    let steps = "list all: running max-lifetime=10; list volumes; look up the image;
                 look up the image: 404 no such image: other";
    let (text, faults) = scrape(&[TWO_IMAGES], steps);
    check(
        &text,
        &[
            r#"dynamic_access_targets{environment="e",state="running"} 1"#,
            r#"dynamic_access_reapable_targets{reason="expired"} 1"#,
            "dynamic_access_oldest_target_age_seconds 11",
            r#"dynamic_access_targets_limit{environment=""} 1"#,
            r#"dynamic_access_image_present{image="dynamic-access-agent"} 1"#,
            r#"dynamic_access_image_present{image="other"} 0"#,
            concat!(
                r#"dynamic_access_build_info{version=""#,
                env!("CARGO_PKG_VERSION"),
                r#"",engine="Docker 28.0.1"} 1"#
            ),
        ],
    );
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn an_engine_that_is_down_is_asked_for_no_image() {
    for failure in ["unreachable", "lost", "500 m", "502 <html>"] {
        let (text, faults) = scrape(&[TWO_IMAGES], format!("list all: {failure} * 3"));
        let limit = r#"dynamic_access_targets_limit{environment=""} 1"#;
        check(&text, &["dynamic_access_engine_up 0", limit]);
        for series in ["targets{", "image_present{", "oldest_", "reapable_"] {
            assert!(!text.contains(series), "{series} in\n{text}");
        }
        // The log says why.
        assert_eq!(faults.len(), 1);
    }
}

#[test]
fn an_engine_that_hangs_is_given_up_before_the_scrape_is() {
    let (text, _) = scrape(&[TWO_IMAGES], "list all: hangs * 2");
    check(&text, &["dynamic_access_engine_up 0"]);
    // The list is answered, and stays although the images are missing.
    let looks = "list all: none; look up the image: hangs * 2";
    let (text, faults) = scrape(&[TWO_IMAGES], looks);
    check(&text, &["dynamic_access_engine_up 1"]);
    assert!(!text.contains("image_present{"), "{text}");
    assert_eq!(faults.len(), 2);
}

#[test]
fn an_image_of_which_the_engine_says_nothing_is_neither_there_nor_missing() {
    let steps = "list all: none; look up the image: 500 m * 3; look up the image";
    let (text, faults) = scrape(&[TWO_IMAGES], steps);
    check(&text, &[r#"dynamic_access_image_present{image="other"} 1"#]);
    assert!(!text.contains(r#"image="dynamic-access-agent""#), "{text}");
    assert_eq!(faults, ["500 Internal Server Error: m"]);
}

#[test]
fn a_scrape_looks_for_twenty_images_at_most() {
    let images: Vec<_> = (0..30)
        .map(|number| format!(r#""e{number}":{{"image":"image{number}"}}"#))
        .collect();
    let environments = format!("{{{}}}", images.join(",")).leak();
    let steps = "list all: none; look up the image * 20";
    let (text, _) = scrape(&[("environments", environments)], steps);
    assert_eq!(text.matches("\ndynamic_access_image_present{").count(), 20);
}
