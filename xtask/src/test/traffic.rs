//! Compares the component's requests during the tests with the table of calls that a proxy admits,
//! and with the Engine's published specifications.

use std::path::Path;

use anyhow::{Context, Result, bail};
use dev::process;
use dynamic_access_admin::proxy_config::calls::{self, Call, Scheduler};
use serde_json::Value;

use crate::machine::workspace;

/// The package that knows the specifications. It is a separate program because its validator takes
/// half a minute to compile, which only a tester needs.
const SPECIFICATIONS: &str = "dynamic-access-engine-api";

/// How many unlisted requests are shown; they mostly have one cause.
const SHOWN_MAX: usize = 10;

/// Compares a recording with the tables of calls, and returns a summary. After all tests, `is_complete`, each call to an
/// Engine must have been used. Those to a Swarm need not: its tests run only where they are named.
pub fn check(recording: &str, is_complete: bool) -> Result<String> {
    let needed = match is_complete {
        true => calls::table(Scheduler::Engine)?,
        false => Vec::new(),
    };
    let mut listed = calls::table(Scheduler::Engine)?;
    listed.extend(calls::table(Scheduler::Swarm)?);
    check_against(&request_lines(recording)?, &listed, &needed)
}

/// Compares a recording with the specifications, and returns a summary. After all tests,
/// `is_complete`, some requests must have been recorded with their bodies.
pub fn check_specifications(recording: &Path, is_complete: bool) -> Result<String> {
    let mut command = workspace::cargo();
    command.args(["run", "--quiet", "--package", SPECIFICATIONS, "--"]);
    command.arg(recording);
    if is_complete {
        command.arg("--complete");
    }
    Ok(process::output(&mut command)?.trim().to_owned())
}

/// The requests of a recording, one a line, in the form that [`Call::admits`] reads.
fn request_lines(recording: &str) -> Result<String> {
    let mut lines = String::new();
    for line in recording.lines() {
        let request: Value = serde_json::from_str(line).context("a line of the recording")?;
        let part = |key: &str| request[key].as_str().unwrap_or_default();
        let content_type = match (&request["contentType"], &request["bytes"]) {
            (Value::String(known), _) => format!(" {known}"),
            (_, Value::Number(bytes)) if bytes.as_u64() != Some(0) => " of no type".to_owned(),
            _ => String::new(),
        };
        lines.push_str(&format!(
            "{} {}{content_type}\n",
            part("method"),
            part("target")
        ));
    }
    Ok(lines)
}

fn check_against(record: &str, listed: &[Call], needed: &[Call]) -> Result<String> {
    let is_listed = |request: &&str| listed.iter().any(|call| call.admits(request));
    let mut strangers: Vec<_> = record.lines().filter(|line| !is_listed(line)).collect();
    if !strangers.is_empty() {
        strangers.sort_unstable();
        strangers.dedup();
        let count = strangers.len();
        strangers.truncate(SHOWN_MAX);
        bail!(
            "{count} kinds of requests are in no table of calls, such as\n{}",
            strangers.join("\n")
        );
    }
    let is_used = |call: &Call| record.lines().any(|request| call.admits(request));
    if let Some(call) = needed.iter().find(|call| !is_used(call)) {
        bail!("no test has sent the call `{}`", call.name);
    }
    let used = match needed.len() {
        0 => String::new(),
        count => format!("; each of the {count} calls to an Engine was used"),
    };
    Ok(format!(
        "{} requests to the Engine, all listed in {}{used}",
        record.lines().count(),
        Scheduler::ALL.map(Scheduler::file).join(" or "),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Vec<Call> {
        calls::parse("look GET - /a/[0-9] -\nstop POST - /a/stop t=[0-9]\n").expect("a table")
    }

    #[test]
    fn a_recorded_request_is_compared_by_its_request_line_and_the_type_of_its_body() {
        let recording = r#"{"method":"GET","target":"/a/1","body":null}"#;
        let lines = request_lines(recording).expect("a recording");
        assert_eq!(lines, "GET /a/1\n");
        let typed = r#"{"method":"PUT","target":"/a","contentType":"text/plain","bytes":1}
{"method":"GET","target":"/a/1","contentType":null,"bytes":0}
{"method":"GET","target":"/a/1","contentType":null,"bytes":1}"#;
        let lines = request_lines(typed).expect("a recording");
        assert_eq!(lines, "PUT /a text/plain\nGET /a/1\nGET /a/1 of no type\n");
        request_lines("GET /a/1").expect_err("another form");
    }

    #[test]
    fn each_needed_call_must_be_used_and_others_may_be() {
        for (record, needed, expected) in [
            (
                "GET /a/1\nPOST /a/stop?t=0\nGET /a/2\n",
                2,
                "each of the 2 calls",
            ),
            ("GET /a/1\nPOST /a/stop?t=0\n", 1, "2 requests"),
            ("GET /a/1\n", 1, "1 requests"),
            ("GET /a/1\n", 2, "no test has sent the call `stop`"),
            ("", 2, "no test has sent the call `look`"),
        ] {
            let told = check_against(record, &table(), &table()[..needed]);
            let told = told.unwrap_or_else(|error| format!("{error:#}"));
            assert!(told.contains(expected), "{told}");
        }
    }

    #[test]
    fn a_request_to_a_swarm_is_listed_too() {
        let recording =
            |target: &str| format!(r#"{{"method":"GET","target":"{target}","body":null}}"#);
        check(&recording("/nodes"), false).expect("it is");
        check(&recording("/info"), false).expect_err("it is in neither table");
        check(&recording("/nodes"), true).expect_err("no call to an Engine was made");
    }

    #[test]
    fn a_request_that_is_not_on_the_list_is_named() {
        for stranger in [
            "GET /a/10",
            "get /a/1",
            "POST /a/1",
            "GET /a/1?x=",
            "GET /b/a/1",
            "GET /a/1 application/json",
            "GET /a/1 of no type",
            "",
        ] {
            let record = format!("GET /a/1\nPOST /a/stop?t=0\n{stranger}\n");
            let error = check_against(&record, &table(), &[]).expect_err(stranger);
            assert!(format!("{error:#}").contains(stranger), "{error:#}");
        }
    }
}
