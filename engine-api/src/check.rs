//! Checks a recording against the specifications.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail, ensure};

use crate::recorded::Request;
use crate::specification::Specification;

/// How many problems are shown; they mostly have one cause.
const SHOWN_MAX: usize = 10;

/// The problems, as `METHOD path, problem`, each with its versions.
type Found<'a> = BTreeMap<String, BTreeSet<&'a str>>;

/// Checks a recording, one request a line, and returns a summary. If all tests of an Engine were recorded
/// (`is_complete`), some requests must have been recorded with their bodies.
pub fn check(
    recording: &str,
    specifications: &[Specification],
    is_complete: bool,
) -> Result<String> {
    let mut found = Found::new();
    let mut bodies = 0;
    for line in recording.lines() {
        let request = Request::parse(line)?;
        bodies += usize::from(request.has_judged_body());
        for specification in specifications {
            let (operation, problems) = specification.judge(&request);
            for problem in problems {
                let said = format!("{operation}, {problem}");
                let versions = found.entry(said).or_default();
                versions.insert(specification.version.as_str());
            }
        }
    }
    fail_on(&found)?;
    ensure!(
        bodies > 0 || !is_complete,
        "no request was recorded with its body"
    );
    let versions = specifications.iter().map(|one| one.version.as_str());
    Ok(format!(
        "{} requests to the Engine, {bodies} with a body of JSON, all as its API {} says",
        recording.lines().count(),
        versions.collect::<Vec<_>>().join(" and ")
    ))
}

fn fail_on(found: &Found) -> Result<()> {
    if found.is_empty() {
        return Ok(());
    }
    let shown = found.iter().take(SHOWN_MAX).map(|(said, versions)| {
        let versions: Vec<&str> = versions.iter().copied().collect();
        format!("{said} (API {})", versions.join(" and "))
    });
    bail!(
        "{} kinds of requests are not as the Engine's API says, such as\n{}\nA field that is meant goes into engine-api/specifications/cut.py, with its reason",
        found.len(),
        shown.collect::<Vec<_>>().join("\n")
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Two versions: the newer one has `new` in place of `old`.
    fn run(targets: &[&str], is_complete: bool) -> Result<String> {
        let read = |version: &str, name: &str| {
            let query =
                json!({"properties": {"both": {}, name: {}}, "additionalProperties": false});
            let operations = json!({"GET /a": {"properties": {"query": query}}});
            let text = json!({"version": version, "definitions": {}, "operations": operations});
            Specification::read(&text.to_string()).expect("a specification")
        };
        let specifications = [read("1.41", "old"), read("1.52", "new")];
        let line = |target: &&str| {
            format!(
                r#"{{"method":"GET","target":"{target}","headers":[],"bytes":0,"isWhole":true,"body":""}}{}"#,
                '\n'
            )
        };
        let recording: String = targets.iter().map(line).collect();
        check(&recording, &specifications, is_complete)
    }

    #[track_caller]
    fn check_fails(targets: &[&str], expected: &str) {
        let error = run(targets, true).expect_err(expected);
        assert!(error.to_string().contains(expected), "{error}");
    }

    #[test]
    fn requests_that_every_version_knows_pass() {
        let said = run(&["/a?both=x", "/a"], true).expect("they do");
        assert_eq!(
            said,
            "2 requests to the Engine, 2 with a body of JSON, all as its API 1.41 and 1.52 says"
        );
    }

    #[test]
    fn a_field_is_named_with_each_version_that_does_not_know_it() {
        check_fails(&["/a?old=x"], "GET /a, query.old is not known (API 1.52)\n");
        check_fails(
            &["/a?neither=x", "/a?neither=y"],
            "1 kinds of requests are not as the Engine's API says, such as\nGET /a, query.neither is not known (API 1.41 and 1.52)\n",
        );
        check_fails(&["/b"], "GET /b, path is not known");
    }

    #[test]
    fn a_complete_recording_has_bodies() {
        check_fails(&[], "no request was recorded with its body");
        run(&[], false).expect("only some of the tests were recorded");
    }
}
