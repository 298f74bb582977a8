//! Each webhook alone, in everything that it could find.

use std::time::Duration;

use crate::before::foreign_key;
use crate::model::{Key, State};
use crate::scenario::{Given, Left, Place, Scenario, Webhook, case};
use crate::tokens::{FIRST_KEY, FIRST_OWNED, FIRST_WAITING, TAKEN};

pub const ENGINES: [Place; 2] = [Place::Docker, Place::Podman];

/// Only the webhooks do anything.
pub const CALM: Left = Left {
    faults: 0,
    delays: 0,
    ends: 0,
    restarts: 0,
    prunes: 0,
    lags: 0,
    rejections: 0,
    losses: 0,
};

/// One call has a fate other than an answer.
pub const FAULT: Left = Left { faults: 1, ..CALM };

pub const START: Webhook = Webhook::start(0, 0);

pub const START_OTHER_TOKEN: Webhook = Webhook::start(1, 0);

pub const START_OTHER_PAYLOAD: Webhook = Webhook::start(0, 1);

/// A start with a token whose name somebody else's target has.
pub const START_TAKEN: Webhook = Webhook::start(TAKEN, 0);

/// A `POST /v1/targets`.
pub const START_KEY: Webhook = Webhook::start(FIRST_KEY, 0);

pub const START_KEY_OTHER_PAYLOAD: Webhook = Webhook::start(FIRST_KEY, 1);

/// A `POST /v1/targets` for an owner.
pub const START_OWNED: Webhook = Webhook::start(FIRST_OWNED, 0);

/// The same with another key, for the same owner.
pub const START_SAME_OWNER: Webhook = Webhook::start(FIRST_OWNED + 1, 0);

/// The same with a third key, for another owner.
pub const START_OTHER_OWNER: Webhook = Webhook::start(FIRST_OWNED + 2, 0);

/// A `POST /v1/targets?wait=20s`.
pub const START_WAITING: Webhook = Webhook::start(FIRST_WAITING, 0);

pub const REAP: Webhook = Webhook::Reap { dry_run: false };

pub const DRY_RUN: Webhook = Webhook::Reap { dry_run: true };

/// A stop of the first given container.
pub fn stop() -> Webhook {
    Webhook::Stop(Key::given(0))
}

/// A wait for the first given container.
pub fn wait(until_ended: bool) -> Webhook {
    Webhook::Wait {
        key: Key::given(0),
        until_ended,
    }
}

/// A given container of `token`.
pub const fn given(token: usize, state: State, seconds: u64) -> Given {
    Given {
        token,
        state,
        age: Duration::from_secs(seconds),
        renewed: None,
    }
}

/// The first container, in each state.
pub const RUNNING: [Given; 1] = [given(0, State::Running, 60)];
pub const ENDED: [Given; 1] = [given(0, State::Exited, 60)];
pub const DEAD: [Given; 1] = [given(0, State::Dead, 60)];
/// The same, of a start that may still go on.
pub const YOUNG: [Given; 1] = [given(0, State::Created, 5)];
/// The same, of an abandoned start.
pub const ABANDONED: [Given; 1] = [given(0, State::Created, 60)];

/// Another container, which runs.
pub const OTHER_RUNNING: [Given; 1] = [given(1, State::Running, 60)];

/// The running container of a key.
pub const KEY_RUNNING: [Given; 1] = [given(FIRST_KEY, State::Running, 60)];
pub const OWNED_RUNNING: [Given; 1] = [given(FIRST_OWNED, State::Running, 60)];

const MINUTE: u64 = 60;
pub const HOUR: u64 = 60 * MINUTE;
pub const NINE_DAYS: u64 = 9 * 24 * HOUR;

/// Containers for a reaper: of each kind one that it takes and one that it leaves.
pub fn remains() -> Vec<Given> {
    vec![
        given(10, State::Created, 10 * MINUTE),
        given(11, State::Created, MINUTE),
        given(12, State::Exited, HOUR),
        given(13, State::Exited, 5 * MINUTE),
        given(14, State::Dead, HOUR),
        given(15, State::Running, NINE_DAYS),
        given(16, State::Running, HOUR),
    ]
}

/// One container that a reaper removes by force, and one without.
pub fn few_remains() -> Vec<Given> {
    vec![
        given(10, State::Exited, HOUR),
        given(11, State::Running, NINE_DAYS),
    ]
}

/// One webhook, the given containers, and its status while nothing fails.
pub fn one(name: &str, webhook: Webhook, given: &[Given], status: u16) -> Scenario {
    case(name, [webhook], given, &[status])
}

/// Every webhook on every Engine.
pub fn alone() -> Vec<Scenario> {
    [starts(), refused_starts(), stops(), waits(), others()].concat()
}

/// Waits for something that comes soon, holds already, or never comes.
pub fn waits() -> Vec<Scenario> {
    let checked = |scenario| Scenario {
        has_check: true,
        ..scenario
    };
    let young = [given(0, State::Running, 1)];
    let foreign = Webhook::Wait {
        key: foreign_key(0),
        until_ended: true,
    };
    vec![
        checked(one("wait-for-ready", wait(false), &young, 200)),
        one("wait-for-unchecked", wait(false), &young, 200),
        one("wait-for-ready-ended", wait(false), &ENDED, 200),
        one("wait-for-ready-created", wait(false), &ABANDONED, 200),
        one("wait-for-running", wait(true), &young, 200),
        one("wait-for-ended", wait(true), &ENDED, 200),
        one("wait-for-absent", wait(true), &[], 404),
        one("wait-for-foreign", foreign, &[], 404).refused(),
        checked(one("start-and-wait", START_WAITING, &[], 201)),
    ]
}

fn starts() -> Vec<Scenario> {
    let key_abandoned = [given(FIRST_KEY, State::Created, 60)];
    vec![
        one("start", START, &[], 200),
        one("start-of-running", START, &RUNNING, 200),
        one("start-of-young", START, &YOUNG, 503),
        one("start-of-abandoned", START, &ABANDONED, 200),
        one("start-of-dead", START, &DEAD, 200),
        one("key-start", START_KEY, &[], 201),
        one("key-start-of-running", START_KEY, &KEY_RUNNING, 200),
        one("key-start-of-abandoned", START_KEY, &key_abandoned, 201),
        one("start-of-running-without-image", START, &RUNNING, 200).without_image(),
        one(
            "key-start-of-running-without-image",
            START_KEY,
            &KEY_RUNNING,
            200,
        )
        .without_image(),
        one("start-and-reap", START, &remains(), 200),
    ]
}

fn refused_starts() -> Vec<Scenario> {
    let key_ended = [given(FIRST_KEY, State::Exited, 60)];
    let (payload, key_payload) = (START_OTHER_PAYLOAD, START_KEY_OTHER_PAYLOAD);
    // No list shows the container that has the name.
    let unlisted = [given(0, State::Reserved, 60)];
    // The reap after the first answer makes room for the second.
    let old = [given(1, State::Created, 600)];
    vec![
        one("start-of-ended", START, &ENDED, 409),
        one("start-other-payload", payload, &RUNNING, 422).refused(),
        one("key-start-of-ended", START_KEY, &key_ended, 409),
        one("key-start-other-payload", key_payload, &KEY_RUNNING, 422).refused(),
        one("start-foreign-name", START_TAKEN, &[], 500).refused(),
        start_without_image(),
        start_when_full(),
        one("start-of-unlisted", START, &unlisted, 500).refused(),
        start_when_owner_full(),
        one(
            "start-when-other-owner-full",
            START_OTHER_OWNER,
            &OWNED_RUNNING,
            201,
        )
        .limited_by_owner(),
        one("start-beside-old", START, &old, 429).limited(),
    ]
}

pub fn start_without_image() -> Scenario {
    let refused = one("start-without-image", START, &[], 500).refused();
    refused.without_image()
}

pub fn start_when_full() -> Scenario {
    one("start-when-full", START, &OTHER_RUNNING, 429).limited()
}

pub fn start_when_owner_full() -> Scenario {
    let start = START_SAME_OWNER;
    one("start-when-owner-full", start, &OWNED_RUNNING, 429).limited_by_owner()
}

fn stops() -> Vec<Scenario> {
    let cases = vec![
        one("stop", stop(), &RUNNING, 200),
        one("stop-of-created", stop(), &ABANDONED, 200),
        one("stop-of-ended", stop(), &ENDED, 200),
        one("stop-of-dead", stop(), &DEAD, 200),
        one("stop-of-absent", stop(), &[], 200),
    ];
    [cases, foreign_stops()].concat()
}

/// Stops of everything that only looks like a target of ours.
pub fn foreign_stops() -> Vec<Scenario> {
    let stop = |look| {
        let name = format!("stop-of-foreign-{look}");
        one(&name, Webhook::Stop(foreign_key(look)), &RUNNING, 404).refused()
    };
    (0..21).map(stop).collect()
}

fn others() -> Vec<Scenario> {
    vec![
        one("health", Webhook::Health, &[], 200),
        one("health-and-reap", Webhook::Health, &remains(), 200),
        one("health-without-image", Webhook::Health, &[], 503)
            .without_image()
            .refused(),
        one("reap", REAP, &remains(), 200),
        one("reap-of-nothing", REAP, &[], 200),
        one("dry-run", DRY_RUN, &remains(), 200),
    ]
}

/// The webhooks that change something, on few Engines: for tests with too many schedules
/// to try on all.
pub fn few() -> Vec<Scenario> {
    let some = few_remains();
    vec![
        one("start", START, &[], 200),
        one("start-of-running", START, &RUNNING, 200),
        start_when_full(),
        one("stop", stop(), &RUNNING, 200),
        one("health-and-reap", Webhook::Health, &some, 200),
        one("reap", REAP, &some, 200),
    ]
}
