//! The same webhooks on a Swarm, under the same promises.
//!
//! What a Swarm does by itself are steps of the schedule, between any two calls:
//! a task is made, prepared, run, rejected, ended and taken away, a node is lost
//! and comes back. So there are far more orders than on an Engine, and they are
//! bounded, by what each group of scenarios says:
//!
//! * Time passes `lags` times at most although a task could go on; a task that
//!   does not go on for as long as the webhooks are at work is a scenario of its
//!   own. After the work, tasks go on as soon as time passes.
//! * One who looks again and again meets no fault and no step of the Swarm but at
//!   the first, second, fifth and seventeenth look.
//! * A task has no more states than *prepared* before it runs, except where the
//!   bounds are fine.
//! * With every change two webhooks meet the fates of [`Fates::Lost`] alone: the
//!   others have the same effects, and what a webhook makes of each is tried with it
//!   alone. [`LARGE`] pairs are left out there. All pairs with all fates, with a lost
//!   node and with tasks that are late are tests that are ignored, because they take
//!   half an hour: `cargo test --test promise -- --ignored on_a_swarm`.
//! * One node at most is lost, with all tasks that nodes have at that moment.
//! * All looks, all changes or all of both go through an older manager, or none.

use crate::cases::{
    NINE_DAYS, REAP, START, START_OTHER_PAYLOAD, START_OTHER_TOKEN, few_remains, given, stop,
};
use crate::fate::Fates;
use crate::model::swarm::Move;
use crate::model::{Key, State};
use crate::scenario::{Bounds, Given, Scenario, Through, Webhook};
use crate::schedule::explore_all;

/// Every scenario of this file.
pub fn scenarios() -> Vec<Scenario> {
    [
        calm(),
        stuck(),
        older(),
        fault(),
        faults(),
        ending(),
        pairs(),
        late_pairs(),
        late_looks(),
        pairs_with_a_fault("swarm-pair-lost-answer", Fates::Lost),
        pairs_with_a_fault("swarm-pair-fault", Fates::Any),
        pairs_and_a_lost_node(),
    ]
    .concat()
}

fn on_swarm(group: &str, scenarios: Vec<Scenario>, bounds: Bounds) -> Vec<Scenario> {
    let with_bounds = |scenario: Scenario| Scenario {
        name: format!("{group}/{}", scenario.name),
        swarm: Some(bounds),
        ..scenario
    };
    scenarios.into_iter().map(with_bounds).collect()
}

/// The pairs with the most schedules, too many for each change.
const LARGE: [&str; 4] = [
    "start-start-abandoned",
    "start-stop-untold",
    "limited-start-start-other",
    "limited-start-stop",
];

fn case<const N: usize>(
    name: &str,
    webhooks: [Webhook; N],
    before: &[Given],
    allowed: &[u16],
) -> Scenario {
    Scenario {
        given: before.to_vec(),
        allowed: allowed.to_vec(),
        ..Scenario::new(name, &webhooks)
    }
}

fn with_faults(scenarios: Vec<Scenario>, faults: usize, fates: Fates) -> Vec<Scenario> {
    let with_faults = |scenario| Scenario {
        faults,
        fates,
        ..scenario
    };
    scenarios.into_iter().map(with_faults).collect()
}

fn alone() -> Vec<Scenario> {
    use State::{Created, Dead, Exited, Running, Starting};
    let one = |name, webhook, before: &[Given], status| case(name, [webhook], before, &[status]);
    vec![
        one("start", START, &[], 200),
        one("start-of-running", START, &[given(0, Running, 60)], 200),
        one("start-of-starting", START, &[given(0, Starting, 5)], 200),
        one("start-of-young", START, &[given(0, Created, 5)], 503),
        one("start-of-abandoned", START, &[given(0, Created, 60)], 200),
        one("start-of-dead", START, &[given(0, Dead, 60)], 200),
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
        Scenario {
            name_is_foreign: true,
            refusal: Some(500),
            ..one("start-foreign-name", START, &[], 500)
        },
        Scenario {
            max_targets: 1,
            ..one("start-when-full", START, &[given(1, Running, 60)], 429)
        },
        one("stop", stop(), &[given(0, Running, 60)], 200),
        one("stop-of-starting", stop(), &[given(0, Starting, 60)], 200),
        one("stop-of-created", stop(), &[given(0, Created, 60)], 200),
        one("stop-of-ended", stop(), &[given(0, Exited, 60)], 200),
        one("stop-of-dead", stop(), &[given(0, Dead, 60)], 200),
        one("stop-of-absent", stop(), &[], 200),
        case(
            "start-of-left",
            [START],
            &[given(0, State::Stopping, 60)],
            &[200, 503],
        ),
        one(
            "stop-of-left",
            stop(),
            &[given(0, State::Stopping, 60)],
            200,
        ),
        one("reap", REAP, &few_remains(), 200),
        one("reap-of-starting", REAP, &[given(0, Starting, 600)], 200),
    ]
}

fn calm() -> Vec<Scenario> {
    let bounds = Bounds {
        lags: 3,
        is_fine: true,
        ..Bounds::default()
    };
    let mut scenarios = alone();
    for look in (0..18).chain(19..21) {
        let foreign = Webhook::Stop(crate::before::foreign_key(look));
        let running = [given(0, State::Running, 60)];
        scenarios.push(Scenario {
            refusal: Some(404),
            ..case(
                &format!("stop-of-foreign-{look}"),
                [foreign],
                &running,
                &[404],
            )
        });
    }
    // It is tried on one node after the other.
    let without_image = Scenario {
        has_image: false,
        refusal: Some(500),
        ..case("start-without-image", [START], &[], &[500])
    };
    [
        on_swarm("swarm", scenarios, bounds),
        on_swarm("swarm", vec![without_image], Bounds::default()),
    ]
    .concat()
}

/// A task that gets no further while the webhooks are at work.
fn stuck() -> Vec<Scenario> {
    use State::Starting;
    let starting = [given(0, Starting, 5)];
    let of = |stuck: Move| {
        let bounds = Bounds {
            is_fine: true,
            stuck: Some(stuck),
            ..Bounds::default()
        };
        let scenarios = vec![
            case("start", [START], &[], &[200, 429, 503]),
            case("start-of-starting", [START], &starting, &[200, 503]),
            case(
                "start-of-left",
                [START],
                &[given(0, State::Stopping, 60)],
                &[200, 503],
            ),
            case("start-start-same", [START, START], &[], &[200, 429, 503]),
            case("stop-of-starting", [stop()], &starting, &[200, 503]),
            case(
                "stop",
                [stop()],
                &[given(0, State::Running, 60)],
                &[200, 503],
            ),
            case(
                "start-stop",
                [START, stop()],
                &[given(0, State::Running, 60)],
                &[200, 409, 503],
            ),
        ];
        on_swarm(&format!("swarm-without-{stuck:?}"), scenarios, bounds)
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

/// A manager that does not know an option of targets refuses starts, and ends nothing.
fn older() -> Vec<Scenario> {
    use State::{Created, Exited, Running, Starting};
    let of = |older: Through| {
        // Of what is there, a look shows whether something is left out.
        let status = match older {
            Through::Changes => 500,
            Through::Looks | Through::Both => 503,
        };
        let refused = |name, before: &[Given], status| Scenario {
            refusal: Some(status),
            ..case(name, [START], before, &[status])
        };
        let bounds = Bounds {
            older: Some(older),
            ..Bounds::default()
        };
        let scenarios = vec![
            refused("start", &[], 503),
            refused("start-of-running", &[given(0, Running, 60)], status),
            case("stop", [stop()], &[given(0, Running, 60)], &[200]),
            case(
                "stop-of-created",
                [stop()],
                &[given(0, Created, 60)],
                &[200],
            ),
            case(
                "reap",
                [REAP],
                &[given(0, Exited, 3600), given(1, Running, NINE_DAYS)],
                &[200],
            ),
            refused("start-of-starting", &[given(0, Starting, 5)], status),
        ];
        on_swarm(&format!("swarm-older-{older:?}"), scenarios, bounds)
    };
    let ways = [Through::Looks, Through::Changes, Through::Both];
    ways.into_iter().flat_map(of).collect()
}

fn fault() -> Vec<Scenario> {
    let bounds = Bounds {
        lags: 1,
        ..Bounds::default()
    };
    // They go on as the start of an abandoned one does, which is tried.
    let tried = without(alone(), &["start-of-dead", "start-of-left"]);
    on_swarm("swarm-fault", with_faults(tried, 1, Fates::Any), bounds)
}

fn faults() -> Vec<Scenario> {
    use State::Running;
    let few = vec![
        case("start", [START], &[], &[200]),
        case("stop", [stop()], &[given(0, Running, 60)], &[200]),
        case("reap", [REAP], &[given(0, Running, NINE_DAYS)], &[200]),
    ];
    let bounds = Bounds::default();
    on_swarm("swarm-faults", with_faults(few, 2, Fates::Lost), bounds)
}

/// A task ends by itself, is rejected, or is lost together with its node.
fn ending() -> Vec<Scenario> {
    let one = Bounds {
        lags: 1,
        ..Bounds::default()
    };
    let rejected = Bounds {
        rejections: 1,
        ..one
    };
    let lost = Bounds { losses: 1, ..one };
    let mut ended = alone();
    for scenario in &mut ended {
        scenario.ends = 1;
    }
    [
        on_swarm("swarm-ended", ended, one),
        on_swarm("swarm-rejected", alone(), rejected),
        // A service that somebody else has deleted, whose node is lost and whose
        // task a new leader forgets, leaves nothing that anyone could see.
        on_swarm("swarm-lost", without(alone(), &["-of-left"]), lost),
    ]
    .concat()
}

/// All pairs that have to do with each other.
fn of_two() -> Vec<Scenario> {
    use State::{Created, Exited, Running, Starting};
    let running = [given(0, Running, 60)];
    let unseen = Webhook::Stop(Key { actor: 0, call: 0 });
    let limited = |scenario| Scenario {
        max_targets: 1,
        ..scenario
    };
    vec![
        case("start-start-same", [START, START], &[], &[200]),
        case(
            "start-start-abandoned",
            [START, START],
            &[given(0, Created, 60)],
            &[200],
        ),
        case("start-stop", [START, stop()], &running, &[200, 409, 503]),
        // Nobody can know an id that was not told; should it be guessed, the start
        // fails.
        case(
            "start-stop-untold",
            [START, unseen],
            &[],
            &[200, 409, 500, 502, 503, 504],
        ),
        case("stop-stop", [stop(), stop()], &running, &[200]),
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
        // The one would say that it runs, and the other take it back.
        case(
            "start-reap-starting",
            [START, REAP],
            &[given(0, Starting, 600)],
            &[200, 409, 503],
        ),
        case(
            "start-reap-expired",
            [START, REAP],
            &[given(0, Running, NINE_DAYS)],
            &[200, 409, 503],
        ),
        case(
            "start-reap-ended",
            [START, REAP],
            &[given(0, Exited, 3600)],
            &[200, 409],
        ),
        case(
            "stop-reap-expired",
            [stop(), REAP],
            &[given(0, Running, NINE_DAYS)],
            &[200],
        ),
        limited(case(
            "limited-start-start-other",
            [START, START_OTHER_TOKEN],
            &[],
            &[200, 429],
        )),
        limited(case(
            "limited-start-stop",
            [START_OTHER_TOKEN, stop()],
            &running,
            &[200, 429],
        )),
    ]
}

/// Both at once, their calls in every order; or the one while the other waits.
fn pairs() -> Vec<Scenario> {
    let (mut small, large) = (without(of_two(), &LARGE), only(of_two(), &LARGE));
    for scenario in &mut small {
        scenario.delays = 1;
    }
    on_swarm("swarm-pair", [small, large].concat(), Bounds::default())
}

/// The one would say that a target runs, and the other take it back, after a look that
/// took long.
fn late_looks() -> Vec<Scenario> {
    let pair = only(of_two(), &["start-reap-starting"]);
    let pair = with_faults(pair, 1, Fates::Late);
    on_swarm("swarm-pair-late-look", pair, Bounds::default())
}

/// The same with time passing in between, and with tasks that are late.
fn late_pairs() -> Vec<Scenario> {
    let bounds = Bounds {
        lags: 1,
        ..Bounds::default()
    };
    let mut scenarios = of_two();
    scenarios.push(case(
        "start-start-other",
        [START, START_OTHER_TOKEN],
        &[],
        &[200],
    ));
    for scenario in &mut scenarios {
        scenario.delays = 1;
    }
    on_swarm("swarm-pair-late", scenarios, bounds)
}

fn pairs_with_a_fault(name: &str, fates: Fates) -> Vec<Scenario> {
    let pairs = with_faults(of_two(), 1, fates);
    on_swarm(name, pairs, Bounds::default())
}

fn pairs_and_a_lost_node() -> Vec<Scenario> {
    let bounds = Bounds {
        losses: 1,
        ..Bounds::default()
    };
    on_swarm("swarm-pair-lost-node", of_two(), bounds)
}

/// Some scenarios but those whose names end so.
fn without(scenarios: Vec<Scenario>, names: &[&str]) -> Vec<Scenario> {
    let is_named = |scenario: &Scenario| names.iter().any(|name| scenario.name.ends_with(name));
    let others = scenarios.into_iter().filter(|scenario| !is_named(scenario));
    others.collect()
}

/// Those of some scenarios whose names end so.
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
    let all = pairs_with_a_fault("swarm-pair-lost-answer", Fates::Lost);
    explore_all("swarm-pair-lost-answer", &without(all, &LARGE));
}

#[test]
fn on_a_swarm_two_webhooks_may_meet_and_a_node_be_lost() {
    let all = pairs_and_a_lost_node();
    explore_all("swarm-pair-lost-node", &without(all, &LARGE));
}

#[test]
#[ignore = "takes a quarter of an hour"]
fn on_a_swarm_all_pairs_may_meet_and_any_call_fail_in_any_way() {
    let all = pairs_with_a_fault("swarm-pair-fault", Fates::Any);
    explore_all("swarm-pair-fault", &all);
}

#[test]
#[ignore = "takes minutes"]
fn on_a_swarm_all_pairs_may_meet_and_a_node_be_lost() {
    explore_all("swarm-pair-lost-node", &pairs_and_a_lost_node());
}

#[test]
#[ignore = "takes minutes"]
fn on_a_swarm_all_pairs_may_meet_late() {
    let all = [late_pairs(), late_looks()];
    explore_all("swarm-pair-late", &all.concat());
}
