//! Measures the component against its floors, on two private Engines or on a Swarm that
//! `cargo xtask bench` starts.
//!
//! This file holds the command line.

mod choices;
mod client;
mod crowds;
mod embedded;
mod ends;
mod engine;
mod facts;
mod many;
mod native;
mod recorder;
mod refused;
mod remote;
mod report;
mod samples;
mod server;
mod sides;
mod swarm;
mod webhooks;

use std::env;
use std::fs;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use tokio::runtime::{Builder, Runtime};

use crate::embedded::Bench;
use crate::report::Report;

/// Measure the component against its floors.
#[derive(Parser)]
#[command(bin_name = "cargo xtask bench --")]
pub struct Arguments {
    /// Measure a server that is already running, for example in Spin
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// A hello world in the same host as that server
    #[arg(long, value_name = "URL", requires = "url")]
    hello_url: Option<String>,

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

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    // The caller has one thread; the host has threads of its own.
    let threads = Runtime::new()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(async {
        match &arguments.url {
            _ if given("SWARM").is_ok() => swarm::measure(&arguments, &threads).await,
            Some(url) => remote::measure(&arguments, &threads, url).await,
            None => embedded(&arguments, &threads).await,
        }
    })?;
    println!("{}", report.table());
    let results = given("RESULTS")?;
    let json = serde_json::to_string_pretty(&report)?;
    fs::write(&results, json).with_context(|| results.clone())?;
    let (asked, missed) = report.verdicts();
    println!("{results}\n{} of {asked} targets kept", asked - missed);
    Ok(())
}

async fn embedded(arguments: &Arguments, threads: &Runtime) -> Result<Report> {
    let mut bench = Bench::new(arguments, threads).await?;
    for part in arguments.parts() {
        match part {
            Part::Webhooks => webhooks::measure(&mut bench).await?,
            Part::AtOnce => webhooks::at_once(&mut bench).await?,
            Part::Ends => ends::on_engines(&mut bench).await?,
            Part::Refused => refused::measure(&mut bench).await?,
            Part::Choices => choices::measure(&mut bench).await?,
            Part::Instance => facts::instances(&mut bench.report).await?,
            Part::Many => many::measure(&mut bench).await?,
            Part::Crowds => crowds::measure(&mut bench).await?,
        }
    }
    Ok(bench.report)
}

/// What `cargo xtask bench` gives in a variable that begins with `BENCH_`: the URLs of the private Engines (`ENGINE`,
/// `CROWDED_ENGINE`, `PODMAN`) or of a Swarm's managers (`SWARM`), the `IMAGE` of the targets, the manifests of the
/// component and of the hello world (`MANIFEST`, `HELLO`), the component itself (`WASM`), and the file for the `RESULTS`.
pub fn given(name: &str) -> Result<String> {
    let name = format!("BENCH_{name}");
    env::var(&name).with_context(|| format!("`cargo xtask bench` sets {name}"))
}

/// Prints what is being measured, since it takes minutes.
pub fn say(what: &str) {
    eprintln!("==> {what}");
}
