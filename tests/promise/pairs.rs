//! Two webhooks at once, their calls in every order.

use crate::cases::{
    DRY_RUN, NINE_DAYS, REAP, START, START_KEY, START_OTHER_PAYLOAD, START_OTHER_TOKEN,
    few_remains, given, on_both, on_docker, stop,
};
use crate::fate::Fates;
use crate::model::{Key, State};
use crate::scenario::{FIRST_KEY, Given, Scenario, Webhook};
use crate::schedule::explore_all;

/// Every scenario of this file.
pub fn scenarios() -> Vec<Scenario> {
    [interleaved(), with_a_fault(), three(), ending()].concat()
}

fn pair(name: &str, webhooks: [Webhook; 2], before: &[Given], allowed: &[u16]) -> Scenario {
    Scenario {
        given: before.to_vec(),
        allowed: allowed.to_vec(),
        ..Scenario::new(name, &webhooks)
    }
}

/// All pairs that have to do with each other.
pub fn pairs() -> Vec<Scenario> {
    [starts(), stops(), reaps(), limited()].concat()
}

fn starts() -> Vec<Scenario> {
    use State::{Created, Running};
    let running = [given(0, Running, 60)];
    let unseen = Webhook::Stop(Key { actor: 0, call: 0 });
    vec![
        pair("start-start-same", [START, START], &[], &[200]),
        pair("start-start-other", [START, START_OTHER_TOKEN], &[], &[200]),
        pair(
            "key-start-start-same",
            [START_KEY, START_KEY],
            &[],
            &[200, 201],
        ),
        pair("key-start-and-start", [START_KEY, START], &[], &[200, 201]),
        pair(
            "key-start-stop",
            [START_KEY, stop()],
            &[given(FIRST_KEY, Running, 60)],
            &[200, 201, 409],
        ),
        Scenario {
            refusal: Some(422),
            ..pair(
                "start-start-payload",
                [START, START_OTHER_PAYLOAD],
                &[],
                &[200, 422],
            )
        },
        pair(
            "start-start-abandoned",
            [START, START],
            &[given(0, Created, 60)],
            &[200],
        ),
        // A target that is removed before the start's last look has ended.
        pair("start-stop", [START, stop()], &running, &[200, 409]),
        // Nobody can know an id that was not told; should it be guessed, the
        // start fails.
        pair(
            "start-stop-untold",
            [START, unseen],
            &[],
            &[200, 409, 500, 502],
        ),
        pair(
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
        pair("stop-stop-same", [stop(), stop()], &two, &[200]),
        pair("stop-stop-other", [stop(), other], &two, &[200]),
        pair(
            "stop-reap-expired",
            [stop(), REAP],
            &[given(0, Running, NINE_DAYS)],
            &[200],
        ),
        pair(
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
        pair("start-reap", [START, REAP], &[], &[200]),
        pair(
            "start-reap-abandoned",
            [START, REAP],
            &[given(0, Created, 600)],
            &[200],
        ),
        pair(
            "start-reap-young",
            [START, REAP],
            &[given(0, Created, 118)],
            &[200],
        ),
        pair(
            "start-reap-ended",
            [START, REAP],
            &[given(0, Exited, 3600)],
            &[200, 409],
        ),
        pair(
            "start-reap-expired",
            [START, REAP],
            &[given(0, Running, NINE_DAYS)],
            &[200, 409],
        ),
        pair("reap-reap", [REAP, REAP], &few_remains(), &[200]),
        pair("reap-dry-run", [REAP, DRY_RUN], &few_remains(), &[200]),
        pair(
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
    vec![
        limited(pair(
            "limited-start-start-other",
            [START, START_OTHER_TOKEN],
            &[],
            &[200, 429],
        )),
        limited(pair(
            "limited-start-start-same",
            [START, START],
            &[],
            &[200],
        )),
        limited(pair(
            "limited-start-stop",
            [START, stop()],
            &running,
            &[200, 429],
        )),
        limited(pair(
            "limited-start-reap",
            [START, REAP],
            &[given(1, State::Running, NINE_DAYS)],
            &[200, 429],
        )),
    ]
}

/// Without faults: every order of every step, answers being late, and time
/// passing once although somebody could have gone on.
fn interleaved() -> Vec<Scenario> {
    let mut scenarios = on_both("pair", pairs());
    for scenario in &mut scenarios {
        scenario.late_replies = true;
        scenario.delays = 1;
    }
    scenarios
}

/// With one fault, or crash, of either: every order of the effects.
///
/// That an answer is late is left out here, as it makes no difference to the
/// Engine, and to the one who waits for it only through the clock; the fates
/// of slow calls have that.
fn with_a_fault() -> Vec<Scenario> {
    let mut scenarios = on_docker("pair-fault", pairs());
    for scenario in &mut scenarios {
        scenario.faults = 1;
        scenario.fates = Fates::Any;
    }
    scenarios
}

fn ending() -> Vec<Scenario> {
    let mut scenarios = on_docker("pair-ending", pairs());
    for scenario in &mut scenarios {
        scenario.ends = 1;
    }
    scenarios
}

fn three() -> Vec<Scenario> {
    let of_three = |name: &str, webhooks: [Webhook; 3], max_targets, allowed: &[u16]| Scenario {
        max_targets,
        allowed: allowed.to_vec(),
        ..Scenario::new(name, &webhooks)
    };
    let running = vec![given(0, State::Running, 60)];
    on_both(
        "three",
        vec![
            of_three("start-start-start", [START, START, START], 100, &[200]),
            of_three(
                "limited",
                [START, START_OTHER_TOKEN, START],
                1,
                &[200, 429, 503],
            ),
            of_three("start-start-reap", [START, START, REAP], 100, &[200]),
            Scenario {
                given: running,
                ..of_three("start-start-stop", [START, START, stop()], 100, &[200, 409])
            },
        ],
    )
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
fn two_webhooks_may_meet_and_a_target_end() {
    explore_all("pair-ending", &ending());
}

#[test]
fn three_webhooks_may_meet_in_any_order() {
    explore_all("three", &three());
}
