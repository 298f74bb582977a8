//! The limits of a target's memory and processors.

use serde_json::Value;

use super::forms::{BYTES_MAX, PROCESSORS_MAX};
use crate::number;

/// The least memory that an Engine accepts (moby, `linuxMinMemory`).
const BYTES_MIN: u64 = 6 << 20;

/// Limits, each of which may be absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resources {
    /// Of memory, in bytes.
    pub memory: Option<u64>,
    /// Of processors, in billionths of one.
    pub nano_cpus: Option<u64>,
}

impl Resources {
    /// Parses an object such as `{"memory":"2GiB","cpus":1.5}`.
    pub fn parse(value: Value) -> Result<Self, String> {
        let problem = || {
            "must be an object with memory, such as 512MiB or 2GiB, or cpus, such as 1.5".to_owned()
        };
        let Value::Object(members) = value else {
            return Err(problem());
        };
        let mut resources = Self::default();
        for (name, value) in members {
            match &*name {
                "memory" => resources.memory = Some(bytes(&value).ok_or_else(problem)?),
                "cpus" => resources.nano_cpus = Some(nano_cpus(&value).ok_or_else(problem)?),
                _ => return Err(problem()),
            }
        }
        Ok(resources)
    }

    /// Whether `max` has each of these limits, and none is above it.
    pub fn are_within(self, max: Self) -> bool {
        let is_within = |asked: Option<u64>, max: Option<u64>| {
            asked.is_none_or(|asked| max.is_some_and(|max| asked <= max))
        };
        is_within(self.memory, max.memory) && is_within(self.nano_cpus, max.nano_cpus)
    }
}

fn bytes(value: &Value) -> Option<u64> {
    let text = value.as_str()?;
    let (digits, shift) = match text.strip_suffix("GiB") {
        Some(digits) => (digits, 30),
        None => (text.strip_suffix("MiB")?, 20),
    };
    let bytes = number::parse::<u64>(digits)?.checked_mul(1 << shift)?;
    (BYTES_MIN..=BYTES_MAX.unsigned_abs())
        .contains(&bytes)
        .then_some(bytes)
}

/// A kernel accepts a hundredth of a processor at least.
fn nano_cpus(value: &Value) -> Option<u64> {
    let cpus = value.as_f64()?;
    (0.01..=PROCESSORS_MAX as f64)
        .contains(&cpus)
        .then_some((cpus * 1e9).round() as u64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn resources_are_read_in_their_units() {
        for (value, memory, nano_cpus) in [
            (json!({}), None, None),
            (json!({"memory": "6MiB"}), Some(6 << 20), None),
            (json!({"memory": "1024GiB"}), Some(1 << 40), None),
            (json!({"cpus": 0.01}), None, Some(10_000_000)),
            (json!({"cpus": 1024}), None, Some(1_024_000_000_000)),
            (
                json!({"memory": "2GiB", "cpus": 1.5}),
                Some(2 << 30),
                Some(1_500_000_000),
            ),
        ] {
            let expected = Resources { memory, nano_cpus };
            assert_eq!(Resources::parse(value), Ok(expected));
        }
    }
}
