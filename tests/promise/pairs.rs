//! Two webhooks at once, with their calls in every order.

use crate::fate::Fates;
use crate::scenario::Event::{Delay, End, Fault};
use crate::scenario::{DOCKER, ENGINES};
use crate::schedule::explore;

/// All pairs that concern the same target. A target that is removed before the start's
/// last look has ended. If an id is guessed that no answer has told, the start fails.
const PAIRS: &str = "
    start + start               |                     | 200
    start + start-other         |                     | 200
    start-key + start-key       |                     | 200 201
    start-key + start           |                     | 200 201
    start-key + stop            | key running 1m      | 200 201 409
    start + start-other-payload |                     | 200 422!
    start + start               | created 1m          | 200
    start + stop                | running 1m          | 200 409
    start + stop-untold         |                     | 200 409 500 502
    start-other + stop          | running 1m          | 200

    wait-ended + stop           | running 1m, other running 1m | 200 404
    stop + stop                 | running 1m, other running 1m | 200
    stop + stop-1               | running 1m, other running 1m | 200
    stop + reap                 | running 9d          | 200
    stop + reap                 | exited 1h           | 200

    start + reap                |                     | 200
    start + reap                | created 10m         | 200
    start + reap                | created 118s        | 200
    start + reap                | exited 1h           | 200 409
    start + reap                | running 9d          | 200 409
    reap + reap                 | few-remains         | 200
    reap + dry-run              | few-remains         | 200
    start + health              | few-remains         | 200

    start + start-other            |                  | 200 429 | one-target
    start + start                  |                  | 200     | one-target
    start-owned + start-same-owner  |                 | 201 429 | one-of-owner
    start-owned + start-other-owner |                 | 201     | one-of-owner
    start + stop                   | other running 1m | 200 429 | one-target
    start + reap                   | other running 9d | 200 429 | one-target
";

const THREE: &str = "
    start + start + start       |            | 200
    start + start-other + start |            | 200 429 503 | one-target
    start + start + reap        |            | 200
    start + start + stop        | running 1m | 200 409
";

/// Without faults: every order of every step, with late answers, and with time that
/// passes once although somebody could have gone on.
#[test]
fn two_webhooks_may_meet_in_any_order() {
    explore("pair", ENGINES, PAIRS, Fates::Any, &[Delay]);
}

/// With one fault, or crash, of either: every order of the effects.
///
/// Late answers are left out: they make no difference to the Engine, and the caller sees
/// them only on its clock, which the fates of slow calls cover.
#[test]
fn two_webhooks_may_meet_and_any_call_fail() {
    explore("pair-fault", DOCKER, PAIRS, Fates::Any, &[Fault]);
}

/// The component dies in the middle of both.
#[test]
fn both_of_two_webhooks_may_be_cut_off() {
    let both = [Fault, Fault];
    explore("pair-crash", DOCKER, PAIRS, Fates::Crash, &both);
}

#[test]
fn two_webhooks_may_meet_and_a_target_end() {
    explore("pair-ending", DOCKER, PAIRS, Fates::Any, &[End]);
}

#[test]
fn three_webhooks_may_meet_in_any_order() {
    explore("three", ENGINES, THREE, Fates::Any, &[]);
}
