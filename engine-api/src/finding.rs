//! The problems of a request.

use std::fmt;

/// One difference from the specification. It does not have the value, which may be a secret.
pub struct Finding {
    /// The place: `path`, `query.NAME`, `header.NAME`, `content-type`, or `body` with the path of a field.
    pub field: String,
    /// The difference.
    pub says: String,
}

impl Finding {
    /// A finding about a field.
    pub fn new(field: impl Into<String>, says: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            says: says.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joint = match self.says.starts_with("is ") {
            true => " ",
            false => ": ",
        };
        write!(f, "{}{joint}{}", self.field, self.says)
    }
}
