//! Measures the component against its floors, on two private Engines or on a Swarm that
//! `cargo xtask bench` starts.
//!
//! This file holds the command line.

mod client;
mod crowd;
mod embedded;
mod ends;
mod engine;
mod facts;
mod health;
mod many;
mod plot;
mod reads;
mod recorder;
mod refused;
mod remote;
mod replay;
mod report;
mod row;
mod samples;
mod server;
mod start_stop;
mod swarm;
mod unique;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};

use crate::report::Report;
use crate::server::Threads;

/// Measure the component against its floors.
#[derive(Parser)]
#[command(bin_name = "cargo xtask bench --")]
pub struct Arguments {
    /// A private Engine
    #[arg(
        long,
        value_name = "URL",
        env = "BENCH_ENGINE",
        default_value = "",
        hide = true
    )]
    engine: String,

    /// Podman's service beside it
    #[arg(
        long,
        value_name = "URL",
        env = "BENCH_PODMAN",
        default_value = "",
        hide = true
    )]
    podman: String,

    /// Another private Engine, for many containers
    #[arg(
        long,
        value_name = "URL",
        env = "BENCH_CROWDED_ENGINE",
        default_value = "",
        hide = true
    )]
    crowded_engine: String,

    /// The managers of a Swarm, which is measured instead
    #[arg(
        long,
        value_name = "URLS",
        env = "BENCH_SWARM",
        value_delimiter = ',',
        hide = true
    )]
    swarm: Vec<String>,

    /// The image of the targets
    #[arg(long, env = "BENCH_IMAGE", hide = true)]
    image: String,

    /// The manifest of the component
    #[arg(long, value_name = "FILE", env = "BENCH_MANIFEST", hide = true)]
    manifest: PathBuf,

    /// The component itself
    #[arg(long, value_name = "FILE", env = "BENCH_WASM", hide = true)]
    wasm: PathBuf,

    /// The manifest of the hello world
    #[arg(long, value_name = "FILE", env = "BENCH_HELLO", hide = true)]
    hello: PathBuf,

    /// File for the results as JSON; the plot is written beside it as SVG
    #[arg(long, value_name = "FILE", env = "BENCH_RESULTS")]
    results: PathBuf,

    /// Measure a server that is already running, for example in Spin
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// A hello world in the same host as that server
    #[arg(long, value_name = "URL", requires = "url")]
    hello_url: Option<String>,

    /// Address at which that server finds its Engine
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:2374")]
    docker_listen: SocketAddr,

    /// How many pairs to measure for each webhook
    #[arg(long, default_value_t = 100)]
    samples: usize,

    /// Measure only this part; may be repeated
    #[arg(long, value_name = "PART", conflicts_with = "url")]
    only: Vec<Part>,

    /// Take few samples and a small crowd: a quick look, not a measurement
    #[arg(long)]
    quick: bool,
}

/// A part of the bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// One webhook after the other
    Webhooks,
    /// Many starts at once
    AtOnce,
    /// How soon an Engine tells of targets that end at once
    Ends,
    /// Refused webhooks
    Refused,
    /// Options that an operator may choose
    Choices,
    /// The cost of an instance
    Instance,
    /// Many requests at once, with many targets
    Many,
    /// Many containers on the Engine
    Crowds,
}

impl Arguments {
    /// The parts that were asked for.
    fn parts(&self) -> &[Part] {
        match self.only.as_slice() {
            [] => Part::value_variants(),
            only => only,
        }
    }

    /// How many pairs to measure: `by_a_hundred` for each hundred samples, and
    /// at least three.
    fn rounds(&self, by_a_hundred: usize) -> usize {
        let samples = if self.quick { 6 } else { self.samples };
        (samples * by_a_hundred / 100).max(3)
    }
}

fn main() -> ExitCode {
    match bench(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn bench(arguments: &Arguments) -> Result<()> {
    // The caller has one thread; the host has threads of its own.
    let threads = Threads::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(async {
        match &arguments.url {
            _ if !arguments.swarm.is_empty() => swarm::measure(arguments, &threads).await,
            Some(url) => remote::measure(arguments, &threads, url).await,
            None => embedded::measure(arguments, &threads).await,
        }
    })?;
    print!("{}", report.table());
    write(arguments, &report)?;
    let (asked, missed) = report.verdicts();
    println!("\n{} of {asked} targets kept", asked - missed);
    Ok(())
}

fn write(arguments: &Arguments, report: &Report) -> Result<()> {
    let results = &arguments.results;
    let json = serde_json::to_string_pretty(&report.json())?;
    std::fs::write(results, json).with_context(|| results.display().to_string())?;
    let picture = results.with_extension("svg");
    plot::draw(&picture, &report.rows)?;
    println!("\n{}\n{}", results.display(), picture.display());
    Ok(())
}

/// Prints what is being measured, since it takes minutes.
pub fn say(what: &str) {
    eprintln!("==> {what}");
}
