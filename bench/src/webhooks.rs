//! Measures the webhooks of a server against the same calls by the native client.

use std::time::Duration;

use anyhow::Result;

use crate::embedded::Bench;
use crate::native::{Native, PAUSE};
use crate::report::{Report, Targets};
use crate::samples::compare;
use crate::server::{Server, Variables};
use crate::sides::{Bursts, visits};
use crate::{Arguments, facts, say};

/// A start also waits until the Engine's word can be relied on; the floor does not.
const START: Targets = &[(0.5, 2.2)];

/// The same for many starts at once, which the Engine makes one after the other.
const STARTS_AT_ONCE: Targets = &[(0.5, 1.15)];

/// A difference that a person at a prompt does not notice.
const STOP: Targets = &[(0.5, 1.05), (0.95, 1.10)];

/// How many starts are made at once, and how many rounds of that for each hundred
/// samples.
const AT_ONCE: [(usize, usize); 4] = [(1, 20), (4, 15), (16, 15), (64, 4)];

/// Ample time for the work after a `/health`.
const BETWEEN_HEALTHS: Duration = Duration::from_millis(10);

/// A server, and the calls that it makes to its Engine.
pub struct Webhooks<'a> {
    pub arguments: &'a Arguments,
    pub server: Server,
    pub native: Native,
}

/// Measures one webhook after the other, for each way in which a target gets its token.
pub async fn measure(bench: &mut Bench<'_>) -> Result<()> {
    for delivery in ["env", "file"] {
        let webhooks = Webhooks::of(bench, &[("token_delivery", delivery)]).await?;
        let name = format!("token_delivery = {delivery}");
        webhooks.visits(&name, &mut bench.report).await?;
        if delivery == "file" {
            webhooks.health(&mut bench.report).await?;
        }
    }
    Ok(())
}

/// Measures many starts at once.
pub async fn at_once(bench: &mut Bench<'_>) -> Result<()> {
    let webhooks = Webhooks::of(bench, &[]).await?;
    webhooks.at_once(&mut bench.report).await
}

impl<'a> Webhooks<'a> {
    /// A server in the embedded host, with these variables.
    pub async fn of(bench: &Bench<'a>, variables: Variables<'_>) -> Result<Self> {
        let (hosting, recorder, engine) = (&bench.hosting, &bench.recorder, &bench.empty.url);
        let recorded = hosting.server(&recorder.url(), variables, None).await?;
        Ok(Self {
            arguments: bench.arguments,
            server: hosting.server(engine, variables, None).await?,
            native: Native::record(&recorded, recorder, engine).await?,
        })
    }

    /// Measures `/start` and `/stop`, one after the other.
    pub async fn visits(&self, of: &str, report: &mut Report) -> Result<()> {
        say(&format!("/start and /stop, {of}"));
        let Self { server, native, .. } = self;
        let [starts, stops] = visits(server, native, PAUSE, self.arguments.rounds(100)).await?;
        report.row(format!("/start, {of}"), "native", starts, START);
        report.row(format!("/stop, {of}"), "native", stops, STOP);
        facts::calls(of, native, report);
        Ok(())
    }

    /// Measures many starts at once.
    pub async fn at_once(&self, report: &mut Report) -> Result<()> {
        for (count, rounds) in AT_ONCE {
            let name = format!("{count} starts at once");
            say(&name);
            let rounds = self.arguments.rounds(rounds);
            let bursts = Bursts::measure(&self.server, &self.native, PAUSE, count, rounds);
            let targets = if count == 16 { STARTS_AT_ONCE } else { &[] };
            let bursts = bursts.await?;
            bursts.tell(report, &name, "native", targets, Some(0.0));
        }
        Ok(())
    }

    /// Measures `/health` against the look-up of the image, and against all its calls.
    pub async fn health(&self, report: &mut Report) -> Result<()> {
        say("/health");
        let ours = async || {
            let took = self.server.health().await?;
            tokio::time::sleep(BETWEEN_HEALTHS).await;
            Ok([took])
        };
        let all = &self.native.health.calls;
        for (name, calls) in [("image look-up", &all[..1]), ("native, all calls", all)] {
            let floor = async || Ok([self.native.play(calls, None).await?.1]);
            let [pairs] = compare(self.arguments.rounds(500), ours, floor).await?;
            report.row("/health", name, pairs, &[]);
        }
        Ok(())
    }
}
