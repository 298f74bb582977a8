//! Two webhooks at once, with their calls in every order.

use crate::cases::{
    ABANDONED, CALM, DRY_RUN, ENGINES, FAULT, KEY_RUNNING, NINE_DAYS, OTHER_RUNNING, REAP, RUNNING,
    START, START_KEY, START_OTHER_OWNER, START_OTHER_PAYLOAD, START_OTHER_TOKEN, START_OWNED,
    START_SAME_OWNER, few_remains, given, stop, wait,
};
use crate::fate::Fates;
use crate::model::{Key, State};
use crate::scenario::{Given, Left, Place, Scenario, Webhook, case, within};
use crate::schedule::explore_all;

/// Every scenario of this file.
pub fn scenarios() -> Vec<Scenario> {
    [interleaved(), with_a_fault(), cut_off(), three(), ending()].concat()
}

/// All pairs that concern the same target.
pub fn pairs() -> Vec<Scenario> {
    [starts(), stops(), reaps(), limited()].concat()
}

const ABANDONED_LONG: [Given; 1] = [given(0, State::Created, 600)];
const JUST_YOUNG: [Given; 1] = [given(0, State::Created, 118)];
const ENDED_LONG: [Given; 1] = [given(0, State::Exited, 3600)];
pub const EXPIRED: [Given; 1] = [given(0, State::Running, NINE_DAYS)];

fn starts() -> Vec<Scenario> {
    let unseen = Webhook::Stop(Key { actor: 0, call: 0 });
    let both_dialects = [START_KEY, START];
    let (other, payload) = (START_OTHER_TOKEN, START_OTHER_PAYLOAD);
    let stopped = [200, 201, 409];
    vec![
        start_start_same(),
        start_start_other(),
        case("key-start-start-same", [START_KEY; 2], &[], &[200, 201]),
        case("key-start-and-start", both_dialects, &[], &[200, 201]),
        case(
            "key-start-stop",
            [START_KEY, stop()],
            &KEY_RUNNING,
            &stopped,
        ),
        case("start-start-payload", [START, payload], &[], &[200, 422]).refused(),
        start_start_abandoned(),
        // A target that is removed before the start's last look has ended.
        case("start-stop", [START, stop()], &RUNNING, &[200, 409]),
        // Nobody can know an id before an answer has it; if it is guessed, the start
        // fails.
        case(
            "start-stop-untold",
            [START, unseen],
            &[],
            &[200, 409, 500, 502],
        ),
        case("start-stop-other", [other, stop()], &RUNNING, &[200]),
    ]
}

pub fn start_start_same() -> Scenario {
    case("start-start-same", [START, START], &[], &[200])
}

pub fn start_start_other() -> Scenario {
    case("start-start-other", [START, START_OTHER_TOKEN], &[], &[200])
}

pub fn start_start_abandoned() -> Scenario {
    case("start-start-abandoned", [START; 2], &ABANDONED, &[200])
}

fn stops() -> Vec<Scenario> {
    let other = Webhook::Stop(Key::given(1));
    let two = [RUNNING, OTHER_RUNNING].concat();
    vec![
        case("wait-stop", [wait(true), stop()], &two, &[200, 404]),
        case("stop-stop-same", [stop(), stop()], &two, &[200]),
        case("stop-stop-other", [stop(), other], &two, &[200]),
        stop_reap_expired(),
        case("stop-reap-ended", [stop(), REAP], &ENDED_LONG, &[200]),
    ]
}

pub fn stop_reap_expired() -> Scenario {
    case("stop-reap-expired", [stop(), REAP], &EXPIRED, &[200])
}

/// A start during a reap, perhaps of its own target.
pub fn start_reaps() -> Vec<Scenario> {
    let both = [START, REAP];
    vec![
        case("start-reap", both, &[], &[200]),
        case("start-reap-abandoned", both, &ABANDONED_LONG, &[200]),
        case("start-reap-young", both, &JUST_YOUNG, &[200]),
        case("start-reap-ended", both, &ENDED_LONG, &[200, 409]),
    ]
}

fn reaps() -> Vec<Scenario> {
    let few = few_remains();
    let others = vec![
        case("start-reap-expired", [START, REAP], &EXPIRED, &[200, 409]),
        case("reap-reap", [REAP, REAP], &few, &[200]),
        case("reap-dry-run", [REAP, DRY_RUN], &few, &[200]),
        case("start-health", [START, Webhook::Health], &few, &[200]),
    ];
    [start_reaps(), others].concat()
}

fn limited() -> Vec<Scenario> {
    let (same, other) = (
        [START_OWNED, START_SAME_OWNER],
        [START_OWNED, START_OTHER_OWNER],
    );
    let full = [200, 429];
    let expired = [given(1, State::Running, NINE_DAYS)];
    vec![
        limited_start_start_other(),
        case("limited-start-start-same", [START; 2], &[], &[200]).limited(),
        case("owned-start-start-same", same, &[], &[201, 429]).limited_by_owner(),
        case("owned-start-start-other", other, &[], &[201]).limited_by_owner(),
        case("limited-start-stop", [START, stop()], &OTHER_RUNNING, &full).limited(),
        case("limited-start-reap", [START, REAP], &expired, &full).limited(),
    ]
}

pub fn limited_start_start_other() -> Scenario {
    let both = [START, START_OTHER_TOKEN];
    case("limited-start-start-other", both, &[], &[200, 429]).limited()
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
    let with_other = [START, START_OTHER_TOKEN, START];
    let with_stop = [START, START, stop()];
    let three = [
        case("start-start-start", [START; 3], &[], &[200]),
        case("limited", with_other, &[], &[200, 429, 503]).limited(),
        case("start-start-reap", [START, START, REAP], &[], &[200]),
        case("start-start-stop", with_stop, &RUNNING, &[200, 409]),
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
