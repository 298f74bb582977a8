//! Measures the webhooks on an Engine with many containers, ours and others',
//! against the same webhooks on an empty Engine.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::client::Client;
use crate::engine::{Engine, Whose};
use crate::replay::Script;
use crate::row::{Row, Target};
use crate::samples::{Pairs, in_turn};
use crate::server::{DEPLOYMENT, Server};
use crate::start_stop::PAUSE;

/// The target for a start, however many containers there are.
const START_TARGET: Target = Target::Median(1.1);

/// One Engine and its server.
pub struct Side<'a> {
    /// The Engine.
    pub engine: &'a Engine,
    /// A server for it.
    pub server: &'a Server,
    /// How long the work after an answer may still take.
    pub pause: Duration,
}

/// Adds containers of each kind until there are `to` of them.
pub async fn fill(engine: &Engine, from: usize, to: usize) -> Result<()> {
    engine
        .fill(to - from, Whose::Deployment(DEPLOYMENT))
        .await?;
    engine.fill(to - from, Whose::Foreign).await
}

/// Measures both sides in turns.
pub async fn against_empty(
    crowded: &Side<'_>,
    empty: &Side<'_>,
    start: &Script,
    size: usize,
    samples: usize,
) -> Result<Vec<Row>> {
    let mut all: [Pairs; 5] = Default::default();
    for round in 0..samples {
        let (ours, floor) = in_turn(round, once(crowded, start), once(empty, start)).await?;
        for (pairs, (ours, floor)) in all.iter_mut().zip(ours.into_iter().zip(floor)) {
            pairs.push(ours, floor);
        }
    }
    let group = match size {
        0 => "no crowd: two Engines alike".to_owned(),
        _ => format!("{size} containers of ours, {size} foreign"),
    };
    let names = [
        "/start",
        "native calls of /start",
        "/stop",
        "/health",
        "/reap",
    ];
    let rows = names.into_iter().zip(all).map(|(name, pairs)| {
        let row = Row::new(&group, name, "on an empty Engine", pairs);
        match name {
            // Without a crowd both sides are alike; the row shows how much of
            // the other ratios is chance.
            "/start" if size > 0 => row.within(START_TARGET),
            _ => row,
        }
    });
    Ok(rows.collect())
}

/// One start, the same calls by the native client, one stop, one health check
/// and one reap.
async fn once(side: &Side<'_>, start: &Script) -> Result<[Duration; 5]> {
    let Side {
        engine,
        server,
        pause,
    } = side;
    let target = server.start().await?;
    tokio::time::sleep(*pause).await;
    let played = start.play(&Client::new(), &engine.url, None).await?;
    engine.remove(&played.id).await?;
    tokio::time::sleep(PAUSE).await;
    let stop = server.stop(&target.id).await?;
    tokio::time::sleep(PAUSE).await;
    let health = server.health().await?;
    tokio::time::sleep(*pause).await;
    let reap = server.reap().await?;
    tokio::time::sleep(PAUSE).await;
    Ok([target.took, played.took, stop, health, reap])
}

/// How long to wait for the work after an answer: twice as long as a reap
/// takes, and the usual pause.
pub async fn pause_for(server: &Server) -> Result<Duration> {
    let begun = Instant::now();
    server.reap().await?;
    Ok(PAUSE + begun.elapsed() * 2)
}
