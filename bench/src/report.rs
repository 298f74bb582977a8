//! What was measured: one table for a person, and JSON for programs.

use std::fmt::{self, Write as _};
use std::time::Duration;

use serde_json::{Value, json};

use crate::samples::{Pairs, Ratio, quantile};

/// What is measured beside its floor.
#[derive(Debug)]
pub struct Row {
    /// Which part of the bench it belongs to.
    pub group: &'static str,
    /// What is measured.
    pub name: String,
    /// What it is measured against.
    pub floor: String,
    /// What a time stands for.
    pub unit: Unit,
    /// The times.
    pub pairs: Pairs,
    /// What is asked of the ratio.
    pub target: Option<Target>,
}

/// What is asked of a ratio.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// The most that it may be at the median.
    Median(f64),
    /// The same, and the most that it may be at the 95th percentile.
    MedianAndP95(f64, f64),
    /// No slower, as far as the run can tell: not all of the spread of the
    /// medians' ratio is above 1.
    NoSlower,
}

/// What a time stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// How long one thing takes.
    Latency,
    /// How much time there is for each of many things side by side.
    TimeForEach,
}

/// What is a number of its own, without a floor.
#[derive(Debug)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// How much, in words.
    pub value: String,
    /// The number in it.
    pub number: f64,
    /// The most that it may be.
    pub limit: Option<f64>,
}

/// All of a run.
#[derive(Debug, Default)]
pub struct Report {
    /// The machine and its Engine.
    pub about: Vec<(&'static str, String)>,
    /// What has a floor.
    pub rows: Vec<Row>,
    /// What has none.
    pub facts: Vec<Fact>,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Median(most) => write!(f, "{most:.2}"),
            Self::MedianAndP95(most, most_p95) => write!(f, "{most:.2}, p95 {most_p95:.2}"),
            Self::NoSlower => f.write_str("no slower"),
        }
    }
}

impl Row {
    /// A row without targets.
    pub fn new(
        group: &'static str,
        name: impl Into<String>,
        floor: impl Into<String>,
        pairs: Pairs,
    ) -> Self {
        Self {
            group,
            name: name.into(),
            floor: floor.into(),
            unit: Unit::Latency,
            pairs,
            target: None,
        }
    }

    /// With what is asked of it.
    pub fn within(self, target: Target) -> Self {
        Self {
            target: Some(target),
            ..self
        }
    }

    /// As throughput.
    pub fn in_throughput(self) -> Self {
        Self {
            unit: Unit::TimeForEach,
            ..self
        }
    }

    /// The ratio of the medians.
    pub fn ratio(&self) -> Ratio {
        self.pairs.ratio(0.5)
    }

    /// Whether it keeps to its targets; `None` without any.
    pub fn is_kept(&self) -> Option<bool> {
        let ratio = self.ratio();
        Some(match self.target? {
            Target::Median(most) => ratio.value <= most,
            Target::MedianAndP95(most, most_p95) => {
                ratio.value <= most && self.pairs.ratio(0.95).value <= most_p95
            }
            Target::NoSlower => ratio.least <= 1.0,
        })
    }
}

impl Fact {
    /// Whether it keeps to its limit; `None` without one.
    pub fn is_kept(&self) -> Option<bool> {
        self.limit.map(|limit| self.number <= limit)
    }
}

impl Report {
    /// An empty one about that, on this machine.
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
                group = row.group;
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

    /// The same for programs, with times in milliseconds.
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

    /// How many targets and limits there are, and how many are missed.
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
            Unit::TimeForEach => "ms for each, many side by side",
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
    // A heading stands alone in its line and may be as long as it likes.
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

    fn row(ours: u64, floor: u64) -> Row {
        let mut pairs = Pairs::default();
        for _ in 0..10 {
            pairs.push(Duration::from_millis(ours), Duration::from_millis(floor));
        }
        Row::new("a group", "ours", "the floor", pairs)
    }

    #[test]
    fn a_target_is_kept_up_to_its_ratio_and_missed_above() {
        assert_eq!(row(105, 100).is_kept(), None);
        for (ours, target, is_kept) in [
            (105, Target::Median(1.05), true),
            (106, Target::Median(1.05), false),
            (104, Target::MedianAndP95(1.05, 1.03), false),
            (100, Target::NoSlower, true),
            (101, Target::NoSlower, false),
        ] {
            let row = row(ours, 100).within(target);
            assert_eq!(row.is_kept(), Some(is_kept), "{ours} {target}");
        }
    }

    #[test]
    fn the_table_tells_what_is_missed() {
        let mut report = Report::default();
        report.rows.push(row(120, 100).within(Target::Median(1.1)));
        report.facts.push(Fact {
            name: "size".to_owned(),
            value: "501 kB".to_owned(),
            number: 501.0,
            limit: Some(500.0),
        });
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
