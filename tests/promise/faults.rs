//! One webhook alone on an Engine, with every fault of each of its calls. In one of them
//! the component dies: before a call takes effect, after it, or with the call still on
//! its way.

use crate::fate::{Fate, Fates};
use crate::scenario::Event::{End, Fault, Prune, Restart};
use crate::scenario::{DOCKER, ENGINES};
use crate::schedule::explore;

/// Waits for something that comes soon, holds already, or never comes.
const WAITS: &str = "
    wait-ready    | running 1s     | 200 | checked
    wait-ready    | running 1s     | 200
    wait-ready    | exited 1m      | 200
    wait-ready    | created 1m     | 200
    wait-ended    | running 1s     | 200
    wait-ended    | exited 1m      | 200
    wait-ended    |                | 404
    wait-foreign  |                | 404!
    start-waiting |                | 201 | checked
";

const STARTS: &str = "
    start         |                | 200
    start         | running 1m     | 200
    start         | created 5s     | 503
    start         | created 1m     | 200
    start         | dead 1m        | 200
    start-key     |                | 201
    start-key     | key running 1m | 200
    start-key     | key created 1m | 201
    start         | running 1m     | 200 | no-image
    start-key     | key running 1m | 200 | no-image
    start         | remains        | 200
";

/// In the last, the reap after the first answer makes room for the second.
const REFUSED_STARTS: &str = "
    start                   | exited 1m         | 409
    start-other-payload     | running 1m        | 422!
    start-key               | key exited 1m     | 409
    start-key-other-payload | key running 1m    | 422!
    start-taken             |                   | 500!
    start                   |                   | 500! | no-image
    start                   | other running 1m  | 429  | one-target
    start                   | reserved 1m       | 500!
    start-same-owner        | owned running 1m  | 429  | one-of-owner
    start-other-owner       | owned running 1m  | 201  | one-of-owner
    start                   | other created 10m | 429  | one-target
";

const OTHERS: &str = "
    stop    | running 1m | 200
    stop    | created 1m | 200
    stop    | exited 1m  | 200
    stop    | dead 1m    | 200
    stop    |            | 200
    health  |            | 200
    health  | remains    | 200
    health  |            | 503! | no-image
    reap    | remains    | 200
    reap    |            | 200
    dry-run | remains    | 200
";

/// Stops of everything that only looks like a target of ours.
pub fn foreign_stops() -> String {
    let row = |look| format!("stop-foreign-{look} | running 1m | 404!\n");
    (0..21).map(row).collect()
}

/// Everything that a webhook alone may find.
fn alone() -> String {
    [WAITS, STARTS, REFUSED_STARTS, OTHERS, &foreign_stops()].concat()
}

/// The webhooks that change something, for tests with too many schedules to try all.
const FEW: &str = "
    start  |                  | 200
    start  | running 1m       | 200
    start  | other running 1m | 429 | one-target
    stop   | running 1m       | 200
    health | few-remains      | 200
    reap   | few-remains      | 200
";

#[test]
fn a_webhook_alone_ends_as_it_should() {
    explore("calm", ENGINES, &alone(), Fates::Any, &[]);
}

#[test]
fn any_call_may_fail_in_any_way() {
    explore("fault", ENGINES, &alone(), Fates::Any, &[Fault]);
}

#[test]
fn any_two_calls_may_fail_in_any_two_ways() {
    explore("faults", DOCKER, FEW, Fates::Any, &[Fault, Fault]);
}

/// Two requests that are on their way together and for long.
#[test]
fn any_two_calls_may_take_effect_late() {
    explore("adrift", DOCKER, FEW, Fates::Hangs, &[Fault, Fault]);
}

/// An Engine, or the connection to it, that stays broken from some call on.
///
/// Requests do not land late here: with each call adrift, every permutation of their
/// effects would be a schedule.
#[test]
fn all_calls_may_fail_from_any_one_on() {
    for fate in [
        Fate::Unreachable,
        Fate::HangsIdle,
        Fate::HangsDone,
        Fate::FailsBefore,
        Fate::FailsAfter,
        Fate::Garbage,
        Fate::Refused,
        Fate::SlowToAct,
        Fate::SlowToAnswer,
    ] {
        let group = format!("lasting-{fate:?}");
        explore(&group, ENGINES, &alone(), Fates::Lasting(fate), &[Fault]);
    }
}

#[test]
fn a_target_may_end_by_itself_at_any_moment() {
    explore("ending", DOCKER, FEW, Fates::Any, &[End, Fault]);
    explore("ending-wait", DOCKER, WAITS, Fates::Any, &[End]);
}

#[test]
fn the_engine_may_be_killed_at_any_moment() {
    explore("restarted", DOCKER, &alone(), Fates::Any, &[Restart]);
    let both = [Restart, Fault];
    explore("restarted-fault", DOCKER, FEW, Fates::Any, &both);
}

/// With two prunes, a start makes a third container.
#[test]
fn a_created_container_may_be_pruned_at_any_moment() {
    explore("pruned", DOCKER, FEW, Fates::Any, &[Prune, Prune]);
    explore("pruned-fault", DOCKER, FEW, Fates::Any, &[Prune, Fault]);
}
