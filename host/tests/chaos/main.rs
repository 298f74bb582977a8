//! The shipped component against an Engine that fails, is killed, and is paused:
//! the promises about targets hold when all of that is over.
//!
//! This is a separate test binary because it stops the Engine that the other
//! one's tests need; its own tests take turns for the same reason.

mod bystanders;
mod caller;
mod engine_process;
mod stage;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use test_support::engine::RealEngine;
use test_support::fault_proxy::{Fault, FaultProxy};
use test_support::own::Deployment;
use test_support::server::Server;

use bystanders::Bystanders;
use engine_process::EngineProcess;
use stage::Stage;

/// The `max_lifetime`, after which a target is removed even if its caller gave up
/// before the answer and never stops it.
const LIFETIME: &str = "150s";

/// How long an Engine is paused: longer than the component waits for any call.
const STANDS_STILL: Duration = Duration::from_secs(20);

const FAILED: &str = r#"{"message":"no space left on device"}"#;
const GATEWAY: &str = "<html>Bad Gateway</html>";
const NONSENSE: &str = "<html>It works!</html>";

/// How many calls of a thousand get a fault.
const FAULTS: [(u16, Fault); 12] = [
    (40, Fault::CutBefore),
    (40, Fault::CutAfter),
    (15, Fault::CutAmid),
    (45, Fault::Delayed(Duration::from_millis(400))),
    // Longer than the component waits for a look-up, but not for a change.
    (6, Fault::Delayed(Duration::from_secs(6))),
    // Longer than the component waits for any call.
    (2, Fault::Delayed(Duration::from_secs(16))),
    (10, Fault::AnsweredBefore(500, FAILED)),
    (10, Fault::AnsweredBefore(502, GATEWAY)),
    (10, Fault::AnsweredBefore(200, NONSENSE)),
    (10, Fault::AnsweredAfter(500, FAILED)),
    (10, Fault::AnsweredAfter(502, GATEWAY)),
    (10, Fault::AnsweredAfter(200, NONSENSE)),
];

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

fn draw(dice: &mut Rng) -> Fault {
    let mut left = dice.u16(..1000);
    for (share, fault) in FAULTS {
        match left.checked_sub(share) {
            Some(rest) => left = rest,
            None => return fault,
        }
    }
    Fault::None
}

/// A proxy in front of the Engine. One call in five gets a fault, until `quiet` is set.
fn faulty(engine: &RealEngine, seed: u64, quiet: &Arc<AtomicBool>) -> FaultProxy {
    let (quiet, dice) = (quiet.clone(), Mutex::new(dice(seed, 0)));
    FaultProxy::start(engine.socket(), move |_| {
        let mut dice = dice.lock().expect("no test panics with it");
        match quiet.load(Ordering::SeqCst) {
            true => Fault::None,
            false => draw(&mut dice),
        }
    })
}

#[test]
fn two_hundred_starts_and_stops_with_random_faults_leave_nothing() {
    let _turn = turn();
    let seed = seed();
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let mut bystanders = Bystanders::new(&engine, &deployment.id);
    let process = EngineProcess::given(&engine);
    let quiet = Arc::default();
    let faulty = faulty(&engine, seed, &quiet);
    let url = faulty.url();
    let variables = [("docker_url", url.as_str()), ("max_lifetime", LIFETIME)];
    let variables = deployment.variables(&variables);
    let servers = [(); 2].map(|()| Server::over_tcp(&variables));
    let stage = Stage {
        hang_ups: 5,
        ..Stage::new(&engine, &process, &deployment.id, servers)
    };
    stage.play(200, seed, || {
        bystanders.check_untouched();
        process.kill();
        process.restart();
        bystanders = Bystanders::new(&engine, &deployment.id);
    });
    quiet.store(true, Ordering::SeqCst);
    println!("{} calls reached the Engine", faulty.forwarded().len());
    stage.stop_the_rest();
    stage.reap_the_rest();
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
    let stage = Stage {
        gives_up: false,
        // Each call is answered late, and none is cut off.
        may_pass: &[503, 504],
        ..Stage::new(&engine, &process, &deployment.id, servers)
    };
    stage.play(40, seed, || process.stand_still(STANDS_STILL));
    stage.stop_the_rest();
    stage.reap_the_rest();
    bystanders.check_untouched();
}
