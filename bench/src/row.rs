//! What is measured, and what is asked of it.

use std::fmt;

use crate::samples::{Pairs, Ratio};

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
    /// No slower, as far as anybody can tell: not all of the spread of the
    /// medians' ratio is above [`UNNOTICED`].
    NoSlower,
}

/// A difference that is there, since the component does something after all,
/// and that nobody notices.
const UNNOTICED: f64 = 1.02;

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
            Target::NoSlower => ratio.least <= UNNOTICED,
        })
    }
}

impl Fact {
    /// Whether it keeps to its limit; `None` without one.
    pub fn is_kept(&self) -> Option<bool> {
        self.limit.map(|limit| self.number <= limit)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use super::*;

    /// A row of times that are all alike, in milliseconds.
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
            (100, Target::NoSlower, true),
            (103, Target::NoSlower, false),
        ] {
            let row = row(ours, 100).within(target);
            assert_eq!(row.is_kept(), Some(is_kept), "{ours} {target}");
        }
    }
}
