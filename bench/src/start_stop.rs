//! Measures `/start` and `/stop`, one at a time and many at once, against the
//! same calls by the native client.

use std::time::{Duration, Instant};

use anyhow::Result;
use futures_util::future::try_join_all;

use crate::client::Client;
use crate::recorder::Recorder;
use crate::replay::{Script, play_at_once};
use crate::row::{Row, Target};
use crate::samples::{Pairs, in_turn};
use crate::say;
use crate::server::Server;

/// A start also waits until the Engine's word can be relied on; the floor does not.
const START: Target = Target::Median(2.2);

/// The same for many starts at once, which the Engine makes one after the other.
const STARTS_AT_ONCE: Target = Target::Median(1.15);

/// A difference that a person at a prompt does not notice.
const STOP: Target = Target::MedianAndP95(1.05, 1.10);

/// Enough for the work after an answer, without a crowd, and for the kernel's own work after a removal: neither then
/// disturbs the next measurement.
pub const PAUSE: Duration = Duration::from_millis(60);

/// How many starts are made at once, and how many rounds of that for each hundred
/// samples.
const AT_ONCE: [(usize, usize); 4] = [(1, 20), (4, 15), (16, 15), (64, 4)];

/// The calls that a server makes to its Engine for each webhook.
pub struct Scripts {
    /// For `/start`.
    pub start: Script,
    /// For `/stop`.
    pub stop: Script,
    /// For `/health`.
    pub health: Script,
    /// How many calls follow the answers of these three webhooks.
    pub after: [usize; 3],
}

impl Scripts {
    /// Records the calls of a server whose Engine is behind `recorder`.
    pub async fn record(server: &Server, recorder: &Recorder) -> Result<Self> {
        // The first start may still have to pull the image, or find a cold cache.
        let target = server.start().await?;
        server.stop(&target.id).await?;
        tokio::time::sleep(PAUSE).await;
        recorder.take();
        server.health().await?;
        tokio::time::sleep(PAUSE).await;
        let health = recorder.take();
        let target = server.start().await?;
        tokio::time::sleep(PAUSE).await;
        let start = recorder.take();
        server.stop(&target.id).await?;
        tokio::time::sleep(PAUSE).await;
        let stop = recorder.take();
        let all = [start.len(), stop.len(), health.len()];
        let scripts = Self {
            start: Script::of(start)?,
            stop: Script::about(&target.id, stop)?,
            health: Script::of(health)?,
            after: [0; 3],
        };
        let before = [&scripts.start, &scripts.stop, &scripts.health].map(Script::len);
        let after = [0, 1, 2].map(|index| all[index] - before[index]);
        Ok(Self { after, ..scripts })
    }
}

/// How long a start and a stop of one target take.
pub async fn visit(server: &Server) -> Result<(Duration, Duration)> {
    let target = server.start().await?;
    tokio::time::sleep(PAUSE).await;
    let stop = server.stop(&target.id).await?;
    tokio::time::sleep(PAUSE).await;
    Ok((target.took, stop))
}

/// Starts and stops targets in turns with the native client.
pub async fn in_turns(
    group: &'static str,
    server: &Server,
    scripts: &Scripts,
    engine: &str,
    samples: usize,
) -> Result<Vec<Row>> {
    let client = Client::new();
    let (mut starts, mut stops) = (Pairs::default(), Pairs::default());
    for round in 0..samples {
        let ours = visit(server);
        let floor = async {
            let played = scripts.start.play(&client, engine, None).await?;
            tokio::time::sleep(PAUSE).await;
            let stop = scripts.stop.play(&client, engine, Some(&played.id)).await?;
            tokio::time::sleep(PAUSE).await;
            anyhow::Ok((played.took, stop.took))
        };
        let (ours, floor) = in_turn(round, ours, floor).await?;
        starts.push(ours.0, floor.0);
        stops.push(ours.1, floor.1);
    }
    let row = |name, pairs| Row::new(group, name, "native", pairs);
    let start = row("/start", starts).within(START);
    Ok(vec![start, row("/stop", stops).within(STOP)])
}

/// [`at_once`] for every count; `scaled` turns rounds for each hundred samples
/// into rounds of this run.
pub async fn all_at_once(
    server: &Server,
    scripts: &Scripts,
    engine: &str,
    scaled: impl Fn(usize) -> usize,
) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (count, rounds) in AT_ONCE {
        say(&format!("{count} starts at once"));
        rows.extend(at_once(server, scripts, engine, count, scaled(rounds)).await?);
    }
    Ok(rows)
}

/// Starts `count` targets at once: measures the time of each, and the elapsed
/// time divided by their number.
async fn at_once(
    server: &Server,
    scripts: &Scripts,
    engine: &str,
    count: usize,
    rounds: usize,
) -> Result<Vec<Row>> {
    let client = Client::new();
    let (mut each, mut all) = (Pairs::default(), Pairs::default());
    for round in 0..rounds {
        let ours = async {
            let begun = Instant::now();
            let targets = try_join_all((0..count).map(|_| server.start())).await?;
            let all = begun.elapsed();
            tokio::time::sleep(PAUSE).await;
            try_join_all(targets.iter().map(|target| server.stop(&target.id))).await?;
            tokio::time::sleep(PAUSE).await;
            let each: Vec<_> = targets.iter().map(|target| target.took).collect();
            anyhow::Ok((each, all))
        };
        let floor = async {
            let begun = Instant::now();
            let played = play_at_once(&scripts.start, &client, engine, count).await?;
            let all = begun.elapsed();
            tokio::time::sleep(PAUSE).await;
            let stops = played
                .iter()
                .map(|played| scripts.stop.play(&client, engine, Some(&played.id)));
            try_join_all(stops).await?;
            tokio::time::sleep(PAUSE).await;
            let each: Vec<_> = played.iter().map(|played| played.took).collect();
            anyhow::Ok((each, all))
        };
        let (ours, floor) = in_turn(round, ours, floor).await?;
        each.ours.extend(ours.0);
        each.floor.extend(floor.0);
        let share = u32::try_from(count)?;
        all.push(ours.1 / share, floor.1 / share);
    }
    const GROUP: &str = "many starts at once";
    let throughput = Row::new(GROUP, format!("{count} at once"), "native", all);
    let mut throughput = throughput.in_throughput();
    if count == 16 {
        throughput = throughput.within(STARTS_AT_ONCE);
    }
    let tail = Row::new(GROUP, format!("each of {count}"), "native", each);
    Ok(vec![throughput, tail])
}
