//! Checks recorded requests against the specifications, and against the tables of calls that a proxy admits.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail, ensure};
use dynamic_access_admin::proxy_config::calls::Call;

use crate::request::Request;
use crate::specification::Specification;

/// How many problems are shown; they mostly have one cause.
const SHOWN_MAX: usize = 10;

/// Fails unless every request is as each version of the API says.
pub fn by_specifications(requests: &[Request], specifications: &[Specification]) -> Result<()> {
    let mut found = BTreeMap::<_, BTreeSet<_>>::new();
    for request in requests {
        for specification in specifications {
            let (operation, problems) = specification.judge(request);
            for problem in problems {
                let versions = found.entry(format!("{operation}, {problem}")).or_default();
                versions.insert(specification.version.as_str());
            }
        }
    }
    let problems = found.into_iter().map(|(problem, versions)| {
        let versions: Vec<_> = versions.into_iter().collect();
        format!("{problem} (API {})", versions.join(" and "))
    });
    fail_on(
        problems.collect(),
        "not as the Engine's API says; a field that is meant goes into engine-api/specifications/cut.py, with its reason",
    )
}

/// Fails unless every request is listed, and each needed call was made.
pub fn by_tables(requests: &[Request], listed: &[Call], needed: &[Call]) -> Result<()> {
    let sent: BTreeSet<_> = requests.iter().map(Request::line).collect();
    let is_listed = |line: &&String| listed.iter().any(|call| call.admits(line));
    let strangers = sent.iter().filter(|line| !is_listed(line));
    fail_on(strangers.cloned().collect(), "in no table of calls")?;
    let is_used = |call: &&Call| sent.iter().any(|line| call.admits(line));
    match needed.iter().find(|call| !is_used(call)) {
        Some(call) => bail!("no test has sent the call `{}`", call.name),
        None => Ok(()),
    }
}

fn fail_on(problems: Vec<String>, what: &str) -> Result<()> {
    let shown = &problems[..problems.len().min(SHOWN_MAX)];
    ensure!(
        problems.is_empty(),
        "{} kinds of requests are {what}:\n{}",
        problems.len(),
        shown.join("\n")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use dynamic_access_admin::proxy_config::calls;
    use serde_json::json;

    use super::*;
    use crate::request::tests::request;

    #[track_caller]
    fn check(checked: Result<()>, expected: &str) {
        let told = checked.map_or_else(|error| error.to_string(), |()| "fine".to_owned());
        assert!(told.ends_with(expected), "{told}");
    }

    #[test]
    fn a_field_is_named_with_each_version_that_does_not_know_it() {
        // The newer one has `new` in place of `old`.
        let specifications = [("1.41", "old"), ("1.52", "new")].map(|(version, name)| {
            let query =
                json!({"properties": {"both": {}, name: {}}, "additionalProperties": false});
            let operations = json!({"GET /a": {"properties": {"query": query}}});
            let text = json!({"version": version, "definitions": {}, "operations": operations});
            Specification::read(&text.to_string()).expect("a specification")
        });
        for (targets, expected) in [
            (&["/a?both=x", "/a"][..], "fine"),
            (
                &["/a?old=x"],
                ":\nGET /a, query.old is not known (API 1.52)",
            ),
            (
                &["/a?neither=x", "/a?neither=y"],
                ":\nGET /a, query.neither is not known (API 1.41 and 1.52)",
            ),
        ] {
            let requests = targets
                .iter()
                .map(|target| request(&format!("GET {target}"), None, None));
            let requests: Vec<_> = requests.collect();
            check(by_specifications(&requests, &specifications), expected);
        }
    }

    #[test]
    fn each_request_is_listed_and_each_needed_call_was_made() {
        let table = "look GET - /a/[0-9] -\nstop POST - /a/stop t=[0-9]\n";
        let table = calls::parse(table).expect("a table");
        let all = &["GET /a/1", "POST /a/stop?t=0", "GET /a/2"][..];
        for (sent, needed, expected) in [
            (all, 2, "fine"),
            (&["GET /a/1"], 1, "fine"),
            (&["GET /a/1"], 2, "no test has sent the call `stop`"),
            (&[], 2, "no test has sent the call `look`"),
            (
                &["GET /a/1", "POST /a/1"],
                1,
                "in no table of calls:\nPOST /a/1",
            ),
            (&["GET /a/10"], 0, "calls:\nGET /a/10"),
            (&["GET /b/a/1"], 0, "calls:\nGET /b/a/1"),
        ] {
            let requests: Vec<_> = sent.iter().map(|line| request(line, None, None)).collect();
            check(by_tables(&requests, &table, &table[..needed]), expected);
        }
        let typed = request("GET /a/1", Some("application/json"), None);
        let expected = "calls:\nGET /a/1 application/json";
        check(by_tables(&[typed], &table, &[]), expected);
    }
}
