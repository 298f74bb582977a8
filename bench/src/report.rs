//! The results, as a table for people and as JSON for programs.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::row::{Fact, Row, Unit};
use crate::samples::{Ratio, quantile};

/// The results of a run.
#[derive(Debug, Default)]
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
        let mut lines = vec![
            [
                "",
                "median",
                "p95",
                "p99",
                "floor",
                "p95",
                "p99",
                "ratio",
                "95% of runs",
                "p95",
                "target",
                "",
            ]
            .map(str::to_owned),
        ];
        let mut group = "";
        for row in &self.rows {
            if row.group != group {
                group = &row.group;
                let mut heading = [const { String::new() }; 12];
                heading[0] = group.to_owned();
                lines.push(heading);
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

    /// The report as JSON, with times in milliseconds.
    pub fn json(&self) -> Value {
        let about: serde_json::Map<_, _> = self
            .about
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        let rows: Vec<_> = self.rows.iter().map(row_json).collect();
        let facts: Vec<_> = self
            .facts
            .iter()
            .map(|fact| {
                json!({
                    "name": fact.name,
                    "value": fact.value,
                    "number": fact.number,
                    "limit": fact.limit,
                    "kept": fact.is_kept(),
                })
            })
            .collect();
        json!({"about": about, "rows": rows, "facts": facts})
    }

    /// The number of targets and limits, and how many of them were missed.
    pub fn verdicts(&self) -> (usize, usize) {
        let rows = self.rows.iter().filter_map(Row::is_kept);
        let facts = self.facts.iter().filter_map(Fact::is_kept);
        let all: Vec<_> = rows.chain(facts).collect();
        (all.len(), all.iter().filter(|kept| !**kept).count())
    }
}

fn cells(row: &Row) -> [String; 12] {
    let of = |times: &[Duration], share| shown(quantile(times, share), row.unit);
    let ratio = row.ratio();
    let target = row.target.map(|target| target.to_string());
    [
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
        target.unwrap_or_default(),
        verdict(row.is_kept()).to_owned(),
    ]
}

fn row_json(row: &Row) -> Value {
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    let of = |times: &[Duration]| {
        json!({
            "median": milliseconds(quantile(times, 0.5)),
            "p95": milliseconds(quantile(times, 0.95)),
            "p99": milliseconds(quantile(times, 0.99)),
            "samples": times.iter().copied().map(milliseconds).collect::<Vec<_>>(),
        })
    };
    let ratio = |share| {
        let Ratio { value, least, most } = row.pairs.ratio(share);
        json!({"value": value, "least": least, "most": most})
    };
    json!({
        "group": row.group,
        "name": row.name,
        "floor_name": row.floor,
        "unit": match row.unit {
            Unit::Latency => "ms",
            Unit::TimeForEach => "ms for each of many at once",
        },
        "ours": of(&row.pairs.ours),
        "floor": of(&row.pairs.floor),
        "ratio": ratio(0.5),
        "ratio_p95": ratio(0.95),
        "target": row.target.map(|target| target.to_string()),
        "kept": row.is_kept(),
    })
}

fn verdict(is_kept: Option<bool>) -> &'static str {
    match is_kept {
        Some(true) => "kept",
        Some(false) => "MISSED",
        None => "",
    }
}

fn shown(time: Duration, unit: Unit) -> String {
    let seconds = time.as_secs_f64();
    match unit {
        Unit::TimeForEach if seconds > 0.0 => format!("{:.0}/s", 1.0 / seconds),
        _ if seconds < 0.001 => format!("{:.0} µs", seconds * 1e6),
        _ if seconds < 0.1 => format!("{:.1} ms", seconds * 1e3),
        _ => format!("{:.0} ms", seconds * 1e3),
    }
}

fn aligned<const N: usize>(lines: &[[String; N]]) -> String {
    let mut widths = [0; N];
    // A heading is alone on its line, so its width does not matter.
    for line in lines.iter().filter(|line| !line[1].is_empty()) {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for line in lines {
        let mut cells = line.iter().zip(widths).enumerate();
        let told: String = cells
            .by_ref()
            .map(|(index, (cell, width))| match index {
                0 => format!("{cell:width$}"),
                _ => format!("  {cell:>width$}"),
            })
            .collect();
        let _ = writeln!(text, "{}", told.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Target;
    use crate::row::tests::row;

    #[test]
    fn the_table_tells_what_is_missed() {
        let mut report = Report::default();
        report.rows.push(row(120, 100).within(Target::Median(1.1)));
        let size = Fact::new("size", "501 kB", 501.0).at_most(500.0);
        report.facts.push(size);
        let table = report.table();
        assert_eq!(table.matches("MISSED").count(), 2, "{table}");
        assert!(table.contains("1.20"), "{table}");
        assert_eq!(report.verdicts(), (2, 2));
    }

    #[test]
    fn many_side_by_side_are_told_by_the_second() {
        let text = shown(Duration::from_micros(200), Unit::TimeForEach);
        assert_eq!(text, "5000/s");
        let text = shown(Duration::from_micros(200), Unit::Latency);
        assert_eq!(text, "200 µs");
    }
}
