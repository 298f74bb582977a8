//! Variables whose value is a word, a number or a duration.

use std::time::Duration;

use crate::number;

/// `scheduler`: whether an Engine or a Swarm runs the targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchedulerKind {
    /// A container of one Engine.
    Engine,
    /// A service of a Swarm, on one of its nodes.
    Swarm,
}

/// `token_delivery`: how an agent receives its activation token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenDelivery {
    /// In a file, which is written before the start and read once.
    File,
    /// In the environment, and therefore in the container's configuration.
    Env,
}

/// The highest `max_targets` of an Engine. Each target takes one port of its
/// network's bridge, and a Linux bridge has about 1,000 of them.
const TARGETS_MAX: u64 = 1000;

/// The highest `max_targets` of a Swarm, where each node has a bridge. Every start lists
/// all tasks, 2 kB for each target.
const TARGETS_OF_SWARM_MAX: u64 = 10_000;

pub fn parse_count(text: &str, scheduler: Option<SchedulerKind>) -> Result<usize, String> {
    count(number::parse(text), scheduler)
}

/// Checks a number of targets. 0 is valid: it refuses new targets and keeps the running
/// ones.
pub fn count(number: Option<u64>, scheduler: Option<SchedulerKind>) -> Result<usize, String> {
    let max = match scheduler {
        Some(SchedulerKind::Swarm) => TARGETS_OF_SWARM_MAX,
        Some(SchedulerKind::Engine) | None => TARGETS_MAX,
    };
    number
        .filter(|count| *count <= max)
        .and_then(|count| count.try_into().ok())
        .ok_or_else(|| format!("must be a whole number from 0 to {max}"))
}

/// The longest `max_lifetime`: a year. Targets are meant to be short-lived.
const LIFETIME_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// The shortest `max_lifetime`: a minute, which an agent may need to register.
const LIFETIME_MIN: Duration = Duration::from_secs(60);

/// Parses the age at which a target is removed.
pub fn parse_lifetime(text: &str) -> Result<Duration, String> {
    parse_duration(text)
        .filter(|lifetime| (LIFETIME_MIN..=LIFETIME_MAX).contains(lifetime))
        .ok_or_else(|| "must be a duration from 1m to 366d, such as 90m, 12h or 8d".to_owned())
}

/// The longest `stop_grace`. The caller waits for the grace and then for the removal,
/// and both must end within the time of a webhook.
const GRACE_MAX: Duration = Duration::from_secs(15);

pub fn parse_grace(text: &str) -> Result<Duration, String> {
    parse_duration(text)
        .filter(|grace| *grace <= GRACE_MAX)
        .ok_or_else(|| "must be a duration from 0s to 15s, such as 10s".to_owned())
}

/// Parses a whole number of seconds, minutes, hours or days: `30s`, `90m`, `12h` or
/// `8d`; `None` if it is anything else.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (unit_start, unit) = text.char_indices().last()?;
    let unit_seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return None,
    };
    let seconds = number::parse::<u64>(&text[..unit_start])?.checked_mul(unit_seconds)?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_and_one_unit() {
        for (text, seconds) in [("0s", 0), ("30s", 30), ("90m", 5400), ("12h", 43_200)] {
            assert_eq!(parse_duration(text), Some(Duration::from_secs(seconds)));
        }
        let days = Duration::from_secs(691_200);
        assert_eq!(parse_duration("8d"), Some(days));
        let odd = "|8|d|-1d|+1d|1.5h|8D|8d | 8d|8dd|1h30m|\u{b2}d|8\u{e9}|18446744073709551615d";
        for text in odd.split('|') {
            assert_eq!(parse_duration(text), None, "{text:?}");
        }
    }
}
