//! The shipped component against an Engine that fails, is killed, and is paused:
//! the promises about targets hold when all of that is over.
//!
//! This is a separate test binary because it stops the Engine that the other
//! one's tests need; its own tests take turns for the same reason.

mod bystanders;
mod caller;
mod containers;
mod engine_process;
mod faults;
mod stage;
mod tally;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use test_support::engine::RealEngine;
use test_support::own::Deployment;
use test_support::server::Server;

use bystanders::Bystanders;
use engine_process::EngineProcess;
use faults::faulty;
use stage::Stage;
use tally::Tally;

/// The `max_lifetime`, after which a target is removed even if its caller gave up
/// before the answer and never stops it.
const LIFETIME: &str = "150s";

/// How long an Engine is paused: longer than the component waits for any call.
const STANDS_STILL: Duration = Duration::from_secs(20);

/// Lets one test run at a time.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The seed in `CHAOS_SEED`, or a new one.
fn seed() -> u64 {
    let given = std::env::var("CHAOS_SEED").map(|seed| seed.parse().expect("a number"));
    let seed = given.unwrap_or_else(|_| fastrand::u64(..));
    println!("CHAOS_SEED={seed}");
    seed
}

/// The random numbers for one purpose of a seed.
fn dice(seed: u64, purpose: usize) -> Rng {
    Rng::with_seed(seed.wrapping_add(purpose as u64))
}

#[test]
fn two_hundred_starts_and_stops_with_random_faults_leave_nothing() {
    let _turn = turn();
    let seed = seed();
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let mut bystanders = Bystanders::new(&engine, &deployment.id);
    let process = EngineProcess::given(&engine);
    let (quiet, faults) = (Arc::default(), Tally::default());
    let faulty = faulty(&engine, seed, &quiet, &faults);
    let url = faulty.url();
    let variables = [("docker_url", url.as_str()), ("max_lifetime", LIFETIME)];
    let variables = deployment.variables(&variables);
    let servers = [(); 2].map(|()| Server::over_tcp(&variables));
    let stage = Stage::new(&engine, &process, &deployment.id, servers, 5);
    stage.play(
        200,
        seed,
        |caller, number| caller.start_and_stop(number),
        || {
            bystanders.check_untouched();
            process.kill();
            process.restart();
            bystanders = Bystanders::new(&engine, &deployment.id);
        },
    );
    quiet.store(true, Ordering::SeqCst);
    let forwarded = faulty.forwarded().len();
    print!("faults:\n{faults}{forwarded} calls reached the Engine\n");
    stage.stop_the_rest();
    stage.reap_the_rest();
    print!("answers:\n{}", stage.tally);
    bystanders.check_untouched();
}

#[test]
fn an_engine_that_stands_still_for_a_while_loses_nothing() {
    let _turn = turn();
    let seed = seed();
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let bystanders = Bystanders::new(&engine, &deployment.id);
    let process = EngineProcess::given(&engine);
    let servers = [(); 2].map(|()| deployment.server(&[]));
    let stage = Stage::new(&engine, &process, &deployment.id, servers, 0);
    stage.play(
        40,
        seed,
        |caller, number| caller.start_at_last_and_stop(number),
        || {
            let paused = process.pause();
            std::thread::sleep(STANDS_STILL);
            drop(paused);
        },
    );
    print!("answers:\n{}", stage.tally);
    for path in ["/start", "/stop"] {
        assert_eq!(stage.tally.of(&format!("{path} 502")), 0);
    }
    stage.stop_the_rest();
    stage.reap_the_rest();
    bystanders.check_untouched();
}
