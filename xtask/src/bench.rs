//! Measures the component on private Engines that nobody else uses.

use std::net::Ipv4Addr;

use anyhow::{Result, bail};

use crate::endpoint::Endpoint;
use crate::engine::{Engine, Listen};
use crate::image;
use crate::network;
use crate::ports::free_address;
use crate::process;
use crate::setup;
use crate::suite::EngineArguments;
use crate::wasm;
use crate::workspace;

/// Runs the bench with further arguments.
///
/// One Engine is crowded and the other is empty, so that the two can be compared
/// at any moment.
pub fn bench(which: EngineArguments, arguments: &[String]) -> Result<()> {
    wasm::build(None)?;
    wasm::build_hello()?;
    // Before the Engines, which look for runtimes when they start.
    if workspace::program("crun").is_none() {
        setup::packages("a runtime to compare with", &["crun"])?;
    }
    let root = workspace::root();
    let (_empty, empty) = start(which, Engine::start_with_kept_images)?;
    // Removed as a whole, since removing a crowd one by one takes minutes.
    let (_crowded, crowded) = start(which, Engine::start)?;
    let mut command = workspace::cargo();
    command
        .args(["run", "--profile", "bench"])
        .args(["--package", "dynamic-access-bench", "--"])
        .args(arguments)
        .env("BENCH_ENGINE", empty.to_string())
        .env("BENCH_CROWDED_ENGINE", crowded.to_string())
        .env("BENCH_IMAGE", image::STAND_IN_IMAGE)
        .env("BENCH_MANIFEST", root.join("spin.toml"))
        .env("BENCH_WASM", wasm::component())
        .env("BENCH_HELLO", root.join("bench/hello/spin.toml"))
        .env("BENCH_RESULTS", workspace::cache_dir().join("bench.json"));
    if !process::status(&mut command)?.success() {
        bail!("the bench failed; the reason is above");
    }
    Ok(())
}

/// An Engine with everything that a target needs, and where it listens.
fn start(
    which: EngineArguments,
    engine: fn(Listen, EngineArguments) -> Result<Engine>,
) -> Result<(Engine, Endpoint)> {
    let port = free_address((Ipv4Addr::LOCALHOST, 0).into())?.port();
    let engine = engine(Listen::Plain(port), which)?;
    image::build_stand_in(&engine.docker())?;
    network::ensure(&engine.docker())?;
    Ok((engine, Endpoint::Tcp(format!("127.0.0.1:{port}"))))
}
