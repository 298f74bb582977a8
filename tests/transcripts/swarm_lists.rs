//! Lists of a Swarm that are longer than a reply may be.

use crate::script::*;
use crate::swarm::{on_swarm, one, reap, vouched_for};
use crate::swarm_start::running;

#[test]
fn a_list_that_is_too_long_is_asked_for_in_parts() {
    let order = order();
    let counted = |unvouched: Vec<(&'static str, Reply)>| {
        let mut steps = running(vouched_for());
        steps.splice(1..3, unvouched);
        steps
    };
    let mut parts = vec![("list unvouched services", TooLong)];
    parts.extend((0..15).map(|_| ("list part of unvouched services", none())));
    // One part of them is too long itself.
    parts.push(("list part of unvouched services", TooLong));
    parts.extend((0..15).map(|_| ("list part of unvouched services", none())));
    parts.push(("list part of unvouched services", one(0, &[])));
    parts.push(("list tasks", TooLong));
    parts.extend((0..16).map(|_| ("list part of tasks", none())));
    let started = on_swarm(counted(parts), async |provisioner| {
        provisioner.start(&order).await
    });
    started.expect("a target");
    let mut steps = vec![("list services", TooLong)];
    steps.extend((0..16).map(|_| ("list part of services", none())));
    steps.push(("list tasks", none()));
    steps.push(("list secrets", TooLong));
    steps.extend((0..16).map(|_| ("list part of secrets", none())));
    let report = reap(steps);
    assert_eq!((report.found, report.left_over_fault), (0, None));
    // Four digits are the most, so what is longer still ends in a fault.
    let mut steps = vec![("list services", TooLong)];
    steps.extend((0..4).map(|_| ("list part of services", TooLong)));
    let survey = on_swarm(steps, async |provisioner| {
        provisioner.backend.survey().await
    });
    let fault = survey.expect_err("a part that is too long").to_string();
    assert!(fault.contains("longer than 10 MiB"), "{fault}");
}
