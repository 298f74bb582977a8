//! How soon a Swarm shows the end of a target that ends at once.

use std::time::Duration;

use anyhow::Result;
use futures_util::future::try_join_all;

use super::Bench;
use crate::row::Fact;
use crate::samples::median_and_worst;
use crate::say;

/// How many starts are made at once.
const AT_ONCE: [usize; 2] = [1, 8];

/// The targets that end at once, and their commands.
const ENDINGS: [(&str, &[&str]); 2] = [
    ("a missing program", &["/no/such/program"]),
    ("exit 3", &["/bin/sh", "-c", "exit 3"]),
];

impl Bench<'_> {
    /// Starts such targets, this many in all for each number at once.
    pub(super) async fn ends(&mut self) -> Result<()> {
        let tries = self.arguments.rounds(60);
        for count in AT_ONCE {
            let mut seen = Vec::new();
            for round in 0..tries.div_ceil(count) {
                let (name, command) = ENDINGS[round % ENDINGS.len()];
                say(&format!("{count} starts at once of {name}"));
                let round = (0..count).map(|_| self.raw.end(command));
                seen.extend(try_join_all(round).await?);
            }
            self.report.facts.push(fact(count, &seen));
        }
        Ok(())
    }
}

fn fact(count: usize, seen: &[Option<[Duration; 2]>]) -> Fact {
    let ran: Vec<_> = seen.iter().flatten().collect();
    let told = |index: usize| {
        let times: Vec<_> = ran.iter().map(|times| times[index]).collect();
        median_and_worst(&times)
    };
    let shares = ran
        .iter()
        .map(|[start, ran]| ran.as_secs_f64() / start.as_secs_f64());
    let worst = shares.fold(0.0, f64::max);
    let value = match ran.is_empty() {
        true => "none was shown as running".to_owned(),
        false => format!(
            "{} were shown as running, for {}, at most {worst:.2} of the start; start {}",
            ran.len(),
            told(1),
            told(0)
        ),
    };
    let name = format!("{count} at once that end, {} tries", seen.len());
    Fact::new(name, value, worst)
}
