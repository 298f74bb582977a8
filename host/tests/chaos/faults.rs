//! Chooses random faults for calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fastrand::Rng;
use test_support::engine::RealEngine;
use test_support::fault_proxy::{Fault, FaultProxy};

use crate::dice;
use crate::tally::Tally;

/// Longer than the component waits for a look-up, but not for a change.
const LONG: Duration = Duration::from_secs(6);

/// Longer than the component waits for any call.
const TOO_LONG: Duration = Duration::from_secs(16);

/// A proxy in front of the Engine. About one call in five gets a fault, which depends on the seed,
/// until `quiet` is set.
pub fn faulty(
    engine: &RealEngine,
    seed: u64,
    quiet: &Arc<AtomicBool>,
    tally: &Tally,
) -> FaultProxy {
    let (quiet, tally) = (quiet.clone(), tally.clone());
    FaultProxy::start(engine.socket(), move |call| {
        if quiet.load(Ordering::SeqCst) {
            return Fault::None;
        }
        let (kind, fault) = draw(&mut dice(seed, call.number));
        tally.count(kind);
        fault
    })
}

fn draw(dice: &mut Rng) -> (&'static str, Fault) {
    const FAILED: &str = r#"{"message":"no space left on device"}"#;
    const GATEWAY: &str = "<html>Bad Gateway</html>";
    const NONSENSE: &str = "<html>It works!</html>";
    match dice.u16(..1000) {
        0..=39 => ("cut before", Fault::CutBefore),
        40..=79 => ("cut after", Fault::CutAfter),
        80..=94 => ("cut amid", Fault::CutAmid),
        95..=139 => (
            "delayed",
            Fault::Delayed(Duration::from_millis(dice.u64(..800))),
        ),
        140..=145 => ("delayed long", Fault::Delayed(LONG)),
        146..=147 => ("delayed too long", Fault::Delayed(TOO_LONG)),
        148..=157 => ("500 before", Fault::AnsweredBefore(500, FAILED)),
        158..=167 => ("502 before", Fault::AnsweredBefore(502, GATEWAY)),
        168..=177 => ("nonsense before", Fault::AnsweredBefore(200, NONSENSE)),
        178..=187 => ("500 after", Fault::AnsweredAfter(500, FAILED)),
        188..=197 => ("502 after", Fault::AnsweredAfter(502, GATEWAY)),
        198..=207 => ("nonsense after", Fault::AnsweredAfter(200, NONSENSE)),
        _ => ("(none)", Fault::None),
    }
}
