//! Each webhook, called alone on every Engine that it could find.

use std::time::Duration;

use crate::before::foreign_key;
use crate::model::{Key, Kind, State};
use crate::scenario::{FIRST_KEY, Given, Scenario, Webhook};

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

/// A `POST /v1/targets`.
pub const START_KEY: Webhook = Webhook::Start {
    token: FIRST_KEY,
    payload: 0,
};

pub const START_KEY_OTHER_PAYLOAD: Webhook = Webhook::Start {
    token: FIRST_KEY,
    payload: 1,
};

pub const REAP: Webhook = Webhook::Reap { dry_run: false };

pub const DRY_RUN: Webhook = Webhook::Reap { dry_run: true };

/// A stop of the first container that is there before.
pub fn stop() -> Webhook {
    Webhook::Stop(Key::given(0))
}

/// A container of `token` that is there before.
pub fn given(token: usize, state: State, seconds: u64) -> Given {
    Given {
        token,
        state,
        age: Duration::from_secs(seconds),
    }
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
pub const NINE_DAYS: u64 = 9 * 24 * HOUR;

/// What a reaper finds: of each kind one that it takes and one that it leaves.
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

/// One that a reaper takes with force, and one that it takes without.
pub fn few_remains() -> Vec<Given> {
    vec![
        given(10, State::Exited, HOUR),
        given(11, State::Running, NINE_DAYS),
    ]
}

/// A scenario of one webhook: its name, the webhook, what is there before,
/// and the status with which it ends while nothing fails.
fn case(name: &str, webhook: Webhook, before: &[Given], status: u16) -> Scenario {
    Scenario {
        given: before.to_vec(),
        allowed: vec![status],
        ..Scenario::new(name, &[webhook])
    }
}

/// Every webhook on every Engine.
pub fn alone() -> Vec<Scenario> {
    [starts(), refused_starts(), stops(), others()].concat()
}

fn starts() -> Vec<Scenario> {
    use State::{Created, Dead, Running};
    vec![
        case("start", START, &[], 200),
        case("start-of-running", START, &[given(0, Running, 60)], 200),
        case("start-of-young", START, &[given(0, Created, 5)], 503),
        case("start-of-abandoned", START, &[given(0, Created, 60)], 200),
        case("start-of-dead", START, &[given(0, Dead, 60)], 200),
        case("key-start", START_KEY, &[], 201),
        case(
            "key-start-of-running",
            START_KEY,
            &[given(FIRST_KEY, Running, 60)],
            200,
        ),
        case(
            "key-start-of-abandoned",
            START_KEY,
            &[given(FIRST_KEY, Created, 60)],
            201,
        ),
        // What a new target would need is gone.
        Scenario {
            has_image: false,
            ..case(
                "start-of-running-without-image",
                START,
                &[given(0, Running, 60)],
                200,
            )
        },
        Scenario {
            has_image: false,
            ..case(
                "key-start-of-running-without-image",
                START_KEY,
                &[given(FIRST_KEY, Running, 60)],
                200,
            )
        },
        case("start-and-reap", START, &remains(), 200),
    ]
}

fn refused_starts() -> Vec<Scenario> {
    use State::{Created, Exited, Running};
    vec![
        case("start-of-ended", START, &[given(0, Exited, 60)], 409),
        Scenario {
            refusal: Some(422),
            ..case(
                "start-other-payload",
                START_OTHER_PAYLOAD,
                &[given(0, Running, 60)],
                422,
            )
        },
        case(
            "key-start-of-ended",
            START_KEY,
            &[given(FIRST_KEY, Exited, 60)],
            409,
        ),
        Scenario {
            refusal: Some(422),
            ..case(
                "key-start-other-payload",
                START_KEY_OTHER_PAYLOAD,
                &[given(FIRST_KEY, Running, 60)],
                422,
            )
        },
        Scenario {
            name_is_foreign: true,
            refusal: Some(500),
            ..case("start-foreign-name", START, &[], 500)
        },
        Scenario {
            has_image: false,
            refusal: Some(500),
            ..case("start-without-image", START, &[], 500)
        },
        Scenario {
            max_targets: 1,
            ..case("start-when-full", START, &[given(1, Running, 60)], 429)
        },
        // It is held by what no list shows.
        Scenario {
            refusal: Some(500),
            ..case(
                "start-of-unlisted",
                START,
                &[given(0, State::Reserved, 60)],
                500,
            )
        },
        // The reap after the first answer makes room for the second.
        Scenario {
            max_targets: 1,
            ..case("start-beside-old", START, &[given(1, Created, 600)], 429)
        },
    ]
}

fn stops() -> Vec<Scenario> {
    use State::{Created, Dead, Exited, Running};
    let mut cases = vec![
        case("stop", stop(), &[given(0, Running, 60)], 200),
        case("stop-of-created", stop(), &[given(0, Created, 60)], 200),
        case("stop-of-ended", stop(), &[given(0, Exited, 60)], 200),
        case("stop-of-dead", stop(), &[given(0, Dead, 60)], 200),
        case("stop-of-absent", stop(), &[], 200),
    ];
    for look in (0..18).chain(19..21) {
        let name = format!("stop-of-foreign-{look}");
        let webhook = Webhook::Stop(foreign_key(look));
        cases.push(Scenario {
            refusal: Some(404),
            ..case(&name, webhook, &[given(0, Running, 60)], 404)
        });
    }
    cases
}

fn others() -> Vec<Scenario> {
    vec![
        case("health", Webhook::Health, &[], 200),
        case("health-and-reap", Webhook::Health, &remains(), 200),
        Scenario {
            has_image: false,
            refusal: Some(503),
            ..case("health-without-image", Webhook::Health, &[], 503)
        },
        case("reap", REAP, &remains(), 200),
        case("reap-of-nothing", REAP, &[], 200),
        case("dry-run", DRY_RUN, &remains(), 200),
    ]
}

/// The webhooks that change anything, on few Engines: for what has too many
/// schedules to be tried on all.
pub fn few() -> Vec<Scenario> {
    use State::Running;
    let some = few_remains();
    vec![
        case("start", START, &[], 200),
        case("start-of-running", START, &[given(0, Running, 60)], 200),
        Scenario {
            max_targets: 1,
            ..case("start-when-full", START, &[given(1, Running, 60)], 429)
        },
        case("stop", stop(), &[given(0, Running, 60)], 200),
        case("health-and-reap", Webhook::Health, &some, 200),
        case("reap", REAP, &some, 200),
    ]
}

/// The same scenarios, their names under `group`.
pub fn on_docker(group: &str, scenarios: Vec<Scenario>) -> Vec<Scenario> {
    let renamed = |scenario: Scenario| Scenario {
        name: format!("{group}/{}", scenario.name),
        ..scenario
    };
    scenarios.into_iter().map(renamed).collect()
}

/// The same scenarios on Docker and on Podman.
pub fn on_both(group: &str, scenarios: Vec<Scenario>) -> Vec<Scenario> {
    let docker = on_docker(group, scenarios);
    let on_podman = |scenario: &Scenario| Scenario {
        name: format!("{}-podman", scenario.name),
        engine: Kind::Podman,
        ..scenario.clone()
    };
    let podman: Vec<Scenario> = docker.iter().map(on_podman).collect();
    [docker, podman].concat()
}
