//! Measures a server on a Swarm against the calls that no client can do without.

mod raw;
mod sizes;

use anyhow::{Context, Result};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::engine::Engine;
use crate::recorder::Recorder;
use crate::report::Report;
use crate::server::{Hosting, Server};
use crate::sides::{Bursts, Side};
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
    hosting: Hosting<'a>,
    managers: Vec<String>,
    raw: Raw,
    report: Report,
}

/// Measures the parts that were asked for; three of them are about a Swarm.
pub async fn measure(arguments: &Arguments, threads: &Runtime) -> Result<Report> {
    let managers = given("SWARM")?;
    let managers: Vec<_> = managers.split(',').map(str::to_owned).collect();
    let first = managers.first().context("a Swarm has a manager")?;
    let report = Report::new(vec![
        ("Engine", Engine::new(first.clone()).version().await?),
        ("nodes", format!("{}, all on this machine", managers.len())),
        ("host", "embedded".to_owned()),
    ])?;
    let hosting = Hosting::new(threads)?;
    let mut bench = Bench {
        arguments,
        raw: model(&hosting, first).await?,
        hosting,
        managers,
        report,
    };
    // What ends at once is seen on a Swarm without a crowd.
    if arguments.parts() != [Part::Ends] {
        bench.fill(0, SIZES[0]).await?;
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
    async fn fill(&self, from: usize, to: usize) -> Result<()> {
        say(&format!("{to} services, {RUNNING} of them with a task"));
        self.raw.fill(from, to, RUNNING).await
    }

    async fn ends(&mut self) -> Result<()> {
        let end = async |command: &[&str]| self.raw.end(command).await;
        let plan = ends::Plan {
            of: "Swarm",
            at_once: &[1, 8],
            tries: self.arguments.rounds(60),
            endings: &[ends::MISSING, ends::EXIT],
            looks: &["shown"],
        };
        ends::measure(&mut self.report, plan, end).await
    }

    /// Measures many starts at once, by one server and by several, each of which asks the next manager.
    async fn bursts(&mut self) -> Result<()> {
        let mut servers = Vec::new();
        let most = REPLICAS[REPLICAS.len() - 1];
        for manager in self.managers.iter().cycle().take(most) {
            servers.push(server(&self.hosting, manager).await?);
        }
        for (count, rounds) in BURSTS {
            for replicas in REPLICAS {
                let name = format!("{count} starts at once, servers: {replicas}");
                say(&name);
                let urls = servers[..replicas].iter().map(Server::url);
                let ours = Server::at(urls.map(str::to_owned).collect());
                let bursts = Bursts::measure(&ours, &self.raw, PAUSE, count, rounds);
                let mut bursts = bursts.await?;
                self.raw.sweep().await?;
                bursts.each = without_wait(&bursts.each);
                let name = format!("{name}, each without its wait");
                bursts.tell(&mut self.report, &name, "the calls", &[], None);
            }
        }
        Ok(())
    }
}

/// A server that asks this manager.
async fn server(hosting: &Hosting<'_>, manager: &str) -> Result<Server> {
    // All nodes are managers.
    let patch = json!({"Placement": {"Constraints": []}}).to_string();
    let variables = [
        ("scheduler", "swarm"),
        ("docker_plaintext", "allow"),
        ("container_patch", &patch),
        ("max_targets", MAX_TARGETS),
    ];
    hosting.server(manager, &variables, None).await
}

/// The floor, whose services are like those of a server.
async fn model(hosting: &Hosting<'_>, manager: &str) -> Result<Raw> {
    let recorder = Recorder::start(hosting.threads, 0, manager).await?;
    let recorded = server(hosting, &recorder.url()).await?;
    let (id, _) = recorded.start().await?;
    let calls = recorder.take();
    recorded.stop(&id).await?;
    Raw::like(&calls, manager)
}
