//! The promise, held against every schedule.
//!
//! At most one container runs for an activation token; nothing of ours
//! outlives its use by more than the reaper's grace; nothing of anyone else's
//! is touched; a success is true. Webhooks run natively against a model of an
//! Engine or of a Swarm, and every order of their steps, every fault of their calls and
//! every crash is gone through, not a sample of them.
//!
//! | module | knows |
//! |---|---|
//! | [`model`] | what an Engine does, and what a Swarm does |
//! | [`fate`] | what can become of a call |
//! | [`scenario`], [`cases`], [`before`] | what a schedule begins with |
//! | [`server`] | what a webhook does next, after all that it was told |
//! | [`world`] | everything there is in a schedule |
//! | [`run`], [`steps`], [`phases`] | one schedule, its next steps, and what comes after the work |
//! | [`schedule`] | every schedule, one after the other |
//! | [`promise`], [`catalogue`] | what must hold |
//! | [`faults`], [`pairs`], [`crashes`], [`on_swarm`] | the tests |
//! | [`large`] | beside the promise: as many of the largest targets as there may be |
//! | [`properties`] | beside the promise: what must hold of any bytes |
//!
//! A schedule that breaks the promise is printed, with the line that replays
//! it: `REPLAY="pair/start-stop:0,2,1" cargo test --test promise replay`.

mod before;
mod cases;
mod catalogue;
mod crashes;
mod fate;
mod faults;
mod large;
mod model;
mod on_swarm;
mod pairs;
mod phases;
mod promise;
mod properties;
mod run;
mod scenario;
mod schedule;
mod server;
mod steps;
mod world;

/// Replays the schedule that `REPLAY` names; without it, the first schedule of
/// each scenario, which must take the same course twice.
#[test]
fn replay() {
    let scenarios = [
        faults::scenarios(),
        pairs::scenarios(),
        crashes::scenarios(),
        on_swarm::scenarios(),
    ]
    .concat();
    let Ok(text) = std::env::var("REPLAY") else {
        for scenario in &scenarios {
            let first = schedule::replay(scenario, &[]);
            assert_eq!(first, schedule::replay(scenario, &[]), "{}", scenario.name);
        }
        return;
    };
    let (name, choices) = text.split_once(':').unwrap_or((&text, ""));
    let choices: Vec<usize> = choices
        .split(',')
        .filter(|choice| !choice.is_empty())
        .map(|choice| choice.parse().expect("choices are numbers"))
        .collect();
    let scenario = scenarios.iter().find(|scenario| scenario.name == name);
    let scenario = scenario.expect("REPLAY names a scenario");
    let (transcript, end) = schedule::replay(scenario, &choices);
    println!("{}\n{end:?}", transcript.join("\n"));
    assert_eq!(end, run::End::Over);
}
