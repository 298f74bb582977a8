//! Compares the requests that the component sent during the tests with the table of calls that a proxy admits, and with
//! the Engine's published specifications.

use std::path::Path;

use anyhow::{Context, Result, bail};
use dynamic_access_admin::proxy_config::calls::{self, Call};
use serde_json::Value;

use crate::process;
use crate::workspace;

/// The package that knows the specifications. It is a program of its own because its validator takes half a minute to
/// compile, which nobody but a tester needs.
const SPECIFICATIONS: &str = "dynamic-access-engine-api";

/// How many unlisted requests are shown; they mostly have one cause.
const SHOWN_MAX: usize = 10;

/// Compares a recording with the table of calls, and returns a summary.
pub fn check(recording: &str) -> Result<String> {
    check_against(&request_lines(recording)?, &calls::table()?)
}

/// Holds a recording against the specifications, and returns a summary. After all tests, `is_complete`, each deviation
/// that is listed must have been needed.
pub fn check_specifications(recording: &Path, is_complete: bool) -> Result<String> {
    let mut command = workspace::cargo();
    command.args(["run", "--quiet", "--package", SPECIFICATIONS, "--"]);
    command.arg(recording);
    if is_complete {
        command.arg("--complete");
    }
    Ok(process::output(&mut command)?.trim().to_owned())
}

/// The requests of a recording, one `METHOD path?query` a line.
fn request_lines(recording: &str) -> Result<String> {
    let mut lines = String::new();
    for line in recording.lines() {
        let request: Value = serde_json::from_str(line).context("a line of the recording")?;
        let part = |key: &str| request[key].as_str().unwrap_or_default();
        lines.push_str(&format!("{} {}\n", part("method"), part("target")));
    }
    Ok(lines)
}

fn check_against(record: &str, calls: &[Call]) -> Result<String> {
    let mut is_used = vec![false; calls.len()];
    let mut strangers = Vec::new();
    for request in record.lines() {
        match calls.iter().position(|call| call.admits(request)) {
            Some(index) => is_used[index] = true,
            None => strangers.push(request),
        }
    }
    if !strangers.is_empty() {
        strangers.sort_unstable();
        strangers.dedup();
        let count = strangers.len();
        strangers.truncate(SHOWN_MAX);
        bail!(
            "{count} kinds of requests are not in {}, such as\n{}",
            calls::FILE,
            strangers.join("\n")
        );
    }
    let mut unused = calls.iter().zip(&is_used).filter(|(_, is_used)| !**is_used);
    if let Some((call, _)) = unused.next() {
        bail!(
            "no test has sent the call `{}` of {}",
            call.name,
            calls::FILE
        );
    }
    Ok(format!(
        "{} requests to the Engine, all listed in {}; each of its {} calls was used",
        record.lines().count(),
        calls::FILE,
        calls.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Vec<Call> {
        calls::parse("look GET /a/[0-9] -\nstop POST /a/stop t=[0-9]\n").expect("a table")
    }

    #[track_caller]
    fn check_fails(record: &str, expected: &str) {
        let error = check_against(record, &table()).expect_err(record);
        let error = format!("{error:#}");
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn a_recorded_request_is_compared_by_its_request_line() {
        let recording = r#"{"method":"GET","target":"/a/1","body":null}"#;
        let lines = request_lines(recording).expect("a recording");
        assert_eq!(lines, "GET /a/1\n");
        request_lines("GET /a/1").expect_err("another form");
    }

    #[test]
    fn requests_that_are_all_on_the_list_pass() {
        let record = "GET /a/1\nPOST /a/stop?t=0\nGET /a/2\n";
        let said = check_against(record, &table()).expect("they are");
        assert!(said.starts_with("3 requests"), "{said}");
        assert!(said.contains("each of its 2 calls was used"), "{said}");
    }

    #[test]
    fn a_request_that_is_not_on_the_list_is_named() {
        for stranger in [
            "GET /a/10",
            "get /a/1",
            "POST /a/1",
            "GET /a/1?x=",
            "GET /b/a/1",
            "",
        ] {
            let record = format!("GET /a/1\nPOST /a/stop?t=0\n{stranger}\n");
            check_fails(&record, stranger);
        }
    }

    #[test]
    fn an_entry_that_nothing_used_is_named() {
        check_fails("GET /a/1\n", "`stop`");
        check_fails("", "`look`");
    }
}
