//! Measures a deployment of many running targets, which only the list of a stand-in has:
//! what a health check costs, and how much memory requests take.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use dynamic_access_host::Meter;
use futures_util::future::{try_join, try_join_all};

use crate::crowds::MAX_TARGETS;
use crate::embedded::Bench;
use crate::engine::name_like;
use crate::facts::{self, MEBIBYTE};
use crate::native::PAUSE;
use crate::recorder::Recorder;
use crate::report::Report;
use crate::samples::quantile;
use crate::say;
use crate::server::Server;
use crate::sides::Side;

const TARGETS: usize = 1000;

/// The numbers of health checks at once. Hosts make at most 1,000 instances.
const HEALTHS_AT_ONCE: [usize; 4] = [1, 16, 64, 256];

/// The numbers of reaps at once: two cores do not read more of these lists within the time limit of a call.
const REAPS_AT_ONCE: [usize; 3] = [1, 16, 64];

/// One health check in this many is followed by a reap.
const HEALTHS_PER_REAP: f64 = 8.0;

/// How often the memory is read.
const LOOK_INTERVAL: Duration = Duration::from_millis(2);

/// The longest wait until all requests have made their first call.
const ARRIVED_WITHIN: Duration = Duration::from_secs(4);

/// Measures the time of health checks and reaps, and their memory.
pub async fn measure(bench: &mut Bench<'_>) -> Result<()> {
    let (meter, variables) = (Meter::default(), [("max_targets", MAX_TARGETS)]);
    let (recorder, report) = (&bench.recorder, &mut bench.report);
    let engine = recorder.url();
    let server = bench.hosting.server(&engine, &variables, Some(&meter));
    let server = server.await?;
    recorder.list(Some(list(&server, recorder).await?));
    health(&server, bench.arguments.rounds(30), report).await?;
    // The memory that an instance asks for to read the list.
    meter.take_peak();
    server.reap().await?;
    let name = format!("/reap, {TARGETS} running targets");
    facts::memory_of(name, &meter, None, report);
    memory(&server, recorder, report).await?;
    recorder.list(None);
    Ok(())
}

/// The list of the deployment, with this many copies of a target that runs now.
async fn list(server: &Server, recorder: &Recorder) -> Result<Bytes> {
    let (target, _) = server.start().await?;
    server.reap().await?;
    let calls = recorder.take();
    let listed = calls.iter().rev().find(|one| one.is_list_of_all());
    let listed = listed.context("a reap makes no list")?;
    let listed: Vec<serde_json::Value> = serde_json::from_slice(&listed.reply)?;
    let entry = listed.iter().find(|entry| entry["Id"] == target.as_str());
    let entry = entry.context("the target is not listed")?;
    let name = entry["Names"][0].as_str().context("a target has no name")?;
    let name = name.trim_start_matches('/');
    let text = entry.to_string();
    let another = |index| {
        let copy = text.replace(&target, &format!("{index:064x}"));
        copy.replace(name, &name_like(name))
    };
    let all: Vec<_> = (0..TARGETS).map(another).collect();
    server.stop(&target).await?;
    tokio::time::sleep(PAUSE).await;
    Ok(format!("[{}]", all.join(",")).into())
}

/// The time of a health check, and of the reap that follows some of them.
async fn health(server: &Server, samples: usize, report: &mut Report) -> Result<()> {
    let name = format!("/health with {TARGETS} targets");
    say(&name);
    let (mut healths, mut reaps) = (Vec::new(), Vec::new());
    for _ in 0..samples {
        healths.push(server.health().await?);
        // One of them may be followed by a reap.
        tokio::time::sleep(PAUSE * 4).await;
        reaps.push(server.reap().await?);
    }
    let [health, reap] = [healths, reaps].map(|times| quantile(&times, 0.5).as_secs_f64() * 1e3);
    let of_each = reap / HEALTHS_PER_REAP;
    let value = format!(
        "{health:.1} ms; the reap after one in eight takes {reap:.1} ms, {of_each:.1} ms for each"
    );
    report.fact(name, value, of_each, None);
    Ok(())
}

/// The memory of this process for each of many requests at once.
async fn memory(server: &Server, recorder: &Recorder, report: &mut Report) -> Result<()> {
    let health = async || server.health().await;
    let reap = async || server.reap().await;
    // The first burst also takes what the host then keeps.
    at_once(HEALTHS_AT_ONCE[1], recorder, health).await?;
    for count in HEALTHS_AT_ONCE {
        let name = format!("memory of {count} /health at once");
        say(&name);
        let (value, peak) = at_once(count, recorder, health).await?;
        report.fact(name, value, peak, None);
    }
    for count in REAPS_AT_ONCE {
        let name = format!("memory of {count} /reap with {TARGETS} targets at once");
        say(&name);
        let (value, peak) = at_once(count, recorder, reap).await?;
        report.fact(name, value, peak, None);
    }
    Ok(())
}

/// Holds the calls of `count` requests until all of them wait, and lets them go. Returns the most memory of each.
async fn at_once(
    count: usize,
    recorder: &Recorder,
    request: impl AsyncFn() -> Result<Duration>,
) -> Result<(String, f64)> {
    let rest = resident()?;
    let hold = recorder.hold().await;
    let requests = try_join_all((0..count).map(|_| request()));
    let watch = async {
        let arrived = async {
            while recorder.held() < count {
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
        };
        let in_time = tokio::time::timeout(ARRIVED_WITHIN, arrived).await;
        ensure!(in_time.is_ok(), "not all of {count} make a call");
        let waiting = resident()?;
        drop(hold);
        anyhow::Ok(waiting)
    };
    let mut both = std::pin::pin!(try_join(requests, watch));
    let mut peak = rest;
    let waiting = loop {
        tokio::select! {
            ended = &mut both => break ended?.1,
            () = tokio::time::sleep(LOOK_INTERVAL) => peak = peak.max(resident()?),
        }
    };
    recorder.take();
    let [waiting, peak] = [waiting, peak].map(|memory| (memory - rest) / count as f64);
    let value = format!(
        "{rest:.1} MiB before; for each {waiting:.2} MiB while it waits, {peak:.2} MiB at most"
    );
    Ok((value, peak))
}

/// The anonymous memory of this process, in MiB. Of an instance's memory, only the written part counts.
fn resident() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kibibytes: f64 = kibibytes.context("no RssAnon")?.parse()?;
    Ok(kibibytes * 1024.0 / MEBIBYTE)
}
