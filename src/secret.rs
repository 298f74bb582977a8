//! Text that must never be shown, and its comparison in constant time.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// Text that is redacted wherever it is printed.
///
/// The rules in `lib.rs` say what [`Secret::expose`] is called for.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Compares in constant time: the duration does not reveal where the texts differ.
    ///
    /// Compares digests, because texts of different lengths would return early.
    pub fn ct_eq(&self, other: &str) -> Choice {
        Sha256::digest(&self.0).ct_eq(&Sha256::digest(other))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
