//! Times and exit codes in words.

use std::time::Duration;

use time::OffsetDateTime;

/// A duration in at most two units, rounded down: `3 h 12 min`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let (large, rest) = match seconds {
        0..60 => (format!("{seconds} s"), None),
        60..3_600 => (format!("{minutes} min"), None),
        3_600..86_400 => (format!("{hours} h"), Some((minutes % 60, "min"))),
        86_400.. => (format!("{days} d"), Some((hours % 24, "h"))),
    };
    match rest {
        Some((count, unit)) if count > 0 => format!("{large} {count} {unit}"),
        _ => large,
    }
}

/// A moment: `2026-11-23 01:02:03 UTC`.
pub fn moment(moment: OffsetDateTime) -> String {
    let (hour, minute, second) = moment.to_hms();
    let date = moment.date();
    format!("{date} {hour:02}:{minute:02}:{second:02} UTC")
}

/// An exit code and what it usually means: `137: killed, perhaps out of memory`.
///
/// The meanings are those of shells (128 and the number of the signal), of the
/// Engine's runtime (126, 127), and of our own agent image (docs/target.md).
pub fn exit(code: i64) -> String {
    let meaning = match code {
        0 => "ended by itself",
        69 => "nobody answered the agent in time",
        77 => "the agent was not registered",
        78 => "the configuration is wrong",
        126 => "entry point cannot be run",
        127 => "entry point not found",
        130 => "interrupted",
        134 => "aborted",
        137 => "killed, perhaps out of memory",
        139 => "crashed",
        143 => "terminated",
        129..=192 => return format!("{code}: ended by signal {}", code - 128),
        _ => "failed",
    };
    format!("{code}: {meaning}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_whole_units_and_at_most_two() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3_599, "59 min"),
            (3_600, "1 h"),
            (3_659, "1 h"),
            (11_520, "3 h 12 min"),
            (86_399, "23 h 59 min"),
            (86_400, "1 d"),
            (183_600, "2 d 3 h"),
            (u64::MAX, "213503982334601 d 7 h"),
        ] {
            assert_eq!(duration(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn every_exit_code_has_a_meaning() {
        for (code, text) in [
            (0, "0: ended by itself"),
            (1, "1: failed"),
            (-1, "-1: failed"),
            (127, "127: entry point not found"),
            (128, "128: failed"),
            (137, "137: killed, perhaps out of memory"),
            (159, "159: ended by signal 31"),
            (193, "193: failed"),
            (i64::MAX, "9223372036854775807: failed"),
        ] {
            assert_eq!(exit(code), text);
        }
    }
}
