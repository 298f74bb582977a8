//! The verdicts, from a list alone.

use std::cell::Cell;
use std::collections::BTreeSet;

use super::*;
use crate::config::tests::config;
use crate::docker::target::tests::aged;

#[test]
fn a_verdict_follows_from_the_state_the_age_and_the_labels() {
    let (keep, expired) = (Verdict::Keep, Verdict::Remove(Reason::Expired));
    let never_started = Verdict::Remove(Reason::NeverStarted);
    let failed = Verdict::Remove(Reason::RemovalFailed);
    let runs = "running paused restarting sleeping";
    let any = "created running exited dead removing sleeping";
    for (states, age, within, lifetime, expected) in [
        ("created", Some(120), "120", "", &keep),
        ("created", Some(121), "120", "", &never_started),
        ("created", Some(121), "9999", "", &keep),
        ("created", Some(121), "", "", &never_started),
        (runs, Some(60), "", "60", &keep),
        (runs, Some(61), "", "60", &expired),
        ("running", Some(691_200), "", "", &keep),
        ("running", Some(691_201), "", "soon", &expired),
        ("exited", Some(600), "", "", &keep),
        ("exited", Some(601), "", "", &Verdict::Inspect),
        ("dead", Some(0), "", "", &failed),
        ("removing", Some(120), "", "", &keep),
        ("removing", Some(121), "", "60", &failed),
        (any, None, "0", "0", &keep),
    ] {
        for state in states.split(' ') {
            let labels = [
                ("dynamic-access.start-within", within),
                ("dynamic-access.max-lifetime", lifetime),
            ];
            let container = aged(state, age, &labels);
            let found = verdict(&container, &config(&[]));
            assert_eq!(found, *expected, "{container:?}");
        }
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
