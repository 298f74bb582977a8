//! Runs all parts of the bench, with the component in the embedded host.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result};
use dynamic_access_host::{Compiled, Meter};
use serde_json::json;

use crate::crowd::{self, Side};
use crate::engine::Engine;
use crate::recorder::Recorder;
use crate::report::Report;
use crate::row::Row;
use crate::samples::{Pairs, in_turn};
use crate::server::{SECRET, Server, Setup, Threads};
use crate::start_stop::{self, PAUSE, Scripts, visit};
use crate::{Arguments, Part, ends, facts, health, many, reads, refused, say};

/// Any port of loopback.
const ANY: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

/// How many containers of ours, and as many of others, the crowded Engine has.
/// The largest crowd stays below [`MAX_TARGETS`], so that a start is admitted.
const CROWDS: [usize; 3] = [0, 100, 900];

/// The most that the component accepts.
const MAX_TARGETS: &str = "1000";

/// What the parts share.
struct Bench<'a> {
    arguments: &'a Arguments,
    threads: &'a Threads,
    compiled: Compiled,
    empty: Engine,
    crowded: Engine,
    /// Records the calls that the component makes to its Engine.
    recorder: Recorder,
    report: Report,
}

/// Measures the parts that were asked for.
pub async fn measure(arguments: &Arguments, threads: &Threads) -> Result<Report> {
    let empty = Engine::new(&arguments.engine, &arguments.image);
    let crowded = Engine::new(&arguments.crowded_engine, &arguments.image);
    let engine = empty.url.clone();
    let recorder = async move { Recorder::start(SocketAddr::from(ANY), engine).await };
    let report = Report::about(vec![
        ("Engine", empty.version().await?),
        ("host", "embedded".to_owned()),
    ])?;
    let mut bench = Bench {
        arguments,
        recorder: threads.run(recorder).await?,
        compiled: Compiled::from_manifest(&arguments.manifest)?,
        threads,
        empty,
        crowded,
        report,
    };
    for part in arguments.parts() {
        match part {
            Part::Webhooks => bench.webhooks().await?,
            Part::AtOnce => bench.at_once().await?,
            Part::Ends => bench.ends().await?,
            Part::Refused => bench.refused().await?,
            Part::Choices => bench.choices().await?,
            Part::Instance => bench.instance().await?,
            Part::Many => bench.many().await?,
            Part::Crowds => bench.crowds().await?,
        }
    }
    Ok(bench.report)
}

impl Bench<'_> {
    /// A server for the empty Engine.
    async fn server(&self, setup: Setup) -> Result<Server> {
        self.server_for(&self.empty.url, setup).await
    }

    async fn server_for(&self, docker_url: &str, setup: Setup) -> Result<Server> {
        let Arguments {
            manifest, image, ..
        } = self.arguments;
        let setup = setup
            .with("docker_url", docker_url)
            .with("agent_image", image);
        Server::embedded(self.threads, &self.compiled, manifest, setup).await
    }

    /// The calls that a server with this set-up makes to its Engine.
    async fn scripts(&self, setup: Setup) -> Result<Scripts> {
        let server = self.server_for(&self.recorder.url(), setup).await?;
        Scripts::record(&server, &self.recorder).await
    }

    async fn webhooks(&mut self) -> Result<()> {
        let engine = self.empty.url.clone();
        for (group, value) in [
            ("token_delivery = file", "file"),
            ("token_delivery = env", "env"),
        ] {
            say(&format!("/start and /stop, {group}"));
            let setup = Setup::default().with("token_delivery", value);
            let scripts = self.scripts(setup.clone()).await?;
            let server = self.server(setup).await?;
            let samples = self.arguments.rounds(100);
            let rows = start_stop::in_turns(group, &server, &scripts, &engine, samples);
            self.report.rows.extend(rows.await?);
            self.report.facts.extend(facts::calls(group, &scripts));
        }
        say("/health");
        let scripts = self.scripts(Setup::default()).await?;
        let server = self.server(Setup::default()).await?;
        let samples = self.arguments.rounds(500);
        let rows = health::in_turns(&server, &scripts, &engine, samples);
        self.report.rows.extend(rows.await?);
        Ok(())
    }

    async fn at_once(&mut self) -> Result<()> {
        let engine = self.empty.url.clone();
        let scripts = self.scripts(Setup::default()).await?;
        let server = self.server(Setup::default()).await?;
        let scaled = |rounds| self.arguments.rounds(rounds);
        let rows = start_stop::all_at_once(&server, &scripts, &engine, scaled).await?;
        self.report.rows.extend(rows);
        Ok(())
    }

    async fn ends(&mut self) -> Result<()> {
        let create = self.scripts(Setup::default()).await?.start.create_body()?;
        let tries = self.arguments.rounds(200);
        let podman = Engine::new(&self.arguments.podman, &self.arguments.image);
        // Podman's own network would add rules to this machine's firewall.
        let mut without_network = create.clone();
        without_network["HostConfig"]["NetworkMode"] = json!("none");
        for (name, engine, create) in [
            ("Docker", &self.empty, create),
            ("Podman", &podman, without_network),
        ] {
            let facts = ends::measure(name, engine, &create, tries).await?;
            self.report.facts.extend(facts);
        }
        Ok(())
    }

    async fn refused(&mut self) -> Result<()> {
        say("refused webhooks");
        let hello = &self.arguments.hello;
        let compiled = Compiled::from_manifest(hello)?;
        let hello = Server::bare(self.threads, &compiled, hello).await?;
        self.recorder.take();
        let engine = self.recorder.url();
        let server = self.server_for(&engine, Setup::default()).await?;
        let rounds = self.arguments.rounds(10);
        let rows = refused::against_hello(&server, &hello.url, rounds).await?;
        self.report.rows.extend(rows);
        let calls = self.recorder.take().len();
        self.report.facts.push(facts::calls_of_refused(calls));
        Ok(())
    }

    /// Options that an operator may choose, against the defaults.
    async fn choices(&mut self) -> Result<()> {
        for (name, patch) in [
            ("/start, Runtime crun", json!({"Runtime": "crun"})),
            ("/start, NetworkMode none", json!({"NetworkMode": "none"})),
            ("/start, NetworkMode host", json!({"NetworkMode": "host"})),
            ("/start, no Init", json!({"Init": false})),
        ] {
            say(name);
            let patch = json!({"HostConfig": patch}).to_string();
            let setup = Setup::default()
                .with("container_patch", patch)
                // The host's network gives up isolation, which is refused otherwise.
                .with("container_patch_unsafe", "allow");
            let ours = self.server(setup).await?;
            let usual = self.server(Setup::default()).await?;
            // A runtime may be missing, or unable to run on this kernel.
            match ours.start().await {
                Ok(target) => ours.stop(&target.id).await?,
                Err(error) => {
                    say(&format!("{name} cannot be measured here: {error:#}"));
                    continue;
                }
            };
            let mut pairs = Pairs::default();
            for round in 0..self.arguments.rounds(30) {
                let (ours, usual) = (visit(&ours), visit(&usual));
                let (ours, usual) = in_turn(round, ours, usual).await.context(name)?;
                pairs.push(ours.0, usual.0);
            }
            let row = Row::new("choices", name, "the defaults", pairs);
            self.report.rows.push(row);
        }
        Ok(())
    }

    async fn instance(&mut self) -> Result<()> {
        say("instances");
        let Arguments {
            manifest,
            hello,
            wasm,
            ..
        } = self.arguments;
        self.report.facts.push(facts::size(wasm)?);
        let required = [("webhook_secret", SECRET)];
        let ours = facts::instance("the component", &self.compiled, manifest, &required).await?;
        let compiled = Compiled::from_manifest(hello)?;
        let hello = facts::instance("hello world", &compiled, hello, &[]).await?;
        self.report.facts.extend([ours, hello]);
        Ok(())
    }

    async fn many(&mut self) -> Result<()> {
        let meter = Meter::default();
        let setup = Setup {
            meter: Some(meter.clone()),
            ..Setup::default().with("max_targets", MAX_TARGETS)
        };
        let server = self.server_for(&self.recorder.url(), setup).await?;
        let list = many::list(&server, &self.recorder).await?;
        self.recorder.list(Some(list));
        let health = many::health(&server, self.arguments.rounds(30)).await?;
        let instance = many::instance(&server, &meter).await?;
        let memory = many::memory(&server, &self.recorder).await?;
        self.recorder.list(None);
        self.report.facts.extend([health, instance]);
        self.report.facts.extend(memory);
        Ok(())
    }

    async fn crowds(&mut self) -> Result<()> {
        let meter = Meter::default();
        let setup = Setup::default().with("max_targets", MAX_TARGETS);
        let start = self.scripts(setup.clone()).await?.start;
        let empty = self.server(setup.clone()).await?;
        let metered = Setup {
            meter: Some(meter.clone()),
            ..setup
        };
        let crowded = self.server_for(&self.crowded.url, metered).await?;
        let mut size = 0;
        for crowd in CROWDS {
            if self.arguments.quick && crowd > 100 {
                break;
            }
            say(&format!("{crowd} containers of ours, {crowd} foreign"));
            crowd::fill(&self.crowded, size, crowd).await?;
            size = crowd;
            self.report
                .facts
                .extend(facts::memory(&crowded, &meter, crowd).await?);
            let ours = Side {
                engine: &self.crowded,
                server: &crowded,
                pause: crowd::pause_for(&crowded).await?,
            };
            let floor = Side {
                engine: &self.empty,
                server: &empty,
                pause: PAUSE,
            };
            let samples = self.arguments.rounds(50);
            let rows = crowd::against_empty(&ours, &floor, &start, crowd, samples);
            self.report.rows.extend(rows.await?);
            let url = &self.crowded.url;
            let rows = reads::in_turns(&crowded, &start, url, crowd, samples);
            self.report.rows.extend(rows.await?);
        }
        Ok(())
    }
}
