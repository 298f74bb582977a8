//! The sides of a comparison: each starts and stops targets, one at a time or many at once.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use futures_util::future::join_all;

use crate::row::{Fact, Row};
use crate::samples::{Pairs, compare, in_turn};
use crate::say;

/// A server, or the native client in its place.
pub trait Side {
    /// What a stop needs to know.
    type Target;

    /// Starts a target; returns how long its caller waited, too.
    async fn start(&self) -> Result<(Self::Target, Duration)>;

    /// Stops a target.
    async fn stop(&self, target: &Self::Target) -> Result<Duration>;

    /// Removes the remains of starts that failed.
    async fn sweep(&self) -> Result<()> {
        Ok(())
    }
}

/// How long a start and a stop of one target take, with a pause after each.
pub async fn visit(side: &impl Side, pause: Duration) -> Result<[Duration; 2]> {
    let (target, start) = side.start().await?;
    tokio::time::sleep(pause).await;
    let stop = side.stop(&target).await?;
    tokio::time::sleep(pause).await;
    Ok([start, stop])
}

/// Starts and stops targets on both sides in turns.
pub async fn visits(
    ours: &impl Side,
    floor: &impl Side,
    pause: Duration,
    rounds: usize,
) -> Result<[Pairs; 2]> {
    let (ours, floor) = (
        async || visit(ours, pause).await,
        async || visit(floor, pause).await,
    );
    compare(rounds, ours, floor).await
}

/// Many starts at once, on both sides.
pub struct Bursts {
    /// How many.
    count: usize,
    /// The elapsed time of all, divided by the number that succeeded.
    all: Pairs,
    /// The time of each.
    pub each: Pairs,
    /// The errors of ours.
    failures: Vec<String>,
}

impl Bursts {
    /// Measures both sides in turns.
    pub async fn measure(
        ours: &impl Side,
        floor: &impl Side,
        pause: Duration,
        count: usize,
        rounds: usize,
    ) -> Result<Self> {
        let mut bursts = Self {
            count,
            all: Pairs::default(),
            each: Pairs::default(),
            failures: Vec::new(),
        };
        for round in 0..rounds {
            let ours = burst(ours, pause, count);
            let (ours, floor) = in_turn(round, ours, burst(floor, pause, count)).await?;
            if let Some(failure) = floor.failures.first() {
                bail!("the floor: {failure}");
            }
            bursts.all.push(ours.all, floor.all);
            bursts.each.ours.extend(ours.each);
            bursts.each.floor.extend(floor.each);
            bursts.failures.extend(ours.failures);
        }
        Ok(bursts)
    }

    /// The rows, and how many starts failed; `on` says where.
    pub fn told(self, group: &str, on: &str, floor: &str) -> ([Row; 2], Fact) {
        let Self {
            count, failures, ..
        } = self;
        let all = Row::new(group, format!("{count} at once{on}"), floor, self.all);
        let each = Row::new(group, format!("each of {count}{on}"), floor, self.each);
        let value = match failures.first() {
            Some(reason) => format!("{}, the first: {reason}", failures.len()),
            None => "none".to_owned(),
        };
        let name = format!("starts that failed, {count} at once{on}");
        let failed = Fact::new(name, value, failures.len() as f64);
        ([all.in_throughput(), each], failed)
    }
}

/// One burst.
struct Burst {
    all: Duration,
    each: Vec<Duration>,
    failures: Vec<String>,
}

async fn burst(side: &impl Side, pause: Duration, count: usize) -> Result<Burst> {
    let begun = Instant::now();
    let outcomes = join_all((0..count).map(|_| side.start())).await;
    let took = begun.elapsed();
    tokio::time::sleep(pause).await;
    let (mut targets, mut each, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            Ok((target, took)) => {
                targets.push(target);
                each.push(took);
            }
            Err(error) => failures.push(format!("{error:#}")),
        }
    }
    for stopped in join_all(targets.iter().map(|target| side.stop(target))).await {
        // A stop whose time is up is repeated by its caller; here the sweep does it.
        if let Err(error) = stopped {
            say(&format!("a stop has failed: {error:#}"));
        }
    }
    side.sweep().await?;
    let all = took / u32::try_from(each.len().max(1))?;
    tokio::time::sleep(pause).await;
    Ok(Burst {
        all,
        each,
        failures,
    })
}
