//! Starts that are refused before there is a container: a repeated one may have a target
//! that runs.

use std::time::Duration;

use dynamic_access::error::Error;
use dynamic_access::provision::StartOrder;

use crate::script::*;
use crate::start::{check_start_with, exit_code_127, no_image};

/// Variables, and the calls that end with a refusal by them or by the Engine, each with
/// its status.
type Refusal = (
    &'static [(&'static str, &'static str)],
    fn() -> Vec<(&'static str, Reply)>,
    u16,
);

/// Every refusal before a container is made.
const REFUSALS: [Refusal; 10] = [
    (
        &[("service_urls", "https://other http://host https://host:1")],
        Vec::new,
        422,
    ),
    (
        &[("environments", r#"{"e":{"service_urls":"https://other"}}"#)],
        Vec::new,
        422,
    ),
    (&[], || vec![("create", said(400, "invalid"))], 500),
    (
        &[],
        || vec![("create", said(403, "authorization denied by plugin p"))],
        500,
    ),
    (&[], || vec![("create", said(404, "No such image: x"))], 500),
    (
        &[],
        || {
            vec![(
                "create",
                said(
                    500,
                    "unable to find network with name or ID n: network not found",
                ),
            )]
        },
        500,
    ),
    (
        &PULLING,
        || vec![no_image(), ("pull", Is(200, String::new())), no_image()],
        500,
    ),
    (
        &PULLING,
        || vec![no_image(), ("pull", said(404, "manifest unknown"))],
        500,
    ),
    (
        &PULLING,
        || vec![no_image(), ("pull", said(500, "EOF"))],
        502,
    ),
    (&PULLING, || vec![no_image(), ("pull", Hangs)], 503),
];

#[test]
fn a_refusal_is_answered_after_a_look_for_the_target() {
    for (changes, refused, status) in REFUSALS {
        let mut steps = refused();
        steps.push(("list by name", none()));
        check_start_with(changes, steps, status);
    }
}

#[test]
fn a_repeated_start_finds_its_target_although_a_new_one_would_be_refused() {
    for (changes, refused, _) in REFUSALS {
        let looked = |reply| {
            let mut steps = refused();
            steps.push(("list by name", reply));
            steps
        };
        check_start_with(changes, looked(one("running", &[])), 200);
        let mut ended = looked(one("exited", &[]));
        ended.push(exit_code_127());
        check_start_with(changes, ended, 409);
        let other = one("running", &[("environment-id", "other")]);
        check_start_with(changes, looked(other), 422);
        let mut starting = looked(one("created", &[("attempt", "theirs")]));
        starting.push(("list by name", one("running", &[("attempt", "theirs")])));
        check_start_with(changes, starting, 200);
    }
}

#[test]
fn a_refusal_is_not_answered_while_the_target_cannot_be_looked_for() {
    for (changes, refused, _) in REFUSALS {
        let mut steps = refused();
        steps.extend((0..3).map(|_| ("list by name", Lost)));
        check_start_with(changes, steps, 502);
    }
}

#[test]
fn a_shorter_longest_lifetime_does_not_hide_a_target_that_runs() {
    let order = StartOrder {
        lifetime: Some(Duration::from_secs(7200)),
        ..order()
    };
    let start = |steps| {
        run_with(&[("max_lifetime", "1h")], steps, async |provisioner| {
            provisioner.start(&order).await
        })
    };
    let own = || one("running", &[("lifetime", "7200")]);
    let found = start(vec![("list by name", own()), ("list by id", own())]);
    assert!(!found.expect("it runs").is_new);
    let refused = start(vec![("list by name", none())]);
    let longest = Duration::from_secs(3600);
    assert_eq!(
        refused.expect_err("too long"),
        Error::LifetimeTooLong(longest)
    );
}
