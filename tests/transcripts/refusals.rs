//! Starts that are refused before there is a container: a repeated one may have a target
//! that runs.

use std::time::Duration;

use dynamic_access::error::{Error, OrderError};
use dynamic_access::platform::Platform;
use dynamic_access::provision::StartOrder;

use crate::script::*;
use crate::start::{
    ENDED_WITH_127, FOUND_RUNNING, NO_IMAGE, TO_PULL, check_start, check_start_with,
};

/// Every refusal before there is a container: the variables, the calls up to the refusal,
/// and its status.
fn refusals() -> impl Iterator<Item = (&'static Changes, Steps, u16)> {
    let others = &[("service_urls", "https://other http://host https://host:1")];
    let of_environment = &[("environments", r#"{"e":{"service_urls":"https://other"}}"#)];
    let by_urls = [
        (&others[..], no_call(), 422),
        (of_environment, no_call(), 422),
    ];
    let by_create = [
        "create: 400 invalid",
        "create: 403 authorization denied by plugin p",
        TO_PULL,
        "create: 500 unable to find network with name or ID n: network not found",
    ];
    let by_create = by_create.map(|refused| (&[][..], steps(refused), 500));
    let by_pull = [
        (steps("pull: 200") + NO_IMAGE, 500),
        (steps("pull: 404 manifest unknown"), 500),
        (steps("pull: 500 EOF"), 502),
        (steps("pull: hangs"), 503),
    ];
    let by_pull = by_pull.map(|(rest, status)| (&PULLING[..], steps(TO_PULL) + rest, status));
    by_urls.into_iter().chain(by_create).chain(by_pull)
}

#[test]
fn a_refusal_is_answered_after_a_look_for_the_target() {
    for (changes, refused, status) in refusals() {
        check_start_with(changes, refused + "list by name: none", status);
    }
}

#[test]
fn a_repeated_start_finds_its_target_although_a_new_one_would_be_refused() {
    let theirs = "list by name: created attempt=theirs;
                  list by name: running attempt=theirs; stats: 3";
    for (look, status) in [
        (steps(FOUND_RUNNING), 200),
        (steps("list by name: exited") + ENDED_WITH_127, 409),
        (steps("list by name: running environment-id=other"), 422),
        (steps(theirs), 200),
    ] {
        for (changes, refused, _) in refusals() {
            check_start_with(changes, refused + look.clone(), status);
        }
    }
}

#[test]
fn a_refusal_is_not_answered_while_the_target_cannot_be_looked_for() {
    for (changes, refused, _) in refusals() {
        check_start_with(changes, refused + steps("list by name: lost") * 3, 502);
    }
}

#[test]
fn a_shorter_longest_lifetime_does_not_hide_a_target_that_runs() {
    let order = StartOrder {
        lifetime: Some(Duration::from_secs(7200)),
        ..order()
    };
    let shorter = [("max_lifetime", "1h")];
    let own = "list by name: running lifetime=7200; stats: 3; inspect";
    let found = start_of(&order, &shorter, own);
    assert!(!found.expect("it runs").is_new);
    let refused = start_of(&order, &shorter, "list by name: none");
    let longest = Duration::from_secs(3600);
    assert_eq!(
        refused.expect_err("too long"),
        Error::Order(OrderError::LifetimeTooLong(longest))
    );
}

/// A create of a name that is in use, in Podman's words.
const TAKEN: &str = "create: 500 the container name da-1 is already in use by 0123abcd. You have to remove that container";

/// Creates with a name that is taken and not listed.
fn tries(count: usize) -> Steps {
    (steps(TAKEN) + "list by name: none") * count
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
    check_start(tries(19) + TAKEN + FOUND_RUNNING, 200);
    // In between, a list shows the container of another start, which has failed.
    let busy = steps(TAKEN) + steps("list by name: created attempt=theirs") * 18;
    check_start(tries(1) + busy + "list by name: none" + UNTIL_STARTED, 200);
    check_start(tries(19) + UNTIL_STARTED, 200);
}
