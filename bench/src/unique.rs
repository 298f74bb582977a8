//! Makes names that were never used before.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

static COUNT: AtomicU64 = AtomicU64::new(0);

/// Sixteen hex digits, different at each call and in each run.
pub fn digits() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let milliseconds = since.unwrap_or_default().as_millis() as u64;
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{:010x}{:06x}", milliseconds & 0xff_ffff_ffff, count)
}

/// A name as long as `name`, with different digits at its end.
pub fn name_like(name: &str) -> String {
    let digits = digits();
    let kept = name.len().saturating_sub(digits.len());
    format!("{}{digits}", &name[..kept])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_and_are_as_long_as_their_model() {
        let model = "bench-0123456789abcdef0123456789abcdef01234567";
        let (one, other) = (name_like(model), name_like(model));
        assert_ne!(one, other);
        assert_eq!(one.len(), model.len());
        assert!(one.starts_with("bench-"));
    }
}
