//! Variables whose value is a word, a number or a duration.

use std::time::Duration;

use crate::container::Isolation;
use crate::number;

/// `scheduler`: whether an Engine or a Swarm runs the targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchedulerKind {
    /// A container of one Engine.
    Engine,
    /// A service of a Swarm, on one of its nodes.
    Swarm,
}

/// `docker_plaintext`: where plain http may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plaintext {
    /// Only within this machine.
    Loopback,
    /// Anywhere.
    Allow,
}

/// `image_pull`: whether missing images are pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImagePull {
    /// An image that names its registry is pulled if it is missing.
    Missing,
    /// Images are never pulled: the operator provides them.
    Never,
}

/// `token_delivery`: how an agent receives its activation token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenDelivery {
    /// In a file, which is written before the start and read once.
    File,
    /// In the environment, and therefore in the container's configuration.
    Env,
}

pub fn parse_scheduler(text: &str) -> Result<SchedulerKind, String> {
    match text {
        "engine" => Ok(SchedulerKind::Engine),
        "swarm" => Ok(SchedulerKind::Swarm),
        _ => Err("must be engine or swarm".to_owned()),
    }
}

pub fn parse_plaintext(text: &str) -> Result<Plaintext, String> {
    match text {
        "loopback" => Ok(Plaintext::Loopback),
        "allow" => Ok(Plaintext::Allow),
        _ => Err("must be loopback or allow".to_owned()),
    }
}

pub fn parse_image_pull(text: &str) -> Result<ImagePull, String> {
    match text {
        "missing" => Ok(ImagePull::Missing),
        "never" => Ok(ImagePull::Never),
        _ => Err("must be missing or never".to_owned()),
    }
}

pub fn parse_token_delivery(text: &str) -> Result<TokenDelivery, String> {
    match text {
        "file" => Ok(TokenDelivery::File),
        "env" => Ok(TokenDelivery::Env),
        _ => Err("must be file or env".to_owned()),
    }
}

/// `container_patch_unsafe`.
pub fn parse_isolation(text: &str) -> Result<Isolation, String> {
    match text {
        "refuse" => Ok(Isolation::Kept),
        "allow" => Ok(Isolation::GivenUp),
        _ => Err("must be refuse or allow".to_owned()),
    }
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
///
/// # Errors
///
/// What it must be.
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
        for (text, seconds) in [
            ("0s", 0),
            ("30s", 30),
            ("90m", 5400),
            ("12h", 43_200),
            ("8d", 691_200),
        ] {
            assert_eq!(
                parse_duration(text),
                Some(Duration::from_secs(seconds)),
                "{text}"
            );
        }
        for text in [
            "",
            "8",
            "d",
            "-1d",
            "+1d",
            "1.5h",
            "8D",
            "8d ",
            " 8d",
            "8dd",
            "1h30m",
            "\u{b2}d",
            "8\u{e9}",
            "99999999999999999999d",
            "18446744073709551615d",
        ] {
            assert_eq!(parse_duration(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_count_and_a_lifetime_keep_their_bounds() {
        for text in ["", "-0", "-1", "+1", "1001", "1e3", "ten"] {
            parse_count(text, Some(SchedulerKind::Engine)).expect_err(text);
        }
        assert_eq!(parse_count("0", None), Ok(0));
        assert_eq!(parse_count("1000", None), Ok(1000));
        let swarm = Some(SchedulerKind::Swarm);
        assert_eq!(parse_count("10000", swarm), Ok(10_000));
        parse_count("10001", swarm).expect_err("more than a list can hold");
        for text in ["59s", "367d", "0d"] {
            parse_lifetime(text).expect_err(text);
        }
        parse_lifetime("60s").expect("a minute");
        for text in ["16s", "1m", "x"] {
            parse_grace(text).expect_err(text);
        }
        assert_eq!(parse_grace("15s"), Ok(Duration::from_secs(15)));
    }
}
