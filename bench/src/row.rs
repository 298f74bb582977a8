//! A measurement and its target.

use std::fmt;

use crate::samples::{Pairs, Ratio};

/// A measurement beside its floor.
#[derive(Debug)]
pub struct Row {
    /// The group of rows that it belongs to.
    pub group: String,
    /// What is measured.
    pub name: String,
    /// What it is measured against.
    pub floor: String,
    /// The meaning of a time.
    pub unit: Unit,
    /// The times.
    pub pairs: Pairs,
    /// The target for the ratio.
    pub target: Option<Target>,
}

/// A target for a ratio.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// A limit for the ratio of the medians.
    Median(f64),
    /// The same, and a limit for the 95th percentile.
    MedianAndP95(f64, f64),
}

/// The meaning of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// How long one thing takes.
    Latency,
    /// The elapsed time divided by the number of things done at once.
    TimeForEach,
}

/// A number without a floor.
#[derive(Debug)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// Its value, in words.
    pub value: String,
    /// Its value as a number.
    pub number: f64,
    /// Its limit.
    pub limit: Option<f64>,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Median(most) => write!(f, "{most:.2}"),
            Self::MedianAndP95(most, most_p95) => write!(f, "{most:.2}, p95 {most_p95:.2}"),
        }
    }
}

impl Row {
    /// A row without targets.
    pub fn new(
        group: impl Into<String>,
        name: impl Into<String>,
        floor: impl Into<String>,
        pairs: Pairs,
    ) -> Self {
        Self {
            group: group.into(),
            name: name.into(),
            floor: floor.into(),
            unit: Unit::Latency,
            pairs,
            target: None,
        }
    }

    /// The row with a target.
    pub fn within(self, target: Target) -> Self {
        Self {
            target: Some(target),
            ..self
        }
    }

    /// The row as throughput.
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

    /// Whether it meets its target; `None` without one.
    pub fn is_kept(&self) -> Option<bool> {
        let ratio = self.ratio();
        Some(match self.target? {
            Target::Median(most) => ratio.value <= most,
            Target::MedianAndP95(most, most_p95) => {
                ratio.value <= most && self.pairs.ratio(0.95).value <= most_p95
            }
        })
    }
}

impl Fact {
    /// A number without a limit.
    pub fn new(name: impl Into<String>, value: impl Into<String>, number: f64) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            number,
            limit: None,
        }
    }

    /// The number with its limit, if there is one.
    pub fn at_most(self, limit: impl Into<Option<f64>>) -> Self {
        Self {
            limit: limit.into(),
            ..self
        }
    }

    /// Whether it is within its limit; `None` without one.
    pub fn is_kept(&self) -> Option<bool> {
        self.limit.map(|limit| self.number <= limit)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use super::*;

    /// A row whose times are all alike, in milliseconds.
    pub(crate) fn row(ours: u64, floor: u64) -> Row {
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
        ] {
            let row = row(ours, 100).within(target);
            assert_eq!(row.is_kept(), Some(is_kept), "{ours} {target}");
        }
    }
}
