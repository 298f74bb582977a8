//! Numbers without a floor: the component's size, the cost of an instance, and
//! how many calls each webhook makes to the Engine.

use std::path::Path;

use anyhow::{Context, Result};
use dynamic_access_host::Meter;

use crate::native::{Native, PAUSE};
use crate::report::Report;
use crate::samples::quantile;
use crate::server::{SECRET, Server, instantiations};
use crate::sides::Side;
use crate::{given, say};

/// How many instances are made to measure the time for one.
const INSTANCES: usize = 500;

/// The limit for the component's size, in kilobytes of 1,000 bytes.
const WASM_KB_MAX: f64 = 1165.0;

pub const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// The limit for an instance's memory, in MiB, with a hundred targets.
const MEMORY_MIB_MAX: f64 = 2.0;

/// The size of the component, and the time to make an instance of it and of the hello world.
pub async fn instances(report: &mut Report) -> Result<()> {
    say("instances");
    let wasm = given("WASM")?;
    let bytes = std::fs::metadata(&wasm).context(wasm)?.len();
    let (name, kilobytes) = ("size of the .wasm", bytes as f64 / 1000.0);
    let limit = Some(WASM_KB_MAX);
    report.fact(name, format!("{kilobytes:.1} kB"), kilobytes, limit);
    let secret = &[("webhook_secret", SECRET)];
    for (name, manifest, variables) in [
        ("the component", "MANIFEST", &secret[..]),
        ("hello world", "HELLO", &[]),
    ] {
        let times = instantiations(Path::new(&given(manifest)?), variables, INSTANCES).await?;
        let [median, p99] = [0.5, 0.99].map(|share| quantile(&times, share).as_secs_f64() * 1e6);
        let name = format!("making an instance of {name}");
        let value = format!("{median:.0} µs, p99 {p99:.0} µs");
        report.fact(name, value, median, None);
    }
    Ok(())
}

/// The memory that an instance has asked for since the meter was last read.
pub fn memory_of(name: String, meter: &Meter, limit: Option<f64>, report: &mut Report) {
    let mebibytes = meter.take_peak() as f64 / MEBIBYTE;
    let name = format!("memory of an instance, {name}");
    report.fact(name, format!("{mebibytes:.2} MiB"), mebibytes, limit);
}

/// The memory of an instance for each webhook while there are `targets`.
pub async fn memory(
    server: &Server,
    meter: &Meter,
    targets: usize,
    report: &mut Report,
) -> Result<()> {
    let limit = (targets <= 100).then_some(MEMORY_MIB_MAX);
    let mut told = |webhook| {
        let name = format!("{webhook}, {targets} targets");
        memory_of(name, meter, limit, report)
    };
    meter.take_peak();
    let (id, _) = server.start().await?;
    // The work after the answer counts too.
    tokio::time::sleep(PAUSE * 4).await;
    told("/start");
    server.stop(&id).await?;
    told("/stop");
    server.reap().await?;
    told("/reap");
    Ok(())
}

/// How many calls each webhook makes to its Engine, before and after its answer.
pub fn calls(of: &str, native: &Native, report: &mut Report) {
    for (webhook, script, limit) in [
        ("/start", &native.start, Some(5.0)),
        ("/stop", &native.stop, Some(2.0)),
        ("/health", &native.health, None),
    ] {
        let (count, after) = (script.calls.len(), script.after);
        let calls = native.summary(script);
        let value = format!("{count} ({calls}), and {after} after the answer");
        let name = format!("calls of {webhook}, {of}");
        report.fact(name, value, count as f64, limit);
    }
}
