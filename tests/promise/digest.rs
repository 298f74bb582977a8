//! Digests, to compare states.

use std::hash::{DefaultHasher, Hash, Hasher};

/// A digest of a value.
pub fn digest(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
