//! The same webhooks on a Swarm, under the same promises.
//!
//! The Swarm's own events are steps of the schedule, between any two calls: a task is
//! made, prepared, run, rejected, ended and taken away, a node is lost and comes back. So
//! there are far more orders than on an Engine. These are left out:
//!
//! * A task that could go on is late at most `lags` times. A task that does not go on
//!   during the work has a scenario of its own ([`stuck`]). After the work, tasks go on
//!   as soon as time passes.
//! * A webhook that repeats a look meets a fault, and a step of the Swarm, only at its
//!   first, second, fifth and seventeenth look.
//! * A task goes from *preparing* to *running*; only scenarios with `is_fine` have the
//!   states before.
//! * In `cargo test`, two webhooks meet only the fates of [`Fates::Lost`], and not as one
//!   of the [`LARGE`] pairs. The other fates have the same effects, and are tried with
//!   each webhook alone. All pairs with all fates, and all pairs with late tasks, are
//!   ignored tests: `cargo test --test promise -- --ignored` takes three minutes.
//! * At most one node is lost, with all tasks that nodes have at that moment.
//! * All looks go through an older manager, or all changes, or both, or neither.
//! * Only scenarios with `is_deaf` have a Swarm that misses updates: the one after which a
//!   task is to end, once for each target.

use crate::cases::{
    ABANDONED, CALM, DEAD, ENDED, FAULT, NINE_DAYS, REAP, RUNNING, START, START_OTHER_PAYLOAD,
    START_OTHER_TOKEN, START_OWNED, START_SAME_OWNER, START_TAKEN, YOUNG, few_remains,
    foreign_stops, given, one, start_when_full, start_when_owner_full, start_without_image, stop,
    wait,
};
use crate::fate::Fates;
use crate::model::swarm::Move;
use crate::model::{Key, State};
use crate::pairs::{
    EXPIRED, limited_start_start_other, start_reaps, start_start_abandoned, start_start_other,
    start_start_same, stop_reap_expired,
};
use crate::scenario::{Given, Habits, Left, Place, Scenario, Through, Webhook, case, within};
use crate::schedule::explore_all;

/// Every scenario of this file.
pub fn scenarios() -> Vec<Scenario> {
    [
        calm(),
        stuck(),
        older(),
        deaf(),
        fault(),
        faults(),
        ending(),
        pairs(),
        late_pairs(),
        late_looks(),
        pairs_and_a_lost_answer(),
        pairs_with_a_fault(),
        pairs_and_a_lost_node(),
    ]
    .concat()
}

/// A new task is on a node at once, and all managers have the same version.
const PLAIN: Habits = Habits {
    is_fine: false,
    stuck: None,
    older: None,
    is_deaf: false,
};

/// The same scenarios on a Swarm that has these habits.
fn on_swarm(
    group: &str,
    scenarios: &[Scenario],
    habits: Habits,
    fates: Fates,
    left: Left,
) -> Vec<Scenario> {
    within(group, &[Place::Swarm(habits)], scenarios, fates, left)
}

/// The pairs with the most schedules, too many for each change.
const LARGE: [&str; 5] = [
    "owned-start-start",
    "start-start-abandoned",
    "start-stop-untold",
    "limited-start-start-other",
    "limited-start-stop",
];

/// The first target, whose task does not run yet.
const STARTING: [Given; 1] = [given(0, State::Starting, 5)];
/// The same, of an abandoned start.
const LONG_STARTING: [Given; 1] = [given(0, State::Starting, 600)];
/// The task of a service that somebody has deleted.
const OF_DELETED: [Given; 1] = [given(0, State::Stopping, 60)];

fn alone() -> Vec<Scenario> {
    let starting = [given(0, State::Starting, 60)];
    let payload = START_OTHER_PAYLOAD;
    vec![
        one("start", START, &[], 200),
        one("start-of-running", START, &RUNNING, 200),
        one("start-of-starting", START, &STARTING, 200),
        one("start-of-young", START, &YOUNG, 503),
        one("start-of-abandoned", START, &ABANDONED, 200),
        one("start-of-dead", START, &DEAD, 200),
        one("start-of-ended", START, &ENDED, 409),
        one("start-other-payload", payload, &RUNNING, 422).refused(),
        one("start-foreign-name", START_TAKEN, &[], 500).refused(),
        start_when_full(),
        one("wait-for-running", wait(true), &RUNNING, 200),
        one("wait-for-ended", wait(true), &ENDED, 200),
        one("wait-for-absent", wait(true), &[], 404),
        start_when_owner_full(),
        one("stop", stop(), &RUNNING, 200),
        one("stop-of-starting", stop(), &starting, 200),
        one("stop-of-created", stop(), &ABANDONED, 200),
        one("stop-of-ended", stop(), &ENDED, 200),
        one("stop-of-dead", stop(), &DEAD, 200),
        one("stop-of-absent", stop(), &[], 200),
        case("start-of-left", [START], &OF_DELETED, &[200, 503]),
        one("stop-of-left", stop(), &OF_DELETED, 200),
        one("reap", REAP, &few_remains(), 200),
        one("reap-of-starting", REAP, &LONG_STARTING, 200),
    ]
}

fn calm() -> Vec<Scenario> {
    let fine = Habits {
        is_fine: true,
        ..PLAIN
    };
    let scenarios = [alone(), foreign_stops()].concat();
    // The start is tried on one node after the other.
    let without_image = [start_without_image()];
    let late = Left { lags: 3, ..CALM };
    [
        on_swarm("swarm", &scenarios, fine, Fates::Any, late),
        on_swarm("swarm", &without_image, PLAIN, Fates::Any, CALM),
    ]
    .concat()
}

/// A task that goes no further during the work.
fn stuck() -> Vec<Scenario> {
    let of = |stuck: Move| {
        let habits = Habits {
            is_fine: true,
            stuck: Some(stuck),
            ..PLAIN
        };
        let waits = [200, 503];
        let scenarios = [
            case("start", [START], &[], &[200, 429, 503]),
            case("start-of-starting", [START], &STARTING, &waits),
            case("start-of-left", [START], &OF_DELETED, &waits),
            case("start-start-same", [START, START], &[], &[200, 429, 503]),
            case("stop-of-starting", [stop()], &STARTING, &waits),
            case("stop", [stop()], &RUNNING, &waits),
            case("start-stop", [START, stop()], &RUNNING, &[200, 409, 503]),
        ];
        let group = format!("swarm-without-{stuck:?}");
        on_swarm(&group, &scenarios, habits, Fates::Any, CALM)
    };
    let moves = [
        Move::Make,
        Move::Prepare,
        Move::Run,
        Move::Doom,
        Move::Confirm,
    ];
    moves.into_iter().flat_map(of).collect()
}

/// With a manager that does not know an option of the targets, starts are refused and
/// nothing ends.
fn older() -> Vec<Scenario> {
    let remains = [
        given(0, State::Exited, 3600),
        given(1, State::Running, NINE_DAYS),
    ];
    let of = |older: Through| {
        // For given targets, a look shows whether an option is left out.
        let status = match older {
            Through::Changes => 500,
            Through::Looks | Through::Both => 503,
        };
        let habits = Habits {
            older: Some(older),
            ..PLAIN
        };
        let scenarios = [
            one("start", START, &[], 503).refused(),
            one("start-of-running", START, &RUNNING, status).refused(),
            one("stop", stop(), &RUNNING, 200),
            one("stop-of-created", stop(), &ABANDONED, 200),
            one("reap", REAP, &remains, 200),
            one("start-of-starting", START, &STARTING, status).refused(),
        ];
        let group = format!("swarm-older-{older:?}");
        on_swarm(&group, &scenarios, habits, Fates::Any, CALM)
    };
    let ways = [Through::Looks, Through::Changes, Through::Both];
    ways.into_iter().flat_map(of).collect()
}

/// A Swarm that misses the first update after which a task is to end.
fn deaf() -> Vec<Scenario> {
    let habits = Habits {
        is_deaf: true,
        ..PLAIN
    };
    let scenarios = [
        one("start", START, &[], 200),
        one("stop", stop(), &RUNNING, 200),
        one("stop-of-starting", stop(), &STARTING, 200),
        one("reap", REAP, &few_remains(), 200),
        one("reap-of-starting", REAP, &LONG_STARTING, 200),
        case("stop-stop", [stop(), stop()], &RUNNING, &[200]),
    ];
    on_swarm("swarm-deaf", &scenarios, habits, Fates::Any, FAULT)
}

fn fault() -> Vec<Scenario> {
    // They continue like the start of an abandoned target, which is tried.
    let tried = without(alone(), &["start-of-dead", "start-of-left"]);
    let left = Left { lags: 1, ..FAULT };
    on_swarm("swarm-fault", &tried, PLAIN, Fates::Any, left)
}

fn faults() -> Vec<Scenario> {
    let few = [
        one("start", START, &[], 200),
        one("stop", stop(), &RUNNING, 200),
        one("reap", REAP, &EXPIRED, 200),
    ];
    let left = Left { faults: 2, ..CALM };
    on_swarm("swarm-faults", &few, PLAIN, Fates::Lost, left)
}

/// A task ends by itself, is rejected, or is lost together with its node.
fn ending() -> Vec<Scenario> {
    let of = |group, scenarios: &[Scenario], left| {
        let left = Left { lags: 1, ..left };
        on_swarm(group, scenarios, PLAIN, Fates::Any, left)
    };
    let rejections = Left {
        rejections: 1,
        ..CALM
    };
    // If somebody else deletes a service, its node is lost and a new leader forgets its
    // task, nobody can see that task any more.
    let seen = without(alone(), &["-of-left"]);
    [
        of("swarm-ended", &alone(), Left { ends: 1, ..CALM }),
        of("swarm-rejected", &alone(), rejections),
        of("swarm-lost", &seen, Left { losses: 1, ..CALM }),
    ]
    .concat()
}

/// All pairs that concern the same target.
fn of_two() -> Vec<Scenario> {
    let unseen = Webhook::Stop(Key { actor: 0, call: 0 });
    let both = [START, REAP];
    let starts = vec![
        start_start_same(),
        start_start_abandoned(),
        case("start-stop", [START, stop()], &RUNNING, &[200, 409, 503]),
        // Nobody can know an id before an answer has it; if it is guessed, the start
        // fails.
        case(
            "start-stop-untold",
            [START, unseen],
            &[],
            &[200, 409, 500, 502, 503, 504],
        ),
        case("stop-stop", [stop(), stop()], &RUNNING, &[200]),
        case(
            "owned-start-start",
            [START_OWNED, START_SAME_OWNER],
            &[],
            &[201, 429],
        )
        .limited_by_owner(),
    ];
    let others = vec![
        // One would say that it runs, and the other withdraw it.
        case(
            "start-reap-starting",
            both,
            &LONG_STARTING,
            &[200, 409, 503],
        ),
        case("start-reap-expired", both, &EXPIRED, &[200, 409, 503]),
        stop_reap_expired(),
        limited_start_start_other(),
        case(
            "limited-start-stop",
            [START_OTHER_TOKEN, stop()],
            &RUNNING,
            &[200, 429],
        )
        .limited(),
    ];
    [starts, start_reaps(), others].concat()
}

/// Both at once, with their calls in every order; or one while the other waits.
fn pairs() -> Vec<Scenario> {
    let of =
        |scenarios: &[Scenario], left| on_swarm("swarm-pair", scenarios, PLAIN, Fates::Any, left);
    [
        of(&without(of_two(), &LARGE), Left { delays: 1, ..CALM }),
        of(&only(of_two(), &LARGE), CALM),
    ]
    .concat()
}

/// One would say that a target runs, and the other withdraw it after a slow look.
fn late_looks() -> Vec<Scenario> {
    let pair = only(of_two(), &["start-reap-starting"]);
    on_swarm("swarm-pair-late-look", &pair, PLAIN, Fates::Late, FAULT)
}

/// The same, with time that passes in between and with late tasks.
fn late_pairs() -> Vec<Scenario> {
    let scenarios = [of_two(), vec![start_start_other()]].concat();
    let left = Left {
        delays: 1,
        lags: 1,
        ..CALM
    };
    on_swarm("swarm-pair-late", &scenarios, PLAIN, Fates::Any, left)
}

fn pairs_and_a_lost_answer() -> Vec<Scenario> {
    let pairs = without(of_two(), &LARGE);
    on_swarm("swarm-pair-lost-answer", &pairs, PLAIN, Fates::Lost, FAULT)
}

fn pairs_with_a_fault() -> Vec<Scenario> {
    on_swarm("swarm-pair-fault", &of_two(), PLAIN, Fates::Any, FAULT)
}

fn pairs_and_a_lost_node() -> Vec<Scenario> {
    let left = Left { losses: 1, ..CALM };
    on_swarm("swarm-pair-lost-node", &of_two(), PLAIN, Fates::Any, left)
}

/// The scenarios except those whose names end like this.
fn without(scenarios: Vec<Scenario>, names: &[&str]) -> Vec<Scenario> {
    let is_named = |scenario: &Scenario| names.iter().any(|name| scenario.name.ends_with(name));
    let others = scenarios.into_iter().filter(|scenario| !is_named(scenario));
    others.collect()
}

/// The scenarios whose names end like this.
fn only(scenarios: Vec<Scenario>, names: &[&str]) -> Vec<Scenario> {
    let is_named = |scenario: &Scenario| names.iter().any(|name| scenario.name.ends_with(name));
    scenarios.into_iter().filter(is_named).collect()
}

#[test]
fn on_a_swarm_a_webhook_alone_ends_as_it_should() {
    explore_all("swarm", &calm());
}

#[test]
fn on_a_swarm_a_task_may_get_no_further() {
    explore_all("swarm-without", &stuck());
}

#[test]
fn on_a_swarm_any_calls_may_go_through_an_older_manager() {
    explore_all("swarm-older", &older());
}

#[test]
fn a_swarm_that_misses_the_end_of_a_task_is_told_again() {
    explore_all("swarm-deaf", &deaf());
}

#[test]
fn on_a_swarm_any_call_may_fail_in_any_way() {
    explore_all("swarm-fault", &fault());
}

#[test]
fn on_a_swarm_the_answers_of_any_two_calls_may_be_lost() {
    explore_all("swarm-faults", &faults());
}

#[test]
fn on_a_swarm_a_task_may_end_be_rejected_or_lost_at_any_moment() {
    explore_all("swarm-ending", &ending());
}

#[test]
fn on_a_swarm_two_webhooks_may_meet_in_any_order() {
    explore_all("swarm-pair", &pairs());
}

#[test]
fn on_a_swarm_two_webhooks_may_meet_and_any_answer_be_lost() {
    explore_all("swarm-pair-lost-answer", &pairs_and_a_lost_answer());
}

#[test]
fn on_a_swarm_two_webhooks_may_meet_and_a_node_be_lost() {
    explore_all("swarm-pair-lost-node", &pairs_and_a_lost_node());
}

#[test]
#[ignore = "takes two minutes"]
fn on_a_swarm_two_webhooks_may_meet_and_any_call_fail_in_any_way() {
    explore_all("swarm-pair-fault", &pairs_with_a_fault());
}

#[test]
#[ignore = "takes a minute"]
fn on_a_swarm_two_webhooks_may_meet_late() {
    let all = [late_pairs(), late_looks()];
    explore_all("swarm-pair-late", &all.concat());
}
