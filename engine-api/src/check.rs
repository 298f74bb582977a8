//! Checks a recording against the specifications.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail, ensure};

use crate::deviations::Deviation;
use crate::finding::Finding;
use crate::recorded::Request;
use crate::specification::Specification;

/// How many findings are shown; they mostly have one cause.
const SHOWN_MAX: usize = 10;

/// A check of recordings.
pub struct Check<'a> {
    /// The versions of the API.
    pub specifications: &'a [Specification],
    /// The intended deviations.
    pub deviations: &'a [Deviation],
    /// Whether all tests of an Engine were recorded. Then each deviation of a recorded operation must have been needed.
    pub is_complete: bool,
}

/// Whether a deviation's operation was recorded, and whether the deviation was needed.
#[derive(Clone, Copy, Default)]
struct Use {
    is_recorded: bool,
    is_needed: bool,
}

/// The findings, as `METHOD path, finding`, each with its versions.
type Found<'a> = BTreeMap<String, BTreeSet<&'a str>>;

impl Check<'_> {
    /// Checks a recording, one request a line, and returns a summary.
    pub fn run(&self, recording: &str) -> Result<String> {
        let mut found = Found::new();
        let mut uses = vec![Use::default(); self.deviations.len()];
        let mut bodies = 0;
        for line in recording.lines() {
            let request = Request::parse(line)?;
            self.judge(&request, &mut found, &mut uses);
            bodies += usize::from(request.has_judged_body());
        }
        fail_on(&found)?;
        if self.is_complete {
            self.fail_on_unneeded(&uses)?;
            ensure!(bodies > 0, "no request was recorded with its body");
        }
        Ok(self.summary(recording.lines().count(), bodies))
    }

    /// Judges a request by every specification.
    fn judge<'a>(&'a self, request: &Request, found: &mut Found<'a>, uses: &mut [Use]) {
        for specification in self.specifications {
            let version = specification.version.as_str();
            let (operation, findings) = specification.judge(request);
            for (deviation, one) in self.deviations.iter().zip(uses.iter_mut()) {
                one.is_recorded |=
                    deviation.specification == version && deviation.operation == operation;
            }
            for finding in findings {
                match self.deviation(version, &operation, &finding) {
                    Some(index) => uses[index].is_needed = true,
                    None => {
                        let said = format!("{operation}, {finding}");
                        found.entry(said).or_default().insert(version);
                    }
                }
            }
        }
    }

    fn deviation(&self, version: &str, operation: &str, finding: &Finding) -> Option<usize> {
        let value = finding.value.to_string();
        self.deviations.iter().position(|deviation| {
            deviation.specification == version
                && deviation.operation == operation
                && deviation.field == finding.field
                && deviation.value == value
        })
    }

    fn fail_on_unneeded(&self, uses: &[Use]) -> Result<()> {
        let mut all = self.deviations.iter().zip(uses);
        if let Some((deviation, _)) = all.find(|(_, one)| one.is_recorded && !one.is_needed) {
            bail!(
                "no request needs the deviation {}, {} (API {}), which is there because: {}",
                deviation.operation,
                deviation.field,
                deviation.specification,
                deviation.reason
            );
        }
        Ok(())
    }

    fn summary(&self, requests: usize, bodies: usize) -> String {
        let versions = self.specifications.iter().map(|one| one.version.as_str());
        let deviations = match self.deviations.len() {
            0 => String::new(),
            1 => ", but for 1 deviation that is meant".to_owned(),
            count => format!(", but for {count} deviations that are meant"),
        };
        format!(
            "{requests} requests to the Engine, {bodies} with a body of JSON, all as its API {} says{deviations}",
            versions.collect::<Vec<_>>().join(" and ")
        )
    }
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
        "{} kinds of requests are not as the Engine's API says, such as\n{}\nA deviation that is meant goes into engine-api/src/deviations.rs, with its reason",
        found.len(),
        shown.collect::<Vec<_>>().join("\n")
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Two versions: the newer one has `new` in place of `old`.
    fn specifications() -> Vec<Specification> {
        let document = |version: &str, name: &str| {
            let parameters = ["both", name].map(|name| json!({"name": name, "in": "query"}));
            let paths = json!({"/a": {"get": {"parameters": parameters}}});
            json!({"info": {"version": version}, "consumes": ["application/json"], "paths": paths})
        };
        let versions = [document("1.41", "old"), document("1.52", "new")];
        let read = versions.iter().map(Specification::parse);
        read.collect::<Result<_>>().expect("specifications")
    }

    const NEW: Deviation = Deviation {
        specification: "1.41",
        operation: "GET /a",
        field: "query.new",
        value: "null",
        reason: "older Engines ignore it",
    };

    fn run(targets: &[&str], deviations: &[Deviation], is_complete: bool) -> Result<String> {
        let line = |target: &&str| {
            format!(
                r#"{{"method":"GET","target":"{target}","headers":[],"bytes":0,"isWhole":true,"body":""}}{}"#,
                '\n'
            )
        };
        let recording: String = targets.iter().map(line).collect();
        Check {
            specifications: &specifications(),
            deviations,
            is_complete,
        }
        .run(&recording)
    }

    #[track_caller]
    fn check_fails(targets: &[&str], deviations: &[Deviation], expected: &str) {
        let error = run(targets, deviations, true).expect_err(expected);
        assert!(error.to_string().contains(expected), "{error}");
    }

    #[test]
    fn requests_that_every_version_knows_pass() {
        let said = run(&["/a?both=x", "/a"], &[], true).expect("they do");
        assert_eq!(
            said,
            "2 requests to the Engine, 2 with a body of JSON, all as its API 1.41 and 1.52 says"
        );
    }

    #[test]
    fn a_field_is_named_with_each_version_that_does_not_know_it() {
        check_fails(
            &["/a?old=x"],
            &[],
            "GET /a, query.old is not known (API 1.52)\n",
        );
        check_fails(
            &["/a?neither=x", "/a?neither=y"],
            &[],
            "1 kinds of requests are not as the Engine's API says, such as\nGET /a, query.neither is not known (API 1.41 and 1.52)\n",
        );
        check_fails(&["/b"], &[], "GET /b, path is not known");
    }

    #[test]
    fn a_complete_recording_has_bodies() {
        check_fails(&[], &[], "no request was recorded with its body");
        run(&[], &[], false).expect("only some of the tests were recorded");
    }

    #[test]
    fn a_deviation_excuses_its_own_field_in_its_own_version_and_must_be_needed() {
        run(&["/a?new=x"], &[NEW], true).expect("it is meant");
        check_fails(&["/a?new=x&neither=x"], &[NEW], "neither");
        check_fails(
            &["/a?old=x&new=x"],
            &[NEW],
            "query.old is not known (API 1.52)",
        );
        let other = Deviation { value: "1", ..NEW };
        check_fails(&["/a?new=x"], &[other], "query.new is not known");
        check_fails(&["/a"], &[NEW], "because: older Engines ignore it");
        run(&["/a"], &[NEW], false).expect("only some of the tests were recorded");
    }

    #[test]
    fn a_deviation_of_an_operation_that_was_not_recorded_may_be_unneeded() {
        let other = Deviation {
            operation: "GET /elsewhere",
            ..NEW
        };
        run(&["/a"], &[other], true).expect("a Swarm's calls are recorded by other tests");
    }
}
