//! The results, as a table for people and as JSON for programs.

use std::thread;
use std::time::Duration;

use anyhow::Result;
use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use serde::Serialize;

use crate::samples::{Pairs, Ratio, quantile};

#[derive(Debug, Default, Serialize)]
pub struct Report {
    about: Vec<(&'static str, String)>,
    rows: Vec<Row>,
    facts: Vec<Fact>,
}

/// A measurement beside its floor.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    floor: String,
    pairs: Pairs,
    /// The ratio of their medians.
    ratio: Ratio,
    targets: Targets,
}

/// Limits for ratios, each with its quantile: 0.5 is the median.
pub type Targets = &'static [(f64, f64)];

/// A number without a floor.
#[derive(Debug, Serialize)]
struct Fact {
    name: String,
    /// The number in words.
    value: String,
    number: f64,
    limit: Option<f64>,
}

impl Report {
    pub fn new(mut about: Vec<(&'static str, String)>) -> Result<Self> {
        let cores = thread::available_parallelism()?;
        about.push(("cores", cores.to_string()));
        Ok(Self {
            about,
            ..Self::default()
        })
    }

    /// Adds a measurement beside its floor.
    pub fn row(&mut self, name: impl Into<String>, floor: &str, pairs: Pairs, targets: Targets) {
        self.rows.push(Row {
            name: name.into(),
            floor: floor.to_owned(),
            ratio: pairs.ratio(0.5),
            pairs,
            targets,
        });
    }

    /// Adds a number without a floor, with its limit if it has one.
    pub fn fact(
        &mut self,
        name: impl Into<String>,
        value: impl Into<String>,
        number: f64,
        limit: Option<f64>,
    ) {
        self.facts.push(Fact {
            name: name.into(),
            value: value.into(),
            number,
            limit,
        });
    }

    /// The table, and below it the numbers without a floor.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN).set_header([
            "ours",
            "median",
            "p95",
            "floor",
            "median",
            "p95",
            "ratio",
            "95% of runs",
            "p95",
            "target",
            "",
        ]);
        for row in &self.rows {
            table.add_row(row.cells());
        }
        let about = self.about.iter().map(|(of, is)| format!("{of}: {is}"));
        let facts = self.facts.iter().map(Fact::line);
        let table = format!("\n{table}\n");
        let lines: Vec<_> = about.chain([table]).chain(facts).collect();
        lines.join("\n")
    }

    /// The number of targets and limits, and how many of them were missed.
    pub fn verdicts(&self) -> (usize, usize) {
        let rows = self.rows.iter().filter_map(Row::is_kept);
        let facts = self.facts.iter().filter_map(Fact::is_kept);
        let all: Vec<_> = rows.chain(facts).collect();
        (all.len(), all.iter().filter(|kept| !**kept).count())
    }
}

impl Row {
    fn cells(&self) -> [String; 11] {
        let Pairs { ours, floor } = &self.pairs;
        let Ratio { value, least, most } = self.ratio;
        let limits = self.targets.iter().map(|(quantile, most)| match quantile {
            0.5 => format!("{most:.2}"),
            _ => format!("p{:.0} {most:.2}", quantile * 100.0),
        });
        [
            self.name.clone(),
            shown(quantile(ours, 0.5)),
            shown(quantile(ours, 0.95)),
            self.floor.clone(),
            shown(quantile(floor, 0.5)),
            shown(quantile(floor, 0.95)),
            format!("{value:.2}"),
            format!("{least:.2} – {most:.2}"),
            format!("{:.2}", self.pairs.ratio(0.95).value),
            Vec::from_iter(limits).join(", "),
            verdict(self.is_kept()).to_owned(),
        ]
    }

    /// Whether it meets its targets; `None` without any.
    fn is_kept(&self) -> Option<bool> {
        let mut targets = self.targets.iter();
        let is_kept = targets.all(|(quantile, most)| self.pairs.ratio(*quantile).value <= *most);
        (!self.targets.is_empty()).then_some(is_kept)
    }
}

impl Fact {
    fn line(&self) -> String {
        let limit = self.limit.map(|limit| format!(", at most {limit}"));
        let (limit, verdict) = (limit.unwrap_or_default(), verdict(self.is_kept()));
        format!("{}: {}{limit} {verdict}", self.name, self.value)
    }

    /// Whether it is within its limit; `None` without one.
    fn is_kept(&self) -> Option<bool> {
        self.limit.map(|limit| self.number <= limit)
    }
}

fn verdict(is_kept: Option<bool>) -> &'static str {
    match is_kept {
        Some(true) => "kept",
        Some(false) => "MISSED",
        None => "",
    }
}

fn shown(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        ..0.001 => format!("{:.0} µs", seconds * 1e6),
        ..0.1 => format!("{:.1} ms", seconds * 1e3),
        _ => format!("{:.0} ms", seconds * 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_kept_up_to_its_ratio_and_missed_above() {
        const MEDIAN: Targets = &[(0.5, 1.05)];
        const BOTH: Targets = &[(0.5, 1.05), (0.95, 1.03)];
        let mut report = Report::default();
        for (ours, targets) in [(120, &[][..]), (105, MEDIAN), (106, MEDIAN), (104, BOTH)] {
            let pairs = Pairs {
                ours: vec![Duration::from_millis(ours); 10],
                floor: vec![Duration::from_millis(100); 10],
            };
            report.row("ours", "the floor", pairs, targets);
        }
        report.fact("size", "501 kB", 501.0, Some(500.0));
        let kept: Vec<_> = report.rows.iter().map(Row::is_kept).collect();
        assert_eq!(kept, [None, Some(true), Some(false), Some(false)]);
        assert_eq!(report.verdicts(), (4, 3));
        let table = report.table();
        assert_eq!(table.matches("MISSED").count(), 3, "{table}");
        assert!(table.contains("1.20"), "{table}");
    }
}
