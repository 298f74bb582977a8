//! The verdicts, from a list alone.

use std::cell::Cell;
use std::collections::BTreeSet;

use super::*;
use crate::config::tests::config;
use crate::docker::target::tests::aged;

const GRACE: &str = "dynamic-access.start-within";
const LIFETIME: &str = "dynamic-access.max-lifetime";
const NEVER_STARTED: Verdict = Verdict::Remove(Reason::NeverStarted);
const EXPIRED: Verdict = Verdict::Remove(Reason::Expired);

#[track_caller]
fn check(state: &str, age: Option<u64>, labels: &[(&str, &str)], expected: Verdict) {
    let container = aged(state, age, labels);
    let found = verdict(&container, &config(&[]));
    assert_eq!(found, expected, "{container:?}");
}

#[test]
fn a_container_may_be_started_until_its_label_says_otherwise() {
    check("created", Some(120), &[(GRACE, "120")], Verdict::Keep);
    check("created", Some(121), &[(GRACE, "120")], NEVER_STARTED);
    check("created", Some(121), &[(GRACE, "9999")], Verdict::Keep);
    check("created", Some(121), &[], NEVER_STARTED);
}

#[test]
fn a_container_may_run_until_its_label_says_otherwise() {
    for state in ["running", "paused", "restarting", "sleeping"] {
        check(state, Some(60), &[(LIFETIME, "60")], Verdict::Keep);
        check(state, Some(61), &[(LIFETIME, "60")], EXPIRED);
    }
    check("running", Some(691_200), &[], Verdict::Keep);
    check("running", Some(691_201), &[(LIFETIME, "soon")], EXPIRED);
}

#[test]
fn a_container_that_has_ended_stays_ten_minutes() {
    check("exited", Some(600), &[], Verdict::Keep);
    check("exited", Some(601), &[], Verdict::Inspect);
}

#[test]
fn a_removal_that_failed_half_way_is_finished_at_once() {
    let dead = Verdict::Remove(Reason::RemovalFailed);
    check("dead", Some(0), &[], dead);
}

#[test]
fn a_removal_that_nobody_may_be_at_is_finished() {
    check("removing", Some(120), &[], Verdict::Keep);
    let failed = Verdict::Remove(Reason::RemovalFailed);
    check("removing", Some(121), &[(LIFETIME, "60")], failed);
}

#[test]
fn what_has_no_age_is_kept() {
    for state in [
        "created", "running", "exited", "dead", "removing", "sleeping",
    ] {
        check(state, None, &[(GRACE, "0"), (LIFETIME, "0")], Verdict::Keep);
    }
}

#[test]
fn a_shuffle_keeps_every_item_and_gives_every_item_every_place() {
    let mut seen = BTreeSet::new();
    for seed in 0..100_u128 {
        let mut items = [0, 1, 2, 3];
        // Bits spread like those of a random source.
        let state = Cell::new(seed);
        shuffle(&mut items, || {
            let next = (state.get() + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
            state.set(next ^ (next >> 71));
            next
        });
        seen.extend(items.into_iter().enumerate());
        items.sort_unstable();
        assert_eq!(items, [0, 1, 2, 3]);
    }
    assert_eq!(seen.len(), 16);
}
