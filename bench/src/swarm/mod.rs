//! Measures a server on a Swarm against the calls that no client can do without.

mod at_once;
mod ends;
mod raw;
mod sizes;

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result};
use dynamic_access_host::Compiled;
use serde_json::json;

use crate::engine::Engine;
use crate::recorder::Recorder;
use crate::report::Report;
use crate::server::{Server, Setup, Threads};
use crate::{Arguments, Part, say};
use raw::Raw;

/// The numbers of services; at most [`RUNNING`] of them have a task.
const SIZES: [usize; 3] = [100, 300, 1000];

/// As many as two cores carry besides the measured ones.
const RUNNING: usize = 50;

/// How many servers share the starts of one burst.
const REPLICAS: [usize; 3] = [1, 2, 4];

/// Above all sizes, and few enough for one list.
const MAX_TARGETS: &str = "2000";

/// The things that the measurements share.
struct Bench<'a> {
    arguments: &'a Arguments,
    /// One for each replica; each asks the next manager.
    servers: Vec<Server>,
    raw: Raw,
    report: Report,
}

/// Measures the parts that were asked for; three of them are about a Swarm.
pub async fn measure(arguments: &Arguments, threads: &Threads) -> Result<Report> {
    let managers = &arguments.swarm;
    let first = managers.first().context("a Swarm has a manager")?;
    let report = Report::about(vec![
        (
            "Engine",
            Engine::new(first, &arguments.image).version().await?,
        ),
        ("nodes", format!("{}, all on this machine", managers.len())),
        ("host", "embedded".to_owned()),
    ])?;
    let compiled = Compiled::from_manifest(&arguments.manifest)?;
    let mut servers = Vec::new();
    for index in 0..*REPLICAS.last().unwrap_or(&1) {
        let manager = &managers[index % managers.len()];
        servers.push(server(arguments, threads, &compiled, manager).await?);
    }
    let raw = model(arguments, threads, &compiled, first).await?;
    let mut bench = Bench {
        arguments,
        servers,
        raw,
        report,
    };
    // What ends at once is seen on a Swarm without a crowd.
    if arguments.parts() != [Part::Ends] {
        let first_size = SIZES[0];
        say(&format!(
            "{first_size} services, {RUNNING} of them with a task"
        ));
        bench.raw.fill(0, first_size, RUNNING).await?;
    }
    for part in arguments.parts() {
        match part {
            Part::Ends => bench.ends().await?,
            Part::AtOnce => bench.bursts().await?,
            Part::Crowds => bench.sizes().await?,
            _ => {}
        }
    }
    Ok(bench.report)
}

/// A server that asks this manager.
async fn server(
    arguments: &Arguments,
    threads: &Threads,
    compiled: &Compiled,
    manager: &str,
) -> Result<Server> {
    // All nodes are managers.
    let patch = json!({"Placement": {"Constraints": []}});
    let setup = Setup::default()
        .with("scheduler", "swarm")
        .with("docker_url", manager)
        .with("docker_plaintext", "allow")
        .with("agent_image", &arguments.image)
        .with("container_patch", patch.to_string())
        .with("max_targets", MAX_TARGETS);
    Server::embedded(threads, compiled, &arguments.manifest, setup).await
}

/// The floor, whose services are like those of a server.
async fn model(
    arguments: &Arguments,
    threads: &Threads,
    compiled: &Compiled,
    manager: &str,
) -> Result<Raw> {
    let (listen, behind) = (
        SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        manager.to_owned(),
    );
    let recorder = threads.run(async move { Recorder::start(listen, behind).await });
    let recorder = recorder.await?;
    let recorded = server(arguments, threads, compiled, &recorder.url()).await?;
    let target = recorded.start().await?;
    let calls = recorder.take();
    recorded.stop(&target.id).await?;
    Raw::like(&calls, manager)
}
