//! Each webhook alone, in everything that it could find.

use std::time::Duration;

use crate::before::foreign_key;
use crate::model::{Key, State};
use crate::scenario::{
    FIRST_KEY, FIRST_OWNED, FIRST_WAITING, Given, Left, Place, Scenario, TAKEN, Webhook, case,
};

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

pub const START: Webhook = Webhook::Start {
    token: 0,
    payload: 0,
};

pub const START_OTHER_TOKEN: Webhook = Webhook::Start {
    token: 1,
    payload: 0,
};

pub const START_OTHER_PAYLOAD: Webhook = Webhook::Start {
    token: 0,
    payload: 1,
};

/// A start with a token whose name somebody else's target has.
pub const START_TAKEN: Webhook = Webhook::Start {
    token: TAKEN,
    payload: 0,
};

/// A `POST /v1/targets`.
pub const START_KEY: Webhook = Webhook::Start {
    token: FIRST_KEY,
    payload: 0,
};

pub const START_KEY_OTHER_PAYLOAD: Webhook = Webhook::Start {
    token: FIRST_KEY,
    payload: 1,
};

/// A `POST /v1/targets` for an owner.
pub const START_OWNED: Webhook = Webhook::Start {
    token: FIRST_OWNED,
    payload: 0,
};

/// The same with another key, for the same owner.
pub const START_SAME_OWNER: Webhook = Webhook::Start {
    token: FIRST_OWNED + 1,
    payload: 0,
};

/// The same with a third key, for another owner.
pub const START_OTHER_OWNER: Webhook = Webhook::Start {
    token: FIRST_OWNED + 2,
    payload: 0,
};

/// A `POST /v1/targets?wait=20s`.
pub const START_WAITING: Webhook = Webhook::Start {
    token: FIRST_WAITING,
    payload: 0,
};

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
pub fn given(token: usize, state: State, seconds: u64) -> Given {
    Given {
        token,
        state,
        age: Duration::from_secs(seconds),
        renewed: None,
    }
}

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
    use State::{Created, Exited, Running};
    let checked = |scenario| Scenario {
        has_check: true,
        ..scenario
    };
    let young = [given(0, Running, 1)];
    vec![
        checked(one("wait-for-ready", wait(false), &young, 200)),
        one("wait-for-unchecked", wait(false), &young, 200),
        one(
            "wait-for-ready-ended",
            wait(false),
            &[given(0, Exited, 60)],
            200,
        ),
        one(
            "wait-for-ready-created",
            wait(false),
            &[given(0, Created, 60)],
            200,
        ),
        one("wait-for-running", wait(true), &young, 200),
        one("wait-for-ended", wait(true), &[given(0, Exited, 60)], 200),
        one("wait-for-absent", wait(true), &[], 404),
        Scenario {
            refusal: Some(404),
            ..one(
                "wait-for-foreign",
                Webhook::Wait {
                    key: foreign_key(0),
                    until_ended: true,
                },
                &[],
                404,
            )
        },
        checked(one("start-and-wait", START_WAITING, &[], 201)),
    ]
}

fn starts() -> Vec<Scenario> {
    use State::{Created, Dead, Running};
    vec![
        one("start", START, &[], 200),
        one("start-of-running", START, &[given(0, Running, 60)], 200),
        one("start-of-young", START, &[given(0, Created, 5)], 503),
        one("start-of-abandoned", START, &[given(0, Created, 60)], 200),
        one("start-of-dead", START, &[given(0, Dead, 60)], 200),
        one("key-start", START_KEY, &[], 201),
        one(
            "key-start-of-running",
            START_KEY,
            &[given(FIRST_KEY, Running, 60)],
            200,
        ),
        one(
            "key-start-of-abandoned",
            START_KEY,
            &[given(FIRST_KEY, Created, 60)],
            201,
        ),
        // The image or the network that a new target needs is missing.
        Scenario {
            has_image: false,
            ..one(
                "start-of-running-without-image",
                START,
                &[given(0, Running, 60)],
                200,
            )
        },
        Scenario {
            has_image: false,
            ..one(
                "key-start-of-running-without-image",
                START_KEY,
                &[given(FIRST_KEY, Running, 60)],
                200,
            )
        },
        one("start-and-reap", START, &remains(), 200),
    ]
}

/// The same, where each owner may have one target.
fn of_owner(name: &str, webhook: Webhook, given: &[Given], status: u16) -> Scenario {
    Scenario {
        max_targets_per_owner: Some(1),
        ..one(name, webhook, given, status)
    }
}

fn refused_starts() -> Vec<Scenario> {
    use State::{Created, Exited, Running};
    vec![
        one("start-of-ended", START, &[given(0, Exited, 60)], 409),
        Scenario {
            refusal: Some(422),
            ..one(
                "start-other-payload",
                START_OTHER_PAYLOAD,
                &[given(0, Running, 60)],
                422,
            )
        },
        one(
            "key-start-of-ended",
            START_KEY,
            &[given(FIRST_KEY, Exited, 60)],
            409,
        ),
        Scenario {
            refusal: Some(422),
            ..one(
                "key-start-other-payload",
                START_KEY_OTHER_PAYLOAD,
                &[given(FIRST_KEY, Running, 60)],
                422,
            )
        },
        Scenario {
            refusal: Some(500),
            ..one("start-foreign-name", START_TAKEN, &[], 500)
        },
        Scenario {
            has_image: false,
            refusal: Some(500),
            ..one("start-without-image", START, &[], 500)
        },
        Scenario {
            max_targets: 1,
            ..one("start-when-full", START, &[given(1, Running, 60)], 429)
        },
        // No list shows the container that has the name.
        Scenario {
            refusal: Some(500),
            ..one(
                "start-of-unlisted",
                START,
                &[given(0, State::Reserved, 60)],
                500,
            )
        },
        of_owner(
            "start-when-owner-full",
            START_SAME_OWNER,
            &[given(FIRST_OWNED, Running, 60)],
            429,
        ),
        of_owner(
            "start-when-other-owner-full",
            START_OTHER_OWNER,
            &[given(FIRST_OWNED, Running, 60)],
            201,
        ),
        // The reap after the first answer makes room for the second.
        Scenario {
            max_targets: 1,
            ..one("start-beside-old", START, &[given(1, Created, 600)], 429)
        },
    ]
}

fn stops() -> Vec<Scenario> {
    use State::{Created, Dead, Exited, Running};
    let mut cases = vec![
        one("stop", stop(), &[given(0, Running, 60)], 200),
        one("stop-of-created", stop(), &[given(0, Created, 60)], 200),
        one("stop-of-ended", stop(), &[given(0, Exited, 60)], 200),
        one("stop-of-dead", stop(), &[given(0, Dead, 60)], 200),
        one("stop-of-absent", stop(), &[], 200),
    ];
    for look in 0..21 {
        let name = format!("stop-of-foreign-{look}");
        let webhook = Webhook::Stop(foreign_key(look));
        cases.push(Scenario {
            refusal: Some(404),
            ..one(&name, webhook, &[given(0, Running, 60)], 404)
        });
    }
    cases
}

fn others() -> Vec<Scenario> {
    vec![
        one("health", Webhook::Health, &[], 200),
        one("health-and-reap", Webhook::Health, &remains(), 200),
        Scenario {
            has_image: false,
            refusal: Some(503),
            ..one("health-without-image", Webhook::Health, &[], 503)
        },
        one("reap", REAP, &remains(), 200),
        one("reap-of-nothing", REAP, &[], 200),
        one("dry-run", DRY_RUN, &remains(), 200),
    ]
}

/// The webhooks that change something, on few Engines: for tests with too many schedules
/// to try on all.
pub fn few() -> Vec<Scenario> {
    use State::Running;
    let some = few_remains();
    vec![
        one("start", START, &[], 200),
        one("start-of-running", START, &[given(0, Running, 60)], 200),
        Scenario {
            max_targets: 1,
            ..one("start-when-full", START, &[given(1, Running, 60)], 429)
        },
        one("stop", stop(), &[given(0, Running, 60)], 200),
        one("health-and-reap", Webhook::Health, &some, 200),
        one("reap", REAP, &some, 200),
    ]
}
