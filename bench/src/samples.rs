//! Compares the times of two things.

use std::time::Duration;

use anyhow::Result;
use serde::{Serialize, Serializer};

/// How many times the pairs are resampled to estimate the spread.
const RESAMPLES: usize = 1000;

/// Times of two things, measured in turns; equal indices belong together.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Pairs {
    #[serde(serialize_with = "milliseconds")]
    pub ours: Vec<Duration>,
    #[serde(serialize_with = "milliseconds")]
    pub floor: Vec<Duration>,
}

/// The ratio of one quantile, with its 95% interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ratio {
    /// Ours divided by the floor's: 1 is as fast, more is slower.
    pub value: f64,
    pub least: f64,
    pub most: f64,
}

fn milliseconds<S: Serializer>(times: &[Duration], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(times.iter().map(|time| time.as_secs_f64() * 1000.0))
}

impl Pairs {
    pub fn push(&mut self, (ours, floor): (Duration, Duration)) {
        self.ours.push(ours);
        self.floor.push(floor);
    }

    /// The ratio of a quantile: 0.5 is the median.
    ///
    /// The interval comes from a bootstrap: the pairs are resampled a thousand
    /// times, with the same random numbers in each run.
    pub fn ratio(&self, share: f64) -> Ratio {
        let count = self.ours.len().min(self.floor.len());
        let ratio = |pairs: &Self| {
            quantile(&pairs.ours, share).div_duration_f64(quantile(&pairs.floor, share))
        };
        let mut dice = fastrand::Rng::with_seed(0);
        let mut drawn = Vec::from_iter((0..RESAMPLES).map(|_| {
            let mut again = Self::default();
            for _ in 0..count {
                let index = dice.usize(..count);
                again.push((self.ours[index], self.floor[index]));
            }
            ratio(&again)
        }));
        drawn.sort_by(f64::total_cmp);
        Ratio {
            value: ratio(self),
            least: drawn[RESAMPLES / 40],
            most: drawn[RESAMPLES - 1 - RESAMPLES / 40],
        }
    }
}

/// Measures several times of both, in turns.
pub async fn compare<const N: usize>(
    rounds: usize,
    ours: impl AsyncFn() -> Result<[Duration; N]>,
    floor: impl AsyncFn() -> Result<[Duration; N]>,
) -> Result<[Pairs; N]> {
    let mut all = std::array::from_fn(|_| Pairs::default());
    for round in 0..rounds {
        let (ours, floor) = in_turn(round, ours(), floor()).await?;
        for (pairs, pair) in all.iter_mut().zip(ours.into_iter().zip(floor)) {
            pairs.push(pair);
        }
    }
    Ok(all)
}

/// Does both, one after the other. The order alternates, because the second may
/// find the kernel still busy with the first.
pub async fn in_turn<T>(
    round: usize,
    ours: impl Future<Output = Result<T>>,
    floor: impl Future<Output = Result<T>>,
) -> Result<(T, T)> {
    if round.is_multiple_of(2) {
        let ours = ours.await?;
        Ok((ours, floor.await?))
    } else {
        let floor = floor.await?;
        Ok((ours.await?, floor))
    }
}

/// The time that a share of all times does not exceed; zero if there are none.
pub fn quantile(times: &[Duration], share: f64) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    let last = sorted.len().saturating_sub(1);
    let index = (last as f64 * share).round() as usize;
    sorted.get(index).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milliseconds(times: impl IntoIterator<Item = u64>) -> Vec<Duration> {
        times.into_iter().map(Duration::from_millis).collect()
    }

    #[test]
    fn a_quantile_is_one_of_the_times() {
        let times = milliseconds((1..=101).rev());
        for (share, expected) in [(0.0, 1), (0.5, 51), (0.95, 96), (0.99, 100), (1.0, 101)] {
            assert_eq!(quantile(&times, share), Duration::from_millis(expected));
        }
        assert_eq!(quantile(&[], 0.5), Duration::ZERO);
    }

    #[test]
    fn the_spread_holds_the_ratio_and_grows_with_the_noise() {
        let spread = |noise: u64| {
            let ours = milliseconds((0..50).map(|index| 150 + index * 7 % 11 * noise));
            let floor = milliseconds([100; 50]);
            let Ratio { value, least, most } = Pairs { ours, floor }.ratio(0.5);
            assert!((1.5..2.0).contains(&value) && least <= value && value <= most);
            most - least
        };
        assert_eq!(spread(0), 0.0);
        assert!(spread(1) < spread(5));
    }
}
