//! Starts that are refused before there is a container: a repeated one may have a target
//! that runs.

use std::time::Duration;

use dynamic_access::error::{Error, OrderError};
use dynamic_access::platform::Platform;
use dynamic_access::provision::StartOrder;

use crate::script::*;
use crate::start::{check_start, check_start_with, exit_code_127, no_image};

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
    let found = start(vec![("list by name", own()), runs()]);
    assert!(!found.expect("it runs").is_new);
    let refused = start(vec![("list by name", none())]);
    let longest = Duration::from_secs(3600);
    assert_eq!(
        refused.expect_err("too long"),
        Error::Order(OrderError::LifetimeTooLong(longest))
    );
}

/// Podman's words for a name that is in use.
const TAKEN: &str =
    "the container name da-1 is already in use by 0123abcd. You have to remove that container";

/// Creates of a name that is taken and not listed.
fn tries(count: usize) -> Vec<(&'static str, Reply)> {
    let tries = (0..count).flat_map(|_| [("create", said(500, TAKEN)), ("list by name", none())]);
    tries.collect()
}

#[test]
fn a_name_that_is_taken_and_never_listed_ends_the_start() {
    let outcome = run(tries(20), async |provisioner| {
        let outcome = provisioner.start(&order()).await;
        assert!(provisioner.platform.now() >= Duration::from_secs(15));
        outcome
    });
    let error = outcome.expect_err("the name is taken");
    assert_eq!(error.status().as_u16(), 500);
    assert_eq!(error.retry_after_seconds(), None);
    assert!(
        error.to_string().contains("already in use by 0123abcd"),
        "{error}"
    );
}

#[test]
fn a_name_that_is_taken_is_waited_for_until_it_is_listed_or_free() {
    let mut listed = tries(19);
    listed.extend([
        ("create", said(500, TAKEN)),
        ("list by name", one("running", &[])),
    ]);
    check_start(listed, 200);
    // Another start has listed it in between, and has failed.
    let mut busy = tries(1);
    busy.push(("create", said(500, TAKEN)));
    busy.extend((0..18).map(|_| ("list by name", one("created", &[("attempt", "theirs")]))));
    busy.push(("list by name", none()));
    busy.extend([
        ("create", created()),
        ("list all", none()),
        ("archive", written()),
        ("start", done()),
    ]);
    check_start(busy, 200);
    let mut freed = tries(19);
    freed.extend([
        ("create", created()),
        ("list all", none()),
        ("archive", written()),
        ("start", done()),
    ]);
    check_start(freed, 200);
}
