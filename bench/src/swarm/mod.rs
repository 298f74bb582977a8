//! Measures a server on a Swarm against the calls that no client can do without.

mod raw;
mod sizes;

use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::engine::Engine;
use crate::recorder::Recorder;
use crate::report::Report;
use crate::server::{Hosting, Server, Setup};
use crate::side::{Bursts, Side};
use crate::{Arguments, Part, ends, given, say};
use raw::Raw;
use sizes::{PAUSE, without_wait};

/// The numbers of services; at most [`RUNNING`] of them have a task.
const SIZES: [usize; 3] = [100, 300, 1000];

/// As many as two cores carry besides the measured ones.
const RUNNING: usize = 50;

/// How many servers share the starts of one burst.
const REPLICAS: [usize; 3] = [1, 2, 4];

/// How many starts are made at once, and how many rounds of that. One takes up to two minutes on two cores.
const BURSTS: [(usize, usize); 2] = [(16, 2), (64, 1)];

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
pub async fn measure(arguments: &Arguments, threads: &Runtime) -> Result<Report> {
    let managers = given("SWARM")?;
    let managers: Vec<_> = managers.split(',').collect();
    let first = managers.first().context("a Swarm has a manager")?;
    let report = Report::about(vec![
        ("Engine", Engine::new(first, "").version().await?),
        ("nodes", format!("{}, all on this machine", managers.len())),
        ("host", "embedded".to_owned()),
    ])?;
    let hosting = Hosting::new(threads)?;
    let mut servers = Vec::new();
    for index in 0..*REPLICAS.last().unwrap_or(&1) {
        let manager = managers[index % managers.len()];
        servers.push(server(&hosting, manager).await?);
    }
    let raw = model(&hosting, first).await?;
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

impl Bench<'_> {
    async fn ends(&mut self) -> Result<()> {
        let end = async |command: &[&str]| self.raw.end(command).await;
        let (endings, tries) = ([ends::MISSING, ends::EXIT], self.arguments.rounds(60));
        let facts = ends::measure("Swarm", &[1, 8], &endings, tries, &["shown"], end).await?;
        self.report.facts.extend(facts);
        Ok(())
    }

    /// Measures many starts at once, by one server and by several.
    async fn bursts(&mut self) -> Result<()> {
        for (count, rounds) in BURSTS {
            for replicas in REPLICAS {
                let on = format!(", servers: {replicas}");
                say(&format!("{count} starts at once{on}"));
                let ours = Replicas {
                    servers: &self.servers[..replicas],
                    next: Cell::default(),
                    raw: &self.raw,
                };
                let mut bursts = Bursts::measure(&ours, &self.raw, PAUSE, count, rounds).await?;
                bursts.each = without_wait(&bursts.each);
                let group = "many starts at once, each without its wait";
                let (rows, failed) = bursts.told(group, &on, "the calls");
                self.report.rows.extend(rows);
                self.report.facts.push(failed);
            }
        }
        Ok(())
    }
}

/// Several servers, which share the starts.
struct Replicas<'a> {
    servers: &'a [Server],
    next: Cell<usize>,
    raw: &'a Raw,
}

impl Replicas<'_> {
    fn next(&self) -> &Server {
        let next = self.next.get();
        self.next.set(next + 1);
        &self.servers[next % self.servers.len()]
    }
}

impl Side for Replicas<'_> {
    type Target = String;

    async fn start(&self) -> Result<(String, Duration)> {
        self.next().start().await
    }

    async fn stop(&self, id: &String) -> Result<Duration> {
        self.next().stop(id).await
    }

    async fn sweep(&self) -> Result<()> {
        self.raw.sweep().await
    }
}

/// A server that asks this manager.
async fn server(hosting: &Hosting<'_>, manager: &str) -> Result<Server> {
    // All nodes are managers.
    let patch = json!({"Placement": {"Constraints": []}});
    let setup = Setup::default()
        .with("scheduler", "swarm")
        .with("docker_plaintext", "allow")
        .with("container_patch", patch.to_string())
        .with("max_targets", MAX_TARGETS);
    hosting.server(manager, setup).await
}

/// The floor, whose services are like those of a server.
async fn model(hosting: &Hosting<'_>, manager: &str) -> Result<Raw> {
    let (listen, behind) = ((Ipv4Addr::LOCALHOST, 0), manager.to_owned());
    let recorder = async move { Recorder::start(SocketAddr::from(listen), behind).await };
    let recorder = hosting.threads.spawn(recorder).await??;
    let recorded = server(hosting, &recorder.url()).await?;
    let (id, _) = recorded.start().await?;
    let calls = recorder.take();
    recorded.stop(&id).await?;
    Raw::like(&calls, manager)
}
