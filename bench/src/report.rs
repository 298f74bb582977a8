//! The results, as a table for people and as JSON for programs.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use crate::row::{Fact, Row};
use crate::samples::quantile;

/// The results of a run.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// The machine and its Engine.
    pub about: Vec<(&'static str, String)>,
    /// The rows, which have a floor.
    pub rows: Vec<Row>,
    /// The numbers without a floor.
    pub facts: Vec<Fact>,
}

impl Report {
    /// An empty report about a run on this machine.
    pub fn about(mut about: Vec<(&'static str, String)>) -> std::io::Result<Self> {
        let cores = std::thread::available_parallelism()?;
        about.push(("cores", cores.to_string()));
        Ok(Self {
            about,
            ..Self::default()
        })
    }

    /// The table.
    pub fn table(&self) -> String {
        const HEAD: &str = "|median|p95|p99|floor|p95|p99|ratio|95% of runs|p95|target|";
        let mut lines = vec![HEAD.split('|').map(str::to_owned).collect()];
        let mut group = "";
        for row in &self.rows {
            if row.group != group {
                group = &row.group;
                lines.push(vec![group.to_owned()]);
            }
            lines.push(cells(row));
        }
        let mut text = String::new();
        for (name, value) in &self.about {
            let _ = writeln!(text, "{name}: {value}");
        }
        text.push('\n');
        text.push_str(&aligned(&lines));
        text.push('\n');
        for fact in &self.facts {
            let limit = fact.limit.map(|limit| format!(", at most {limit}"));
            let _ = writeln!(
                text,
                "{}: {}{} {}",
                fact.name,
                fact.value,
                limit.unwrap_or_default(),
                verdict(fact.is_kept())
            );
        }
        text
    }

    /// The number of targets and limits, and how many of them were missed.
    pub fn verdicts(&self) -> (usize, usize) {
        let rows = self.rows.iter().filter_map(Row::is_kept);
        let facts = self.facts.iter().filter_map(Fact::is_kept);
        let all: Vec<_> = rows.chain(facts).collect();
        (all.len(), all.iter().filter(|kept| !**kept).count())
    }
}

fn cells(row: &Row) -> Vec<String> {
    let of = |times: &[Duration], share| shown(quantile(times, share), row.is_shared);
    let ratio = row.ratio;
    vec![
        format!("  {} / {}", row.name, row.floor),
        of(&row.pairs.ours, 0.5),
        of(&row.pairs.ours, 0.95),
        of(&row.pairs.ours, 0.99),
        of(&row.pairs.floor, 0.5),
        of(&row.pairs.floor, 0.95),
        of(&row.pairs.floor, 0.99),
        format!("{:.2}", ratio.value),
        format!("{:.2} – {:.2}", ratio.least, ratio.most),
        format!("{:.2}", row.pairs.ratio(0.95).value),
        row.limits(),
        verdict(row.is_kept()).to_owned(),
    ]
}

fn verdict(is_kept: Option<bool>) -> &'static str {
    match is_kept {
        Some(true) => "kept",
        Some(false) => "MISSED",
        None => "",
    }
}

fn shown(time: Duration, is_shared: bool) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        _ if is_shared && seconds > 0.0 => format!("{:.0}/s", 1.0 / seconds),
        ..0.001 => format!("{:.0} µs", seconds * 1e6),
        ..0.1 => format!("{:.1} ms", seconds * 1e3),
        _ => format!("{:.0} ms", seconds * 1e3),
    }
}

fn aligned(lines: &[Vec<String>]) -> String {
    let mut widths = [0; 12];
    // A heading is alone on its line, so its width does not matter.
    for line in lines.iter().filter(|line| line.len() > 1) {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for line in lines {
        let mut told = format!("{:1$}", line[0], widths[0]);
        for (cell, width) in line.iter().zip(widths).skip(1) {
            let _ = write!(told, "  {cell:>width$}");
        }
        let _ = writeln!(text, "{}", told.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::tests::row;

    #[test]
    fn the_table_tells_what_is_missed() {
        let mut report = Report::default();
        report.rows.push(row(120, 100).within(&[(0.5, 1.1)]));
        let size = Fact::new("size", "501 kB", 501.0).at_most(500.0);
        report.facts.push(size);
        let table = report.table();
        assert_eq!(table.matches("MISSED").count(), 2, "{table}");
        assert!(table.contains("1.20"), "{table}");
        assert_eq!(report.verdicts(), (2, 2));
    }

    #[test]
    fn many_side_by_side_are_told_by_the_second() {
        let time = Duration::from_micros(200);
        assert_eq!(
            [true, false].map(|is_shared| shown(time, is_shared)),
            ["5000/s", "200 µs"]
        );
    }
}
