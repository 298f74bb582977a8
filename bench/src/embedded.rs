//! Runs all parts of the bench, with the component in the embedded host.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result};
use dynamic_access_host::Meter;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::crowd::{self, Place};
use crate::engine::Engine;
use crate::native::{PAUSE, Scripts};
use crate::recorder::Recorder;
use crate::report::Report;
use crate::row::Row;
use crate::server::{Hosting, SECRET, Server, Setup};
use crate::side::{Side, visits};
use crate::webhooks::Webhooks;
use crate::{Arguments, Part, ends, facts, given, many, reads, refused, say};

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
    hosting: Hosting<'a>,
    empty: Engine,
    crowded: Engine,
    /// Records the calls that the component makes to its Engine.
    recorder: Recorder,
    report: Report,
}

/// Measures the parts that were asked for.
pub async fn measure(arguments: &Arguments, threads: &Runtime) -> Result<Report> {
    let empty = Engine::given("ENGINE")?;
    let crowded = Engine::given("CROWDED_ENGINE")?;
    let engine = empty.url.clone();
    let recorder = async move { Recorder::start(SocketAddr::from(ANY), engine).await };
    let report = Report::about(vec![
        ("Engine", empty.version().await?),
        ("host", "embedded".to_owned()),
    ])?;
    let mut bench = Bench {
        arguments,
        recorder: threads.spawn(recorder).await??,
        hosting: Hosting::new(threads)?,
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
        self.hosting.server(&self.empty.url, setup).await
    }

    /// The calls that a server with this set-up makes to its Engine.
    async fn scripts(&self, setup: Setup) -> Result<Scripts> {
        let server = self.hosting.server(&self.recorder.url(), setup).await?;
        Scripts::record(&server, &self.recorder).await
    }

    async fn webhooks(&mut self) -> Result<()> {
        for delivery in ["env", "file"] {
            let setup = Setup::default().with("token_delivery", delivery);
            let (scripts, server) = (
                self.scripts(setup.clone()).await?,
                self.server(setup).await?,
            );
            let webhooks = Webhooks {
                arguments: self.arguments,
                server: &server,
                scripts: &scripts,
                engine: &self.empty.url,
            };
            let group = format!("token_delivery = {delivery}");
            webhooks.visits(&group, &mut self.report).await?;
            if delivery == "file" {
                webhooks.health(&mut self.report).await?;
            }
        }
        Ok(())
    }

    async fn at_once(&mut self) -> Result<()> {
        let webhooks = Webhooks {
            arguments: self.arguments,
            server: &self.server(Setup::default()).await?,
            scripts: &self.scripts(Setup::default()).await?,
            engine: &self.empty.url,
        };
        webhooks.at_once(&mut self.report).await
    }

    async fn ends(&mut self) -> Result<()> {
        let create = self.scripts(Setup::default()).await?.start.create_body()?;
        let tries = self.arguments.rounds(200);
        let podman = Engine::given("PODMAN")?;
        // Podman's own network would add rules to this machine's firewall.
        let mut without_network = create.clone();
        without_network["HostConfig"]["NetworkMode"] = json!("none");
        for (name, engine, create) in [
            ("Docker", &self.empty, create),
            ("Podman", &podman, without_network),
        ] {
            let facts = ends::on_engine(name, engine, &create, tries).await?;
            self.report.facts.extend(facts);
        }
        Ok(())
    }

    async fn refused(&mut self) -> Result<()> {
        let hello = Server::hello(self.hosting.threads).await?;
        let engine = self.recorder.url();
        let server = self.hosting.server(&engine, Setup::default()).await?;
        let (hello, rounds) = (&hello.url, self.arguments.rounds(10));
        refused::against_hello(&server, hello, &self.recorder, rounds, &mut self.report).await
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
                Ok((id, _)) => ours.stop(&id).await?,
                Err(error) => {
                    say(&format!("{name} cannot be measured here: {error:#}"));
                    continue;
                }
            };
            let rounds = self.arguments.rounds(30);
            let [starts, _] = visits(&ours, &usual, PAUSE, rounds).await.context(name)?;
            let row = Row::new("choices", name, "the defaults", starts);
            self.report.rows.push(row);
        }
        Ok(())
    }

    async fn instance(&mut self) -> Result<()> {
        say("instances");
        self.report.facts.push(facts::size(&given("WASM")?)?);
        for (name, manifest, variables) in [
            (
                "the component",
                "MANIFEST",
                &[("webhook_secret", SECRET)][..],
            ),
            ("hello world", "HELLO", &[]),
        ] {
            let fact = facts::instance(name, &given(manifest)?, variables).await?;
            self.report.facts.push(fact);
        }
        Ok(())
    }

    async fn many(&mut self) -> Result<()> {
        let meter = Meter::default();
        let setup = Setup {
            meter: Some(meter.clone()),
            ..Setup::default().with("max_targets", MAX_TARGETS)
        };
        let server = self.hosting.server(&self.recorder.url(), setup).await?;
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
        let crowded = self.hosting.server(&self.crowded.url, metered).await?;
        let mut size = 0;
        for crowd in CROWDS {
            if self.arguments.quick && crowd > 100 {
                break;
            }
            say(&format!("{crowd} containers of ours, {crowd} foreign"));
            self.crowded.fill(size, crowd).await?;
            size = crowd;
            self.report
                .facts
                .extend(facts::memory(&crowded, &meter, crowd).await?);
            let ours = Place {
                engine: &self.crowded,
                server: &crowded,
                pause: crowd::pause_for(&crowded).await?,
            };
            let floor = Place {
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
