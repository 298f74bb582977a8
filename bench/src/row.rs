//! A measurement and its target.

use serde::Serialize;

use crate::samples::{Pairs, Ratio};

/// A measurement beside its floor.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The group of rows that it belongs to.
    pub group: String,
    /// What is measured.
    pub name: String,
    /// What it is measured against.
    pub floor: String,
    /// Whether a time is the elapsed time divided by the number of things done at once, instead of how long one takes.
    pub is_shared: bool,
    /// The times.
    pub pairs: Pairs,
    /// The ratio of their medians.
    pub ratio: Ratio,
    /// The targets for its ratios.
    pub targets: Targets,
}

/// Limits for ratios, each with its quantile: 0.5 is the median.
pub type Targets = &'static [(f64, f64)];

/// A number without a floor.
#[derive(Debug, Serialize)]
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
            is_shared: false,
            ratio: pairs.ratio(0.5),
            pairs,
            targets: &[],
        }
    }

    /// The row with targets.
    pub fn within(self, targets: Targets) -> Self {
        Self { targets, ..self }
    }

    /// The row as throughput.
    pub fn in_throughput(self) -> Self {
        Self {
            is_shared: true,
            ..self
        }
    }

    /// Its targets, in words.
    pub fn limits(&self) -> String {
        let told = self.targets.iter().map(|(quantile, most)| match quantile {
            0.5 => format!("{most:.2}"),
            _ => format!("p{:.0} {most:.2}", quantile * 100.0),
        });
        told.collect::<Vec<_>>().join(", ")
    }

    /// Whether it meets its targets; `None` without any.
    pub fn is_kept(&self) -> Option<bool> {
        let mut targets = self.targets.iter();
        let is_kept = targets.all(|(quantile, most)| self.pairs.ratio(*quantile).value <= *most);
        (!self.targets.is_empty()).then_some(is_kept)
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
        const MEDIAN: Targets = &[(0.5, 1.05)];
        for (ours, targets, is_kept) in [
            (105, MEDIAN, true),
            (106, MEDIAN, false),
            (104, &[(0.5, 1.05), (0.95, 1.03)], false),
        ] {
            let row = row(ours, 100).within(targets);
            assert_eq!(row.is_kept(), Some(is_kept), "{ours} {}", row.limits());
        }
    }
}
