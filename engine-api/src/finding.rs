//! What is wrong with a request.

use std::fmt;

use serde_json::Value;

/// One thing that is not as the specification says.
pub struct Finding {
    /// Where: `path`, `query.NAME`, `header.NAME`, or `body` with the way to a field.
    pub field: String,
    /// What.
    pub says: String,
    /// The value that is judged, for comparison alone: it may be a secret, and is not shown.
    pub value: Value,
}

impl Finding {
    /// A finding about a field.
    pub fn new(field: &str, says: &str) -> Self {
        Self::of(field, says, Value::Null)
    }

    /// A finding about the value of a field.
    pub fn of(field: &str, says: &str, value: Value) -> Self {
        Self {
            field: field.to_owned(),
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
