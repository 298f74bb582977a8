//! Many starts at once, by one server and by several.

use std::time::{Duration, Instant};

use anyhow::Result;
use futures_util::future::{join_all, try_join_all};

use super::sizes::{PAUSE, without_wait};
use super::{Bench, REPLICAS};
use crate::row::{Fact, Row};
use crate::samples::{Pairs, in_turn};
use crate::say;
use crate::server::Target;

/// How many starts are made at once, and how many rounds of that. One takes up to two minutes on two cores.
const BURSTS: [(usize, usize); 2] = [(16, 2), (64, 1)];

impl Bench<'_> {
    /// Measures all bursts.
    pub(super) async fn bursts(&mut self) -> Result<()> {
        for (count, rounds) in BURSTS {
            for replicas in REPLICAS {
                say(&format!(
                    "{count} starts at once, on {replicas} of our server"
                ));
                self.burst(count, replicas, rounds).await?;
            }
        }
        Ok(())
    }

    async fn burst(&mut self, count: usize, replicas: usize, rounds: usize) -> Result<()> {
        let (mut each, mut all) = (Pairs::default(), Pairs::default());
        let mut failures = Vec::new();
        for round in 0..rounds {
            let ours = self.our_burst(count, replicas);
            let (ours, floor) = in_turn(round, ours, self.floor_burst(count)).await?;
            let (took, targets, failed) = ours;
            each.ours.extend(targets.iter().map(|target| target.took));
            each.floor.extend(floor.1);
            say(&format!(
                "all {count} after {:.1} s, {} without success; the calls alone after {:.1} s",
                took.as_secs_f32(),
                failed.len(),
                floor.0.as_secs_f32()
            ));
            let share = u32::try_from(count)?;
            all.push(took / share, floor.0 / share);
            failures.extend(failed);
        }
        let group = format!("{count} starts at once, with 100 services");
        let servers = match replicas {
            1 => "1 server".to_owned(),
            _ => format!("{replicas} servers"),
        };
        self.report.rows.extend([
            Row::new(&group, format!("all, {servers}"), "the calls", all).in_throughput(),
            Row::new(
                &group,
                format!("each, {servers}, without its wait"),
                "the calls",
                without_wait(&each),
            ),
        ]);
        let (failed, all) = (failures.len(), count * rounds);
        let value = match failures.first() {
            Some(reason) => format!("{failed} of {all}: {reason}"),
            None => format!("none of {all}"),
        };
        let name = format!("starts that failed, {count} at once, {servers}");
        let fact = Fact::new(name, value, failed as f64);
        self.report.facts.push(fact);
        Ok(())
    }

    /// The time of all, the targets, and the errors of the others.
    async fn our_burst(
        &self,
        count: usize,
        replicas: usize,
    ) -> Result<(Duration, Vec<Target>, Vec<String>)> {
        let begun = Instant::now();
        let starts = (0..count).map(|index| self.servers[index % replicas].start());
        let outcomes = join_all(starts).await;
        let took = begun.elapsed();
        tokio::time::sleep(PAUSE).await;
        let (mut targets, mut failures) = (Vec::new(), Vec::new());
        for outcome in outcomes {
            match outcome {
                Ok(target) => targets.push(target),
                Err(error) => failures.push(format!("{error:#}")),
            }
        }
        // A stop whose time is up is repeated by its caller; here the sweep does it.
        let stops = targets
            .iter()
            .enumerate()
            .map(|(index, target)| self.servers[index % replicas].stop(&target.id));
        join_all(stops).await;
        self.raw.sweep().await?;
        tokio::time::sleep(PAUSE).await;
        Ok((took, targets, failures))
    }

    /// The time of all, and of each.
    async fn floor_burst(&self, count: usize) -> Result<(Duration, Vec<Duration>)> {
        let begun = Instant::now();
        let running = try_join_all((0..count).map(|_| self.raw.start())).await?;
        let took = begun.elapsed();
        tokio::time::sleep(PAUSE).await;
        try_join_all(running.iter().map(|running| self.raw.stop(running))).await?;
        tokio::time::sleep(PAUSE).await;
        Ok((took, running.iter().map(|running| running.took).collect()))
    }
}
