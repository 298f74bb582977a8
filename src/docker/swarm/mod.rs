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

use super::{DeploymentId, label};

/// The filter for what carries a label with this value.
fn labelled(label: &str, value: &str) -> serde_json::Value {
    serde_json::json!({"label": [format!("{label}={value}")]})
}

/// The filter for a deployment, or for one part of it.
fn of_deployment(deployment: &DeploymentId, part: Option<char>) -> serde_json::Value {
    let deployment = format!("{}={}", label::DEPLOYMENT, deployment.as_str());
    let part = part.map(|part| format!("{}={part}", label::PART));
    let labels: Vec<_> = std::iter::once(deployment).chain(part).collect();
    serde_json::json!({"label": labels})
}

/// A moment as a Swarm writes it, which a missing member has none of.
fn moment(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}
