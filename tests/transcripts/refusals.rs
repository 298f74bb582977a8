//! Starts that are refused before there is a container: a repeated one may have a target
//! that runs.

use crate::rows::{check, transcripts};

/// Every refusal before there is a container, with the look for the target.
const REFUSALS: &str = r#"
    [service_urls=https://other http://host https://host:1] LOOK => 422
    [environments={"e":{"service_urls":"https://other"}}] LOOK => 422
    create: (400 invalid | 403 authorization denied by plugin p); LOOK => 500
    create: 500 unable to find network with name or ID n: network not found; LOOK => 500
    TO_PULL; LOOK => 500
    create: 404 agent: image not known; list all: none; LOOK => 500
    [PULLING] TO_PULL; pull: 200; NO_IMAGE; LOOK => 500
    [PULLING] TO_PULL; pull: 404 manifest unknown; LOOK => 500
    [PULLING] TO_PULL; pull: 500 EOF; LOOK => 502
    [PULLING] TO_PULL; pull: hangs; LOOK => 503
"#;

/// Makes this look after each refusal, and checks the status, which otherwise is that of
/// the refusal.
fn check_refused(look: &str, status: Option<&str>) {
    for row in REFUSALS.lines().filter(|row| !row.is_empty()) {
        let (calls, own) = row.split_once(" => ").expect("a status");
        let (calls, status) = (calls.replace("LOOK", look), status.unwrap_or(own));
        check(&[], "start", &format!("{calls} => {status}"));
    }
}

#[test]
fn a_refusal_is_answered_after_a_look_for_the_target() {
    check_refused("list by name: none", None);
}

#[test]
fn a_repeated_start_finds_its_target_although_a_new_one_would_be_refused() {
    let theirs = "list by name: created attempt=theirs; \
                  list by name: running attempt=theirs; inspect; stats: 3";
    check_refused("FOUND", Some("200"));
    check_refused("list by name: exited; inspect: exited 127", Some("409"));
    check_refused("list by name: running environment-id=other", Some("422"));
    check_refused(theirs, Some("200"));
}

#[test]
fn a_refusal_is_not_answered_while_the_target_cannot_be_looked_for() {
    check_refused("list by name: lost * 3", Some("502"));
}

transcripts! { &[], "start":
    a_shorter_longest_lifetime_does_not_hide_a_target_that_runs
        r#"[max_lifetime=1h] start {"environment":"e","serviceUrl":"https://host","lifetime":"2h"} >
           OF_KEY: lifetime=7200; inspect; stats: 3; list volumes => 200
           [max_lifetime=1h] start {"environment":"e","serviceUrl":"https://host","lifetime":"2h"} >
           list by name: none => lifetime_too_long `3600 s`"#

    a_name_that_is_taken_and_never_listed_ends_the_start
        "UNLISTED * 20 => name_taken `already in use by 0123abcd` `again after None` ` after 15`"
}
