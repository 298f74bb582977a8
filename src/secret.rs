//! Text that must not be shown, and its comparison.
//!
//! Knows nothing of what the text is for.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// Text that is redacted wherever it is printed.
///
/// The places that call [`Secret::expose`] are few and each is needed: who
/// must have the text gets it, and the log is cleared of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one who must have it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Compares without telling by its duration where or whether they differ.
    ///
    /// Digests are compared, because slices of unequal length would be told
    /// apart at once.
    pub fn ct_eq(&self, other: &str) -> Choice {
        Sha256::digest(&self.0).ct_eq(&Sha256::digest(other))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_text() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "[redacted]");
    }

    #[test]
    fn comparison_holds_for_the_same_text_only() {
        let secret = Secret::new("abcdef");
        assert!(bool::from(secret.ct_eq("abcdef")));
        for other in ["", "abcde", "abcdefg", "abcdeF", "Abcdef"] {
            assert!(!bool::from(secret.ct_eq(other)), "{other:?}");
        }
    }
}
