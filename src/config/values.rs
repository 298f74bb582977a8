//! Values of variables that are a word or a number.

use std::time::Duration;

use crate::container::Isolation;

/// `docker_plaintext`: where plain http may be spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plaintext {
    /// Within this machine.
    Loopback,
    /// Anywhere.
    Allow,
}

/// `image_pull`: what is done about an image that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImagePull {
    /// It is pulled, if it names its registry.
    Missing,
    /// The operator sees to it.
    Never,
}

/// `token_delivery`: how an agent gets its activation token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenDelivery {
    /// In a file that is written before the start and read once.
    File,
    /// In the environment, and so in the container's configuration.
    Env,
}

pub fn parse_plaintext(text: &str) -> Result<Plaintext, String> {
    match text {
        "loopback" => Ok(Plaintext::Loopback),
        "allow" => Ok(Plaintext::Allow),
        _ => Err("is neither loopback nor allow".to_owned()),
    }
}

pub fn parse_image_pull(text: &str) -> Result<ImagePull, String> {
    match text {
        "missing" => Ok(ImagePull::Missing),
        "never" => Ok(ImagePull::Never),
        _ => Err("is neither missing nor never".to_owned()),
    }
}

pub fn parse_token_delivery(text: &str) -> Result<TokenDelivery, String> {
    match text {
        "file" => Ok(TokenDelivery::File),
        "env" => Ok(TokenDelivery::Env),
        _ => Err("is neither file nor env".to_owned()),
    }
}

/// `container_patch_unsafe`.
pub fn parse_isolation(text: &str) -> Result<Isolation, String> {
    match text {
        "refuse" => Ok(Isolation::Kept),
        "allow" => Ok(Isolation::GivenUp),
        _ => Err("is neither refuse nor allow".to_owned()),
    }
}

/// The highest `max_targets`. Each target takes one port of its network's
/// bridge, and a Linux bridge has about 1,000 of them.
const TARGETS_MAX: u64 = 1000;

pub fn parse_count(text: &str) -> Result<usize, String> {
    // `parse` takes a sign too.
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    count(text.parse().ok().filter(|_| is_number))
}

/// The number as a count of targets. At 0 no new target is started, while those
/// that run are kept.
pub fn count(number: Option<u64>) -> Result<usize, String> {
    number
        .filter(|count| *count <= TARGETS_MAX)
        .and_then(|count| count.try_into().ok())
        .ok_or_else(|| format!("is not a number from 0 to {TARGETS_MAX}"))
}

/// A year, beyond which a target is hardly short-lived.
const LIFETIME_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// A minute, within which an agent can have registered.
const LIFETIME_MIN: Duration = Duration::from_secs(60);

pub fn parse_lifetime(text: &str) -> Result<Duration, String> {
    parse_duration(text)
        .filter(|lifetime| (LIFETIME_MIN..=LIFETIME_MAX).contains(lifetime))
        .ok_or_else(|| "is not a time from 1m to 366d, such as 90m, 12h or 8d".to_owned())
}

/// The caller waits for the grace, and then for the removal.
const GRACE_MAX: Duration = Duration::from_secs(15);

pub fn parse_grace(text: &str) -> Result<Duration, String> {
    parse_duration(text)
        .filter(|grace| *grace <= GRACE_MAX)
        .ok_or_else(|| "is not a time from 0s to 15s".to_owned())
}

/// A whole number of seconds, minutes, hours or days: `30s`, `90m`, `12h`,
/// `8d`.
fn parse_duration(text: &str) -> Option<Duration> {
    let unit = match text.as_bytes().last()? {
        b's' => 1,
        b'm' => 60,
        b'h' => 60 * 60,
        b'd' => 24 * 60 * 60,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = digits.parse::<u64>().ok()?.checked_mul(unit)?;
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
            parse_count(text).expect_err(text);
        }
        assert_eq!(parse_count("0"), Ok(0));
        assert_eq!(parse_count("1000"), Ok(1000));
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
