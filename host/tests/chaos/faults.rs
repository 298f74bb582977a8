//! Chooses random faults for calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use test_support::engine::RealEngine;
use test_support::fault_proxy::{Fault, FaultProxy};

use crate::dice::Dice;
use crate::tally::Tally;

/// Longer than the component waits for a look-up, but not for a change.
const LONG: Duration = Duration::from_secs(6);

/// Longer than the component waits for any call.
const TOO_LONG: Duration = Duration::from_secs(16);

/// A proxy in front of the Engine, with faults that can be switched off.
pub struct FaultyEngine {
    proxy: FaultProxy,
    quiet: Arc<AtomicBool>,
    /// Counts of the faults by kind.
    pub tally: Tally,
}

impl FaultyEngine {
    /// About one call in five gets a fault, which depends on the seed.
    pub fn new(engine: &RealEngine, seed: u64) -> Self {
        let tally = Tally::default();
        let quiet = Arc::new(AtomicBool::new(false));
        let (counts, is_quiet) = (tally.clone(), quiet.clone());
        let proxy = FaultProxy::start(engine.socket(), move |call| {
            if is_quiet.load(Ordering::SeqCst) {
                return Fault::None;
            }
            let (kind, fault) = draw(&mut Dice::new(seed, call.number));
            counts.count(kind);
            fault
        });
        Self {
            proxy,
            quiet,
            tally,
        }
    }

    /// The `docker_url` that leads through it.
    pub fn url(&self) -> String {
        self.proxy.url()
    }

    /// How many calls have reached the Engine.
    pub fn forwarded(&self) -> usize {
        self.proxy.forwarded().len()
    }

    /// Lets everything pass from now on.
    pub fn end_faults(&self) {
        self.quiet.store(true, Ordering::SeqCst);
    }
}

fn draw(dice: &mut Dice) -> (&'static str, Fault) {
    const FAILED: &str = r#"{"message":"no space left on device"}"#;
    const GATEWAY: &str = "<html>Bad Gateway</html>";
    const NONSENSE: &str = "<html>It works!</html>";
    match dice.below(1000) {
        0..=39 => ("cut before", Fault::CutBefore),
        40..=79 => ("cut after", Fault::CutAfter),
        80..=94 => ("cut amid", Fault::CutAmid),
        95..=139 => ("delayed", Fault::Delayed(dice.milliseconds_below(800))),
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
