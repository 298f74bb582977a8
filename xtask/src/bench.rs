//! Measures the component on private Engines, or on a Swarm of them.

use std::net::Ipv4Addr;
use std::process::Command;

use anyhow::{Result, ensure};
use dev::docker::endpoint::Endpoint;
use dev::network::free_address;
use dev::process;

use crate::engine::suite::EngineArguments;
use crate::engine::swarm::Swarm;
use crate::engine::{Engine, Listen, podman};
use crate::image::{self, Agent};
use crate::machine::{setup, workspace};
use crate::targets::ensure_network;
use crate::wasm;

/// Runs the bench with further arguments.
///
/// One Engine is crowded and the other empty, so the two can be compared at any moment.
pub fn bench(which: EngineArguments, arguments: &[String]) -> Result<()> {
    wasm::build()?;
    wasm::build_hello()?;
    // Before the Engines, which look for runtimes when they start.
    if process::program("crun").is_none() {
        setup::packages("a runtime to compare with", &["crun"])?;
    }
    let alone = setup::alone()?;
    let private = start(which)?;
    // Removed as a whole, because removing a crowd one by one takes minutes.
    let crowded = start(which)?;
    let podman = Endpoint::Tcp(free_address((Ipv4Addr::LOCALHOST, 0).into())?.to_string());
    let service = podman::start_beside(&private, &podman)?;
    let image = private.dir().join("image.tar");
    private.docker().save_image(image::STAND_IN_IMAGE, &image)?;
    service.load_image(&image)?;
    drop(alone);
    let mut command = command(arguments);
    command
        .env("BENCH_ENGINE", private.plain().to_string())
        .env("BENCH_PODMAN", podman.to_string())
        .env("BENCH_CROWDED_ENGINE", crowded.plain().to_string())
        .env("BENCH_IMAGE", image::STAND_IN_IMAGE)
        .env("BENCH_RESULTS", workspace::cache_dir().join("bench.json"));
    run(&mut command)
}

/// Runs the bench on a Swarm with this many nodes, with further arguments.
pub fn bench_swarm(which: EngineArguments, count: u8, arguments: &[String]) -> Result<()> {
    wasm::build()?;
    let alone = setup::alone()?;
    let engine = Engine::start(Listen::Socket, which)?;
    drop(alone);
    image::build(&engine.docker(), image::STAND_IN_IMAGE, Agent::StandIn)?;
    // The bench calls the managers itself, and its targets are its own.
    let swarm = Swarm::start(&engine, count, Some(image::STAND_IN_IMAGE), true)?;
    let addresses = swarm.nodes.numbers().map(|node| swarm.nodes.address(node));
    let managers: Vec<_> = addresses
        .map(|address| format!("http://{address}"))
        .collect();
    let mut command = command(arguments);
    command
        .env("BENCH_SWARM", managers.join(","))
        .env("BENCH_IMAGE", swarm.image.as_deref().unwrap_or_default())
        .env(
            "BENCH_RESULTS",
            workspace::cache_dir().join("bench-swarm.json"),
        );
    run(&mut command)
}

/// The bench, with optimisation and these arguments.
fn command(arguments: &[String]) -> Command {
    let root = workspace::root();
    let mut command = workspace::cargo();
    command
        .args(["run", "--profile", "bench"])
        .args(["--package", "dynamic-access-bench", "--"])
        .args(arguments)
        .env("BENCH_MANIFEST", root.join("spin.toml"))
        .env("BENCH_WASM", wasm::component())
        .env("BENCH_HELLO", root.join("bench/hello/spin.toml"));
    command
}

fn run(command: &mut Command) -> Result<()> {
    let status = process::status(command)?;
    ensure!(status.success(), "the bench failed; the reason is above");
    Ok(())
}

/// An Engine with everything that a target needs.
fn start(which: EngineArguments) -> Result<Engine> {
    let engine = Engine::start(Listen::Plain, which)?;
    image::build(&engine.docker(), image::STAND_IN_IMAGE, Agent::StandIn)?;
    ensure_network(&engine.docker())?;
    Ok(engine)
}
