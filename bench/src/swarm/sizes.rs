//! Starts, stops and lists, one after the other, with a given number of services.

use std::time::Duration;

use anyhow::Result;

use super::{Bench, SIZES, server};
use crate::samples::{Pairs, compare};
use crate::server::Server;
use crate::sides::visits;

/// The shortest and the longest time that the server waits after a start before it looks
/// whether the target still runs. In between, it waits as long as the task took, which is
/// nearly the whole start.
const WAITS: [Duration; 2] = [Duration::from_millis(750), Duration::from_secs(3)];

/// Enough for the work after an answer, and for a node's own work after a removal.
pub const PAUSE: Duration = Duration::from_millis(500);

impl Bench<'_> {
    /// Measures every size.
    pub(super) async fn sizes(&mut self) -> Result<()> {
        let server = server(&self.hosting, &self.managers[0]).await?;
        let mut size = SIZES[0];
        for next in SIZES {
            if next > size {
                if self.arguments.quick {
                    break;
                }
                self.fill(size, next).await?;
                size = next;
            }
            self.at_size(&server, size).await?;
        }
        Ok(())
    }

    /// Measures a start, a stop and a list.
    async fn at_size(&mut self, server: &Server, size: usize) -> Result<()> {
        let (raw, report) = (&self.raw, &mut self.report);
        let rounds = self.arguments.rounds(6);
        let [starts, stops] = visits(server, raw, PAUSE, rounds).await?;
        let mut waited = starts.clone();
        let floors = waited.floor.iter_mut();
        floors.for_each(|took| *took += (*took).clamp(WAITS[0], WAITS[1]));
        let list = async || Ok([server.read("/v1/targets").await?]);
        let calls = async || Ok([raw.lists().await?.0]);
        let [lists] = compare(self.arguments.rounds(30), list, calls).await?;
        for (name, floor, pairs) in [
            ("/start", "the calls, and the same wait", waited),
            (
                "/start without its wait",
                "the calls",
                without_wait(&starts),
            ),
            ("/stop", "the calls", stops),
            ("/v1/targets", "the two lists", lists),
        ] {
            report.row(format!("{name}, {size} services"), floor, pairs, &[]);
        }
        for (what, (length, count)) in raw.lists().await?.1 {
            let each = length as f64 / count.max(1) as f64;
            let value = format!("{each:.0} bytes ({count} in {:.2} MB)", length as f64 / 1e6);
            let name = format!("one of the {what} in the list of {size} services");
            report.fact(name, value, each, None);
        }
        Ok(())
    }
}

/// The same starts, as if the server did not wait.
pub fn without_wait(starts: &Pairs) -> Pairs {
    // A wait that is neither of the two is nearly half of the whole.
    let alone = |whole: &Duration| *whole - (*whole / 2).clamp(WAITS[0].min(*whole), WAITS[1]);
    Pairs {
        ours: starts.ours.iter().map(alone).collect(),
        floor: starts.floor.clone(),
    }
}
