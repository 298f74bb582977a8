//! Numbers without a floor: the component's size, the cost of an instance, and
//! how many calls each webhook makes to the Engine.

use std::path::Path;

use anyhow::{Context, Result};
use dynamic_access_host::Meter;

use crate::native::{PAUSE, Scripts};
use crate::row::Fact;
use crate::samples::quantile;
use crate::server::{Server, instantiations};
use crate::side::Side;

/// How many instances are made to measure the time for one.
const INSTANCES: usize = 500;

/// The limit for the component's size, in kilobytes of 1,000 bytes.
const WASM_KB_MAX: f64 = 1165.0;

/// A mebibyte in bytes.
pub const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// The limit for an instance's memory, in MiB, with a hundred targets.
pub const MEMORY_MIB_MAX: f64 = 2.0;

/// The size of the component in that file.
pub fn size(wasm: &str) -> Result<Fact> {
    let bytes = std::fs::metadata(wasm)
        .with_context(|| wasm.to_owned())?
        .len();
    let kilobytes = bytes as f64 / 1000.0;
    let value = format!("{kilobytes:.1} kB");
    Ok(Fact::new("size of the .wasm", value, kilobytes).at_most(WASM_KB_MAX))
}

/// The time to make an instance.
pub async fn instance(name: &str, manifest: &str, variables: &[(&str, &str)]) -> Result<Fact> {
    let times = instantiations(Path::new(manifest), variables, INSTANCES).await?;
    let [median, p99] = [0.5, 0.99].map(|share| quantile(&times, share).as_secs_f64() * 1e6);
    let name = format!("making an instance of {name}");
    let value = format!("{median:.0} µs, p99 {p99:.0} µs");
    Ok(Fact::new(name, value, median))
}

/// So many bytes.
pub fn mebibytes(name: String, bytes: usize) -> Fact {
    let mebibytes = bytes as f64 / MEBIBYTE;
    Fact::new(name, format!("{mebibytes:.2} MiB"), mebibytes)
}

/// The memory of an instance for each webhook while there are `targets`.
pub async fn memory(server: &Server, meter: &Meter, targets: usize) -> Result<Vec<Fact>> {
    let mut facts = Vec::new();
    meter.take_peak();
    let (id, _) = server.start().await?;
    // The work after the answer counts too.
    tokio::time::sleep(PAUSE * 4).await;
    let mut fact = |webhook, peak: usize| {
        let name = format!("memory of an instance, {webhook}, {targets} targets");
        let limit = (targets <= 100).then_some(MEMORY_MIB_MAX);
        facts.push(mebibytes(name, peak).at_most(limit));
    };
    fact("/start", meter.take_peak());
    server.stop(&id).await?;
    fact("/stop", meter.take_peak());
    server.reap().await?;
    fact("/reap", meter.take_peak());
    Ok(facts)
}

/// How many calls each webhook makes to its Engine, before and after its answer.
pub fn calls(delivery: &str, scripts: &Scripts) -> Vec<Fact> {
    let webhooks = [
        ("/start", &scripts.start, Some(5.0)),
        ("/stop", &scripts.stop, Some(2.0)),
        ("/health", &scripts.health, None),
    ];
    let facts = webhooks.map(|(webhook, script, limit)| {
        let (count, after) = (script.calls.len(), script.after);
        let calls = script.summary().join(", ");
        Fact::new(
            format!("calls of {webhook}, {delivery}"),
            format!("{count} ({calls}), and {after} after the answer"),
            count as f64,
        )
        .at_most(limit)
    });
    facts.into()
}
