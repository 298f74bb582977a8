//! The same webhooks on a Swarm, under the same promises.
//!
//! The Swarm's own events are steps of the schedule, between any two calls: a task is
//! made, prepared, run, rejected, ended and taken away, a node is lost and comes back. So
//! there are far more orders than on an Engine. These are left out:
//!
//! * A task that could go on is late at most once for each [`Lag`]. A task that does not
//!   go on during the work has scenarios of its own ([`Habit::Stuck`]). After the work,
//!   tasks go on as soon as time passes.
//! * A webhook that repeats a look meets a fault, and a step of the Swarm, only at its
//!   first, second, fifth and seventeenth look.
//! * A task goes from *preparing* to *running*; only [`Habit::Fine`] and
//!   [`Habit::Stuck`] have the states before.
//! * In `cargo test`, two webhooks meet only the fates of [`Fates::Lost`], and not as one
//!   of the [`LARGE`] pairs. The other fates have the same effects, and are tried with
//!   each webhook alone. All pairs with all fates, and all pairs with late tasks, are
//!   ignored tests: `cargo test --test promise -- --ignored` takes three minutes.
//! * At most one node is lost, with all tasks that nodes have at that moment.
//! * All looks go through an older manager, or all changes, or both, or neither.
//! * Only [`Habit::Deaf`] is a Swarm that misses updates: the one after which a task is to
//!   end, once for each target.

use crate::fate::Fates;
use crate::faults::foreign_stops;
use crate::model::swarm::{Habit, Move, Through};
use crate::scenario::Event::{Delay, End, Fault, Lag, Loss, Rejection};
use crate::scenario::{Place, SWARM};
use crate::schedule::explore;

const ALONE: &str = "
    start               |                  | 200
    start               | running 1m       | 200
    start               | starting 5s      | 200
    start               | created 5s       | 503
    start               | created 1m       | 200
    start               | exited 1m        | 409
    start-other-payload | running 1m       | 422!
    start-taken         |                  | 500!
    start               | other running 1m | 429 | one-target
    wait-ended          | running 1m       | 200
    wait-ended          | exited 1m        | 200
    wait-ended          |                  | 404
    start-same-owner    | owned running 1m | 429 | one-of-owner
    stop                | running 1m       | 200
    stop                | starting 1m      | 200
    stop                | created 1m       | 200
    stop                | exited 1m        | 200
    stop                | dead 1m          | 200
    stop                |                  | 200
    reap                | few-remains      | 200
    reap                | starting 10m     | 200
";

/// Somebody has deleted the service of a task.
const STOP_OF_DELETED: &str = "stop | stopping 1m | 200\n";
const START_OF_DELETED: &str = "start | stopping 1m | 200 503\n";
const START_OF_DEAD: &str = "start | dead 1m | 200\n";

fn alone() -> String {
    [ALONE, STOP_OF_DELETED, START_OF_DELETED, START_OF_DEAD].concat()
}

/// For [`Habit::Stuck`].
const STUCK: &str = "
    start         |             | 200 429 503
    start         | starting 5s | 200 503
    start         | stopping 1m | 200 503
    start + start |             | 200 429 503
    stop          | starting 5s | 200 503
    stop          | running 1m  | 200 503
    start + stop  | running 1m  | 200 409 503
";

/// For [`Habit::Older`]: starts are refused, and nothing ends.
const OLDER: &str = "
    start | | 503!
    stop  | running 1m | 200
    stop  | created 1m | 200
    reap  | exited 1h, other running 9d | 200
";

/// For [`Habit::Deaf`].
const DEAF: &str = "
    start       |              | 200
    stop        | running 1m   | 200
    stop        | starting 5s  | 200
    reap        | few-remains  | 200
    reap        | starting 10m | 200
    stop + stop | running 1m   | 200
";

/// Pairs that concern the same target. In the last, one would say that it runs, and the
/// other withdraw it.
const PAIRS: &str = "
    start + start |              | 200
    start + stop  | running 1m   | 200 409 503
    stop + stop   | running 1m   | 200
    start + reap  |              | 200
    start + reap  | created 10m  | 200
    start + reap  | created 118s | 200
    start + reap  | exited 1h    | 200 409
    start + reap  | running 9d   | 200 409 503
    stop + reap   | running 9d   | 200
";
const START_REAP: &str = "start + reap | starting 10m | 200 409 503\n";

/// The pairs with the most schedules, too many for each change.
const LARGE: &str = "
    start-owned + start-same-owner |            | 201 429     | one-of-owner
    start + start                  | created 1m | 200
    start + stop-untold            |            | 200 409 500 502 503 504
    start + start-other            |            | 200 429     | one-target
    start-other + stop             | running 1m | 200 429     | one-target
";

fn small_pairs() -> String {
    [PAIRS, START_REAP].concat()
}

fn all_pairs() -> String {
    [PAIRS, START_REAP, LARGE].concat()
}

#[test]
fn on_a_swarm_a_webhook_alone_ends_as_it_should() {
    let fine = [Place::Swarm(Habit::Fine)];
    let rows = alone() + &foreign_stops();
    explore("swarm", &fine, &rows, Fates::Any, &[Lag, Lag, Lag]);
    // The start is tried on one node after the other.
    let without_image = "start | | 500! | no-image";
    explore("swarm-nodes", SWARM, without_image, Fates::Any, &[]);
}

/// A task goes no further during the work.
#[test]
fn on_a_swarm_a_task_may_get_no_further() {
    use Move::{Confirm, Doom, Make, Prepare, Run};
    for stuck in [Make, Prepare, Run, Doom, Confirm] {
        let group = format!("swarm-without-{stuck:?}");
        let places = [Place::Swarm(Habit::Stuck(stuck))];
        explore(&group, &places, STUCK, Fates::Any, &[]);
    }
}

#[test]
fn on_a_swarm_any_calls_may_go_through_an_older_manager() {
    // For given targets, a look shows whether an option is left out.
    for (older, status) in [
        (Through::Looks, 503),
        (Through::Changes, 500),
        (Through::Both, 503),
    ] {
        let rows = format!(
            "{OLDER}
             start | running 1m  | {status}!
             start | starting 5s | {status}!"
        );
        let group = format!("swarm-older-{older:?}");
        let places = [Place::Swarm(Habit::Older(older))];
        explore(&group, &places, &rows, Fates::Any, &[]);
    }
}

#[test]
fn a_swarm_that_misses_the_end_of_a_task_is_told_again() {
    let deaf = [Place::Swarm(Habit::Deaf)];
    explore("swarm-deaf", &deaf, DEAF, Fates::Any, &[Fault]);
}

/// A start of a dead target or of one whose service is deleted continues like that of an
/// abandoned target, which is tried.
#[test]
fn on_a_swarm_any_call_may_fail_in_any_way() {
    let rows = [ALONE, STOP_OF_DELETED].concat();
    explore("swarm-fault", SWARM, &rows, Fates::Any, &[Fault, Lag]);
}

#[test]
fn on_a_swarm_the_answers_of_any_two_calls_may_be_lost() {
    let few = "
        start |            | 200
        stop  | running 1m | 200
        reap  | running 9d | 200
    ";
    explore("swarm-faults", SWARM, few, Fates::Lost, &[Fault, Fault]);
}

#[test]
fn on_a_swarm_a_task_may_end_be_rejected_or_lost_at_any_moment() {
    explore("swarm-ended", SWARM, &alone(), Fates::Any, &[End, Lag]);
    let rejected = [Rejection, Lag];
    explore("swarm-rejected", SWARM, &alone(), Fates::Any, &rejected);
    // If somebody else deletes a service, its node is lost and a new leader forgets its
    // task, nobody can see that task any more.
    let seen = [ALONE, START_OF_DEAD].concat();
    explore("swarm-lost", SWARM, &seen, Fates::Any, &[Loss, Lag]);
}

#[test]
fn on_a_swarm_two_webhooks_may_meet_in_any_order() {
    explore("swarm-pair", SWARM, &small_pairs(), Fates::Any, &[Delay]);
    explore("swarm-pair-large", SWARM, LARGE, Fates::Any, &[]);
}

#[test]
fn on_a_swarm_two_webhooks_may_meet_and_any_answer_be_lost() {
    let group = "swarm-pair-lost-answer";
    explore(group, SWARM, &small_pairs(), Fates::Lost, &[Fault]);
}

#[test]
fn on_a_swarm_two_webhooks_may_meet_and_a_node_be_lost() {
    let group = "swarm-pair-lost-node";
    explore(group, SWARM, &all_pairs(), Fates::Any, &[Loss]);
}

#[test]
#[ignore = "takes two minutes"]
fn on_a_swarm_two_webhooks_may_meet_and_any_call_fail_in_any_way() {
    let group = "swarm-pair-fault";
    explore(group, SWARM, &all_pairs(), Fates::Any, &[Fault]);
}

#[test]
#[ignore = "takes a minute"]
fn on_a_swarm_two_webhooks_may_meet_late() {
    let rows = all_pairs() + "start + start-other | | 200";
    explore("swarm-pair-late", SWARM, &rows, Fates::Any, &[Delay, Lag]);
    // A slow look comes before the withdrawal.
    let group = "swarm-pair-late-look";
    explore(group, SWARM, START_REAP, Fates::Late, &[Fault]);
}
