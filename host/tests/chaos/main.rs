//! The shipped component against an Engine that is killed and paused: the promises about targets
//! hold when that is over.
//!
//! This is a separate test binary because it stops the Engine that the other one's tests need; its
//! own tests take turns for the same reason.

mod engine_process;
mod stage;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stage::Stage;

/// How long an Engine is paused: longer than the component waits for any call.
const STANDS_STILL: Duration = Duration::from_secs(20);

/// Lets one test run at a time.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn two_hundred_starts_and_stops_around_a_killed_engine_leave_nothing() {
    let _turn = turn();
    let stage = Stage::new();
    stage.play(200, || {
        stage.process.kill();
        stage.process.restart();
    });
    stage.stop_and_reap_the_rest();
}

#[test]
fn an_engine_that_stands_still_for_a_while_loses_nothing() {
    let _turn = turn();
    let mut stage = Stage::new();
    stage.gives_up = false;
    // Each call is answered late, and none is cut off.
    stage.may_pass = &[503, 504];
    stage.play(40, || stage.process.stand_still(STANDS_STILL));
    stage.stop_and_reap_the_rest();
}
