//! The part of the Engine API that a Swarm's managers answer.
//!
//! A target is a service of one replica, and the one task of that service. [`target`]
//! reads the two as the one thing that they are.

pub mod node;
pub mod secret;
pub mod service;
pub mod target;
pub mod task;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::label;

/// The filter for what carries a label with this value.
fn labelled(label: &str, value: &str) -> serde_json::Value {
    serde_json::json!({"label": [format!("{label}={value}")]})
}

/// A moment as a Swarm writes it, which a missing member has none of.
fn moment(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}
