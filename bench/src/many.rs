//! Measures a deployment of many running targets, which only the list of a stand-in has:
//! what a health check costs, and how much memory requests take.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use dynamic_access_host::Meter;
use futures_util::future::try_join_all;
use serde_json::Value;

use crate::facts::{self, MEBIBYTE};
use crate::native::PAUSE;
use crate::recorder::Recorder;
use crate::row::Fact;
use crate::samples::quantile;
use crate::server::Server;
use crate::side::Side;
use crate::{say, unique};

/// How many targets run.
const TARGETS: usize = 1000;

/// The numbers of requests at once. Hosts make at most 1,000 instances.
const AT_ONCE: [usize; 4] = [1, 16, 64, 256];

/// One health check in this many is followed by a reap.
const HEALTHS_PER_REAP: f64 = 8.0;

/// How often the memory is read.
const LOOK_INTERVAL: Duration = Duration::from_millis(2);

/// The longest wait until all requests have made their first call.
const ARRIVED_WITHIN: Duration = Duration::from_secs(4);

/// The list of the deployment, with this many copies of a target that runs now.
pub async fn list(server: &Server, recorder: &Recorder) -> Result<Bytes> {
    let (target, _) = server.start().await?;
    server.reap().await?;
    let calls = recorder.take();
    let listed = calls.iter().rev().find(|one| one.is_list_of_all());
    let listed = listed.context("a reap makes no list")?;
    let listed: Vec<Value> = serde_json::from_slice(&listed.reply)?;
    let entry = listed.iter().find(|entry| entry["Id"] == target.as_str());
    let entry = entry.context("the target is not listed")?;
    let name = entry["Names"][0].as_str().context("a target has no name")?;
    let name = name.trim_start_matches('/');
    let text = entry.to_string();
    let another = |index| {
        let id = format!("{index:064x}");
        text.replace(&target, &id)
            .replace(name, &unique::name_like(name))
    };
    let all: Vec<_> = (0..TARGETS).map(another).collect();
    server.stop(&target).await?;
    tokio::time::sleep(PAUSE).await;
    Ok(format!("[{}]", all.join(",")).into())
}

/// The time of a health check, and of the reap that follows some of them.
pub async fn health(server: &Server, samples: usize) -> Result<Fact> {
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
    Ok(Fact::new(name, value, of_each))
}

/// The memory that an instance asks for to read the list.
pub async fn instance(server: &Server, meter: &Meter) -> Result<Fact> {
    meter.take_peak();
    server.reap().await?;
    let name = format!("memory of an instance, /reap, {TARGETS} running targets");
    Ok(facts::mebibytes(name, meter.take_peak()))
}

/// The memory of this process for each of many requests at once.
pub async fn memory(server: &Server, recorder: &Recorder) -> Result<Vec<Fact>> {
    let mut facts = Vec::new();
    // The first burst also takes what the host then keeps.
    at_once("/health", AT_ONCE[1], recorder, || server.health()).await?;
    for count in AT_ONCE {
        say(&format!("memory of {count} requests at once"));
        facts.push(at_once("/health", count, recorder, || server.health()).await?);
    }
    // Two cores do not read more of these lists within the time limit of a call.
    for count in &AT_ONCE[..3] {
        let count = *count;
        let name = format!("/reap with {TARGETS} targets");
        facts.push(at_once(&name, count, recorder, || server.reap()).await?);
    }
    Ok(facts)
}

/// Holds the calls of `count` requests until all of them wait, and lets them go.
async fn at_once(
    name: &str,
    count: usize,
    recorder: &Recorder,
    request: impl AsyncFn() -> Result<Duration>,
) -> Result<Fact> {
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
        ensure!(in_time.is_ok(), "{name}: not all of {count} make a call");
        let waiting = resident()?;
        drop(hold);
        anyhow::Ok(waiting)
    };
    let mut both = std::pin::pin!(futures_util::future::try_join(requests, watch));
    let mut peak = rest;
    let waiting = loop {
        tokio::select! {
            ended = &mut both => break ended?.1,
            () = tokio::time::sleep(LOOK_INTERVAL) => peak = peak.max(resident()?),
        }
    };
    recorder.take();
    let each = |memory: f64| (memory - rest) / count as f64;
    let value = format!(
        "{rest:.1} MiB before; for each {:.2} MiB while it waits, {:.2} MiB at most",
        each(waiting),
        each(peak)
    );
    let name = format!("memory of {count} {name} at once");
    Ok(Fact::new(name, value, each(peak)))
}

/// The anonymous memory of this process, in MiB. Of an instance's memory, only the written part counts.
fn resident() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kibibytes: f64 = kibibytes.context("no RssAnon")?.parse()?;
    Ok(kibibytes * 1024.0 / MEBIBYTE)
}
