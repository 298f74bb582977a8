//! Compares the requests that the component sent during the tests with the table of calls that a proxy admits.

use anyhow::{Result, bail};
use dynamic_access_admin::proxy_config::calls::{self, Call};

/// How many unlisted requests are shown; they mostly have one cause.
const SHOWN_MAX: usize = 10;

/// Checks recorded requests, one `METHOD path?query` a line, and returns a summary.
pub fn check(record: &str) -> Result<String> {
    check_against(record, &calls::table()?)
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
