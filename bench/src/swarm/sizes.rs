//! Starts, stops and lists, one after the other, with a given number of services.

use std::time::Duration;

use anyhow::Result;
use http::Method;

use super::{Bench, RUNNING, SIZES};
use crate::client::Call;
use crate::row::{Fact, Row};
use crate::samples::{Pairs, compare};
use crate::say;
use crate::side::visits;

/// The shortest and the longest time that the server waits after a start before it looks
/// whether the target still runs. In between, it waits as long as the start took.
const WAITS: [Duration; 2] = [Duration::from_millis(750), Duration::from_secs(3)];

/// Enough for the work after an answer, and for a node's own work after a removal.
pub const PAUSE: Duration = Duration::from_millis(500);

impl Bench<'_> {
    /// Measures every size.
    pub(super) async fn sizes(&mut self) -> Result<()> {
        let mut size = SIZES[0];
        for next in SIZES {
            if next > size {
                if self.arguments.quick {
                    break;
                }
                say(&format!("{next} services, {RUNNING} of them with a task"));
                self.raw.fill(size, next, RUNNING).await?;
                size = next;
            }
            self.at_size(size).await?;
        }
        Ok(())
    }

    /// Measures a start, a stop and a list.
    async fn at_size(&mut self, size: usize) -> Result<()> {
        let group = format!("{size} services");
        let (server, raw) = (&self.servers[0], &self.raw);
        let rounds = self.arguments.rounds(6);
        let [starts, stops] = visits(server, raw, PAUSE, rounds).await?;
        let mut waited = starts.clone();
        waited
            .floor
            .iter_mut()
            .for_each(|took| *took += wait_after(*took));
        let unwaited = without_wait(&starts);
        let list = async || {
            Ok([server
                .read(Call::bodiless(Method::GET, "/v1/targets"))
                .await?])
        };
        let calls = async || Ok([raw.lists().await?.0]);
        let [lists] = compare(self.arguments.rounds(30), list, calls).await?;
        self.report.rows.extend([
            Row::new(&group, "/start", "the calls, and the same wait", waited),
            Row::new(&group, "/start without its wait", "the calls", unwaited),
            Row::new(&group, "/stop", "the calls", stops),
            Row::new(&group, "/v1/targets", "the two lists", lists),
        ]);
        for (what, (length, count)) in self.raw.lists().await?.1 {
            let each = length as f64 / count.max(1) as f64;
            let value = format!("{each:.0} bytes ({count} in {:.2} MB)", length as f64 / 1e6);
            let name = format!("one of the {what} in the list of {group}");
            self.report.facts.push(Fact::new(name, value, each));
        }
        Ok(())
    }
}

/// How long the server waits after a start that took so long.
fn wait_after(took: Duration) -> Duration {
    took.clamp(WAITS[0], WAITS[1])
}

/// The same starts, as if the server did not wait.
pub fn without_wait(starts: &Pairs) -> Pairs {
    // A wait that is neither of the two is half of the whole.
    let alone = |whole: &Duration| *whole - (*whole / 2).clamp(WAITS[0].min(*whole), WAITS[1]);
    let ours = starts.ours.iter().map(alone);
    Pairs {
        ours: ours.collect(),
        floor: starts.floor.clone(),
    }
}
