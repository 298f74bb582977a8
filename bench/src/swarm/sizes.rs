//! Starts, stops and lists, one after the other, with a given number of services.

use std::time::Duration;

use anyhow::Result;
use http::Method;

use super::raw::Lists;
use super::{Bench, RUNNING, SIZES};
use crate::client::Call;
use crate::row::{Fact, Row};
use crate::samples::{Pairs, in_turn};
use crate::say;

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
        let rows = self.visits(&group).await?;
        self.report.rows.extend(rows);
        let row = self.reads(&group).await?;
        self.report.rows.push(row);
        let lists = self.raw.lists().await?;
        self.report.facts.extend(bytes(&group, &lists));
        Ok(())
    }

    async fn visits(&self, group: &str) -> Result<Vec<Row>> {
        let (mut starts, mut stops) = (Pairs::default(), Pairs::default());
        for round in 0..self.arguments.rounds(6) {
            let (ours, floor) = in_turn(round, self.ours(), self.floor()).await?;
            starts.push(ours.0, floor.0);
            stops.push(ours.1, floor.1);
        }
        let waited = Pairs {
            ours: starts.ours.clone(),
            floor: starts
                .floor
                .iter()
                .map(|took| *took + wait_after(*took))
                .collect(),
        };
        let unwaited = without_wait(&starts);
        Ok(vec![
            Row::new(group, "/start", "the calls, and the same wait", waited),
            Row::new(group, "/start without its wait", "the calls", unwaited),
            Row::new(group, "/stop", "the calls", stops),
        ])
    }

    /// A start and a stop by the server.
    async fn ours(&self) -> Result<(Duration, Duration)> {
        let server = &self.servers[0];
        let target = server.start().await?;
        tokio::time::sleep(PAUSE).await;
        let stop = server.stop(&target.id).await?;
        tokio::time::sleep(PAUSE).await;
        Ok((target.took, stop))
    }

    /// The same by the native client.
    async fn floor(&self) -> Result<(Duration, Duration)> {
        let running = self.raw.start().await?;
        tokio::time::sleep(PAUSE).await;
        let stop = self.raw.stop(&running).await?;
        tokio::time::sleep(PAUSE).await;
        Ok((running.took, stop))
    }

    async fn reads(&self, group: &str) -> Result<Row> {
        let mut pairs = Pairs::default();
        for round in 0..self.arguments.rounds(30) {
            let ours = async {
                let call = Call::bodiless(Method::GET, "/v1/targets");
                let reply = self.servers[0].read(call).await?;
                anyhow::Ok(reply.success("/v1/targets")?.took)
            };
            let floor = async { anyhow::Ok(self.raw.lists().await?.took) };
            let (ours, floor) = in_turn(round, ours, floor).await?;
            pairs.push(ours, floor);
        }
        Ok(Row::new(group, "/v1/targets", "the two lists", pairs))
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

/// The length of an entry in each list.
fn bytes(group: &str, lists: &Lists) -> [Fact; 2] {
    let fact = |what: &str, (length, count): (usize, usize)| {
        let each = length as f64 / count.max(1) as f64;
        let value = format!("{each:.0} bytes ({count} in {:.2} MB)", length as f64 / 1e6);
        Fact::new(format!("a {what} in the list of {group}"), value, each)
    };
    [fact("service", lists.services), fact("task", lists.tasks)]
}
