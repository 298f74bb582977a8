//! Measures the webhooks of a server against the same calls by the native client.

use std::time::Duration;

use anyhow::Result;

use crate::client::Client;
use crate::native::{Native, PAUSE, Scripts};
use crate::report::Report;
use crate::row::{Row, Targets};
use crate::samples::compare;
use crate::server::Server;
use crate::side::{Bursts, visits};
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
    /// How much is measured.
    pub arguments: &'a Arguments,
    /// The server.
    pub server: &'a Server,
    /// Its calls.
    pub scripts: &'a Scripts,
    /// The Engine that the native client calls.
    pub engine: &'a str,
}

impl Webhooks<'_> {
    /// Measures `/start` and `/stop`, one after the other.
    pub async fn visits(&self, group: &str, report: &mut Report) -> Result<()> {
        say(&format!("/start and /stop, {group}"));
        let native = Native::new(self.scripts, self.engine);
        let rounds = self.arguments.rounds(100);
        let [starts, stops] = visits(self.server, &native, PAUSE, rounds).await?;
        let row = |name, pairs| Row::new(group, name, "native", pairs);
        report.rows.push(row("/start", starts).within(START));
        report.rows.push(row("/stop", stops).within(STOP));
        report.facts.extend(facts::calls(group, self.scripts));
        Ok(())
    }

    /// Measures many starts at once.
    pub async fn at_once(&self, report: &mut Report) -> Result<()> {
        let native = Native::new(self.scripts, self.engine);
        for (count, rounds) in AT_ONCE {
            say(&format!("{count} starts at once"));
            let rounds = self.arguments.rounds(rounds);
            let bursts = Bursts::measure(self.server, &native, PAUSE, count, rounds).await?;
            let ([all, each], failed) = bursts.told("many starts at once", "", "native");
            let targets = if count == 16 { STARTS_AT_ONCE } else { &[] };
            report.rows.extend([all.within(targets), each]);
            report.facts.push(failed.at_most(0.0));
        }
        Ok(())
    }

    /// Measures `/health` against the look-up of the image, and against all its calls.
    pub async fn health(&self, report: &mut Report) -> Result<()> {
        say("/health");
        let client = Client::new();
        let ours = async || {
            let took = self.server.health().await?;
            tokio::time::sleep(BETWEEN_HEALTHS).await;
            Ok([took])
        };
        let all = &self.scripts.health;
        for (name, calls) in [("image look-up", &all.first()), ("native, all calls", all)] {
            let floor = async || Ok([calls.play(&client, self.engine, None).await?.1]);
            let [pairs] = compare(self.arguments.rounds(500), ours, floor).await?;
            report.rows.push(Row::new("health", "/health", name, pairs));
        }
        Ok(())
    }
}
