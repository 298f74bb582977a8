//! Repeatable random numbers: the same seed gives the same numbers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A generator of random numbers (SplitMix64).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The seed in `CHAOS_SEED`, or a new one.
    pub fn seed() -> u64 {
        if let Ok(seed) = std::env::var("CHAOS_SEED") {
            return seed.parse().expect("CHAOS_SEED is a number");
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.expect("a clock after 1970").as_micros() as u64
    }

    /// The numbers for one purpose of a seed.
    pub fn new(seed: u64, purpose: usize) -> Self {
        let mut dice = Self(seed);
        Self(dice.next() ^ purpose as u64)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A time below `end` milliseconds.
    pub fn milliseconds_below(&mut self, end: u64) -> Duration {
        Duration::from_millis(self.below(end))
    }
}
