//! The sides of a comparison: each starts and stops targets, one at a time or many at once.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::future::join_all;

use crate::report::{Report, Targets};
use crate::samples::{Pairs, compare, in_turn};
use crate::say;

/// A server, or the floor in its place.
pub trait Side {
    /// Starts a target. Returns the name by which it is stopped, and how long its caller waited.
    async fn start(&self) -> Result<(String, Duration)>;

    async fn stop(&self, target: &str) -> Result<Duration>;
}

/// Starts and stops one target after the other on both sides, in turns, with a pause after each.
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

async fn visit(side: &impl Side, pause: Duration) -> Result<[Duration; 2]> {
    let (target, start) = side.start().await?;
    tokio::time::sleep(pause).await;
    let stop = side.stop(&target).await?;
    tokio::time::sleep(pause).await;
    Ok([start, stop])
}

/// Many starts at once.
#[derive(Default)]
pub struct Bursts {
    /// The elapsed time of all, divided by the number that succeeded.
    all: Pairs,
    /// The time of each.
    pub each: Pairs,
    /// The errors of ours.
    failures: Vec<String>,
}

impl Bursts {
    /// Measures `count` at once on both sides, in turns.
    pub async fn measure(
        ours: &impl Side,
        floor: &impl Side,
        pause: Duration,
        count: usize,
        rounds: usize,
    ) -> Result<Self> {
        let mut bursts = Self::default();
        for round in 0..rounds {
            let (ours, floor) = (burst(ours, pause, count), burst(floor, pause, count));
            let (ours, floor) = in_turn(round, ours, floor).await?;
            ensure!(floor.failures.is_empty(), "the floor: {:?}", floor.failures);
            bursts.all.push((ours.all, floor.all));
            bursts.each.ours.extend(ours.each);
            bursts.each.floor.extend(floor.each);
            bursts.failures.extend(ours.failures);
        }
        Ok(bursts)
    }

    /// Reports them, with a target for the time of all and a limit for the number of failures.
    pub fn tell(
        self,
        report: &mut Report,
        name: &str,
        floor: &str,
        targets: Targets,
        limit: Option<f64>,
    ) {
        report.row(format!("{name}, time for each"), floor, self.all, targets);
        report.row(format!("each of {name}"), floor, self.each, &[]);
        let count = self.failures.len();
        let value = match self.failures.first() {
            Some(reason) => format!("{count}, the first: {reason}"),
            None => "none".to_owned(),
        };
        report.fact(format!("failures of {name}"), value, count as f64, limit);
    }
}

/// Many starts at once on one side.
struct Burst {
    /// The elapsed time of all, divided by the number that succeeded.
    all: Duration,
    /// The time of each that succeeded.
    each: Vec<Duration>,
    /// The errors of the others.
    failures: Vec<String>,
}

async fn burst(side: &impl Side, pause: Duration, count: usize) -> Result<Burst> {
    let begun = Instant::now();
    let outcomes = join_all((0..count).map(|_| side.start())).await;
    let took = begun.elapsed();
    tokio::time::sleep(pause).await;
    let mut failures = Vec::new();
    let mut failed = |error| failures.push(format!("{error:#}"));
    let outcomes = outcomes.into_iter();
    let (targets, each): (Vec<_>, Vec<_>) = outcomes
        .filter_map(|it| it.map_err(&mut failed).ok())
        .unzip();
    for stopped in join_all(targets.iter().map(|target| side.stop(target))).await {
        // A stop whose time is up is repeated by its caller.
        if let Err(error) = stopped {
            say(&format!("a stop has failed: {error:#}"));
        }
    }
    tokio::time::sleep(pause).await;
    let succeeded = u32::try_from(each.len().max(1))?;
    Ok(Burst {
        all: took / succeeded,
        each,
        failures,
    })
}
