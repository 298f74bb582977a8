//! Measures the webhooks on an Engine with many containers, ours and others',
//! against the same webhooks on an empty Engine.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::client::Client;
use crate::engine::Engine;
use crate::native::{PAUSE, Script};
use crate::row::{Row, Targets};
use crate::samples::compare;
use crate::server::Server;
use crate::side::Side;

/// The target for a start, however many containers there are.
const START: Targets = &[(0.5, 1.1)];

/// One Engine and its server.
pub struct Place<'a> {
    /// The Engine.
    pub engine: &'a Engine,
    /// A server for it.
    pub server: &'a Server,
    /// How long the work after an answer may still take.
    pub pause: Duration,
}

/// Measures both sides in turns.
pub async fn against_empty(
    crowded: &Place<'_>,
    empty: &Place<'_>,
    start: &Script,
    size: usize,
    samples: usize,
) -> Result<Vec<Row>> {
    let (ours, floor) = (
        async || once(crowded, start).await,
        async || once(empty, start).await,
    );
    let all = compare(samples, ours, floor).await?;
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
            "/start" if size > 0 => row.within(START),
            _ => row,
        }
    });
    Ok(rows.collect())
}

/// One start, the same calls by the native client, one stop, one health check
/// and one reap.
async fn once(place: &Place<'_>, start: &Script) -> Result<[Duration; 5]> {
    let Place {
        engine,
        server,
        pause,
    } = place;
    let (target, took) = server.start().await?;
    tokio::time::sleep(*pause).await;
    let (id, played) = start.play(&Client::new(), &engine.url, None).await?;
    engine.remove(&id).await?;
    tokio::time::sleep(PAUSE).await;
    let stop = server.stop(&target).await?;
    tokio::time::sleep(PAUSE).await;
    let health = server.health().await?;
    tokio::time::sleep(*pause).await;
    let reap = server.reap().await?;
    tokio::time::sleep(PAUSE).await;
    Ok([took, played, stop, health, reap])
}

/// How long to wait for the work after an answer: twice as long as a reap
/// takes, and the usual pause.
pub async fn pause_for(server: &Server) -> Result<Duration> {
    let begun = Instant::now();
    server.reap().await?;
    Ok(PAUSE + begun.elapsed() * 2)
}
