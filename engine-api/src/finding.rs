//! The problems of a request.

use std::fmt;

use serde_json::Value;

/// One difference from the specification.
pub struct Finding {
    /// The place: `path`, `query.NAME`, `header.NAME`, `content-type`, or `body` with the path of a field.
    pub field: String,
    /// The difference.
    pub says: String,
    /// The value, only for comparison: it may be a secret, and is not shown.
    pub value: Value,
}

impl Finding {
    /// A finding about a field.
    pub fn new(field: impl Into<String>, says: &str) -> Self {
        Self::of(field, says, Value::Null)
    }

    /// A finding about the value of a field.
    pub fn of(field: impl Into<String>, says: &str, value: Value) -> Self {
        Self {
            field: field.into(),
            says: says.to_owned(),
            value,
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
