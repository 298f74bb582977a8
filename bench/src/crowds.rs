//! Measures the webhooks on an Engine with many containers, ours and others', against the same webhooks on an empty
//! Engine; and the lists that operators read against the Engine's own list.

use std::slice::from_ref;
use std::time::Duration;

use anyhow::{Context, Result};
use dynamic_access_host::Meter;

use crate::embedded::Bench;
use crate::engine::Engine;
use crate::native::{Native, PAUSE};
use crate::report::Targets;
use crate::samples::compare;
use crate::server::Server;
use crate::sides::Side;
use crate::webhooks::Webhooks;
use crate::{facts, say};

/// How many containers of ours, and as many of others, the crowded Engine has.
/// The largest crowd stays below [`MAX_TARGETS`], so that a start is admitted.
const CROWDS: [usize; 3] = [0, 100, 900];

/// The most that the component accepts.
pub const MAX_TARGETS: &str = "1000";

/// The target for a start, however many containers there are.
const START: Targets = &[(0.5, 1.1)];

/// The routes that read the targets.
const READS: [&str; 3] = ["/v1/targets", "/metrics", "/"];

/// One Engine and its server.
struct Place<'a> {
    engine: &'a Engine,
    server: &'a Server,
    native: Native,
    /// How long the work after an answer may still take.
    pause: Duration,
}

/// Measures a crowd of every size.
pub async fn measure(bench: &mut Bench<'_>) -> Result<()> {
    let crowded = Engine::given("CROWDED_ENGINE")?;
    let (meter, variables) = (Meter::default(), &[("max_targets", MAX_TARGETS)]);
    let on_empty = Webhooks::of(bench, variables).await?;
    let server = bench.hosting.server(&crowded.url, variables, Some(&meter));
    let server = server.await?;
    let samples = bench.arguments.rounds(50);
    let mut filled = 0;
    for size in CROWDS {
        if bench.arguments.quick && size > 100 {
            break;
        }
        let group = match size {
            0 => "no crowd: two Engines alike".to_owned(),
            _ => format!("{size} containers of ours, {size} foreign"),
        };
        say(&group);
        crowded.fill(filled, size).await?;
        filled = size;
        facts::memory(&server, &meter, size, &mut bench.report).await?;
        let ours = Place {
            engine: &crowded,
            server: &server,
            native: on_empty.native.on(&crowded.url),
            // Twice as long as a reap takes, and the usual pause.
            pause: PAUSE + server.reap().await? * 2,
        };
        let empty = Place {
            engine: &bench.empty,
            server: &on_empty.server,
            native: on_empty.native.clone(),
            pause: PAUSE,
        };
        let (ours_once, empty_once) = (async || ours.visit().await, async || empty.visit().await);
        let all = compare(samples, ours_once, empty_once);
        let names = ["/start", "calls of /start", "/stop", "/health", "/reap"];
        for (name, pairs) in names.into_iter().zip(all.await?) {
            // Without a crowd both sides are alike; the row shows how much of
            // the other ratios is chance.
            let has_target = name == "/start" && size > 0;
            let targets = if has_target { START } else { &[] };
            let name = format!("{name}, {group}");
            bench.report.row(name, "an empty Engine", pairs, targets);
        }
        let mut calls = ours.native.start.calls.iter();
        let list = calls.find(|one| one.is_list_of_all());
        let list = from_ref(list.context("a start makes no list")?);
        let floor = async || Ok([ours.native.play(list, None).await?.1]);
        for route in READS {
            let [pairs] = compare(samples, async || Ok([server.read(route).await?]), floor).await?;
            let name = format!("{route}, {size} targets");
            bench.report.row(name, "the Engine's list", pairs, &[]);
        }
    }
    Ok(())
}

impl Place<'_> {
    /// One start, the same calls by the native client, one stop, one health check
    /// and one reap.
    async fn visit(&self) -> Result<[Duration; 5]> {
        let (target, start) = self.server.start().await?;
        tokio::time::sleep(self.pause).await;
        let (id, played) = self.native.start().await?;
        self.engine.remove(&id).await?;
        tokio::time::sleep(PAUSE).await;
        let stop = self.server.stop(&target).await?;
        tokio::time::sleep(PAUSE).await;
        let health = self.server.health().await?;
        tokio::time::sleep(self.pause).await;
        let reap = self.server.reap().await?;
        tokio::time::sleep(PAUSE).await;
        Ok([start, played, stop, health, reap])
    }
}
