//! Two webhooks at once, with their calls in every order.

use crate::cases::{
    CALM, DRY_RUN, ENGINES, FAULT, NINE_DAYS, REAP, START, START_KEY, START_OTHER_OWNER,
    START_OTHER_PAYLOAD, START_OTHER_TOKEN, START_OWNED, START_SAME_OWNER, few_remains, given,
    stop, wait,
};
use crate::fate::Fates;
use crate::model::{Key, State};
use crate::scenario::{FIRST_KEY, Left, Place, Scenario, Webhook, case, within};
use crate::schedule::explore_all;

/// Every scenario of this file.
pub fn scenarios() -> Vec<Scenario> {
    [interleaved(), with_a_fault(), cut_off(), three(), ending()].concat()
}

/// All pairs that concern the same target.
pub fn pairs() -> Vec<Scenario> {
    [starts(), stops(), reaps(), limited()].concat()
}

fn starts() -> Vec<Scenario> {
    use State::{Created, Running};
    let running = [given(0, Running, 60)];
    let unseen = Webhook::Stop(Key { actor: 0, call: 0 });
    vec![
        case("start-start-same", [START, START], &[], &[200]),
        case("start-start-other", [START, START_OTHER_TOKEN], &[], &[200]),
        case(
            "key-start-start-same",
            [START_KEY, START_KEY],
            &[],
            &[200, 201],
        ),
        case("key-start-and-start", [START_KEY, START], &[], &[200, 201]),
        case(
            "key-start-stop",
            [START_KEY, stop()],
            &[given(FIRST_KEY, Running, 60)],
            &[200, 201, 409],
        ),
        Scenario {
            refusal: Some(422),
            ..case(
                "start-start-payload",
                [START, START_OTHER_PAYLOAD],
                &[],
                &[200, 422],
            )
        },
        case(
            "start-start-abandoned",
            [START, START],
            &[given(0, Created, 60)],
            &[200],
        ),
        // A target that is removed before the start's last look has ended.
        case("start-stop", [START, stop()], &running, &[200, 409]),
        // Nobody can know an id before an answer has it; if it is guessed, the start
        // fails.
        case(
            "start-stop-untold",
            [START, unseen],
            &[],
            &[200, 409, 500, 502],
        ),
        case(
            "start-stop-other",
            [START_OTHER_TOKEN, stop()],
            &running,
            &[200],
        ),
    ]
}

fn stops() -> Vec<Scenario> {
    use State::{Exited, Running};
    let other = Webhook::Stop(Key::given(1));
    let two = [given(0, Running, 60), given(1, Running, 60)];
    vec![
        case("wait-stop", [wait(true), stop()], &two, &[200, 404]),
        case("stop-stop-same", [stop(), stop()], &two, &[200]),
        case("stop-stop-other", [stop(), other], &two, &[200]),
        case(
            "stop-reap-expired",
            [stop(), REAP],
            &[given(0, Running, NINE_DAYS)],
            &[200],
        ),
        case(
            "stop-reap-ended",
            [stop(), REAP],
            &[given(0, Exited, 3600)],
            &[200],
        ),
    ]
}

fn reaps() -> Vec<Scenario> {
    use State::{Created, Exited, Running};
    vec![
        case("start-reap", [START, REAP], &[], &[200]),
        case(
            "start-reap-abandoned",
            [START, REAP],
            &[given(0, Created, 600)],
            &[200],
        ),
        case(
            "start-reap-young",
            [START, REAP],
            &[given(0, Created, 118)],
            &[200],
        ),
        case(
            "start-reap-ended",
            [START, REAP],
            &[given(0, Exited, 3600)],
            &[200, 409],
        ),
        case(
            "start-reap-expired",
            [START, REAP],
            &[given(0, Running, NINE_DAYS)],
            &[200, 409],
        ),
        case("reap-reap", [REAP, REAP], &few_remains(), &[200]),
        case("reap-dry-run", [REAP, DRY_RUN], &few_remains(), &[200]),
        case(
            "start-health",
            [START, Webhook::Health],
            &few_remains(),
            &[200],
        ),
    ]
}

fn limited() -> Vec<Scenario> {
    let running = [given(1, State::Running, 60)];
    let limited = |scenario| Scenario {
        max_targets: 1,
        ..scenario
    };
    let of_owners = |scenario| Scenario {
        max_targets_per_owner: Some(1),
        ..scenario
    };
    vec![
        limited(case(
            "limited-start-start-other",
            [START, START_OTHER_TOKEN],
            &[],
            &[200, 429],
        )),
        limited(case(
            "limited-start-start-same",
            [START, START],
            &[],
            &[200],
        )),
        of_owners(case(
            "owned-start-start-same",
            [START_OWNED, START_SAME_OWNER],
            &[],
            &[201, 429],
        )),
        of_owners(case(
            "owned-start-start-other",
            [START_OWNED, START_OTHER_OWNER],
            &[],
            &[201],
        )),
        limited(case(
            "limited-start-stop",
            [START, stop()],
            &running,
            &[200, 429],
        )),
        limited(case(
            "limited-start-reap",
            [START, REAP],
            &[given(1, State::Running, NINE_DAYS)],
            &[200, 429],
        )),
    ]
}

/// Without faults: every order of every step, with late answers, and with time that
/// passes once although somebody could have gone on.
fn interleaved() -> Vec<Scenario> {
    let left = Left { delays: 1, ..CALM };
    within("pair", &ENGINES, &pairs(), Fates::Any, left)
}

/// With one fault, or crash, of either: every order of the effects.
///
/// Late answers are left out: they make no difference to the Engine, and the caller sees
/// them only on its clock, which the fates of slow calls cover.
fn with_a_fault() -> Vec<Scenario> {
    within("pair-fault", &[Place::Docker], &pairs(), Fates::Any, FAULT)
}

/// The component dies in the middle of both.
fn cut_off() -> Vec<Scenario> {
    let left = Left { faults: 2, ..CALM };
    within("pair-crash", &[Place::Docker], &pairs(), Fates::Crash, left)
}

fn ending() -> Vec<Scenario> {
    let left = Left { ends: 1, ..CALM };
    within("pair-ending", &[Place::Docker], &pairs(), Fates::Any, left)
}

fn three() -> Vec<Scenario> {
    let running = [given(0, State::Running, 60)];
    let three = [
        case("start-start-start", [START, START, START], &[], &[200]),
        Scenario {
            max_targets: 1,
            ..case(
                "limited",
                [START, START_OTHER_TOKEN, START],
                &[],
                &[200, 429, 503],
            )
        },
        case("start-start-reap", [START, START, REAP], &[], &[200]),
        case(
            "start-start-stop",
            [START, START, stop()],
            &running,
            &[200, 409],
        ),
    ];
    within("three", &ENGINES, &three, Fates::Any, CALM)
}

#[test]
fn two_webhooks_may_meet_in_any_order() {
    explore_all("pair", &interleaved());
}

#[test]
fn two_webhooks_may_meet_and_any_call_fail() {
    explore_all("pair-fault", &with_a_fault());
}

#[test]
fn both_of_two_webhooks_may_be_cut_off() {
    explore_all("pair-crash", &cut_off());
}

#[test]
fn two_webhooks_may_meet_and_a_target_end() {
    explore_all("pair-ending", &ending());
}

#[test]
fn three_webhooks_may_meet_in_any_order() {
    explore_all("three", &three());
}
