//! The part of the Engine API that a Swarm's managers answer.
//!
//! A target is a service of one replica, and the one task of that service. [`target`]
//! reads the two as the one thing that they are.

pub mod node;
pub mod secret;
pub mod service;
pub mod target;
pub mod task;
pub mod template;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{DeploymentId, label};

/// What to do if a list of services, tasks or secrets is longer than is read.
const TOO_LONG: &str = "each target is listed with all that it is made of, so shorten Env and Labels in container_patch and environments, give targets fewer secrets, or lower max_targets";

/// The filter for what carries all these labels with these values.
fn labelled(labels: &[(&str, &str)]) -> Value {
    let labels = labels
        .iter()
        .map(|(label, value)| format!("{label}={value}"));
    json!({"label": labels.collect::<Vec<_>>()})
}

/// The filter for a deployment, or for one part of it.
fn of_deployment(deployment: &DeploymentId, part: Option<char>) -> Value {
    let deployment = (label::DEPLOYMENT, deployment.as_str());
    match part {
        None => labelled(&[deployment]),
        Some(part) => labelled(&[deployment, (label::PART, part.encode_utf8(&mut [0; 4]))]),
    }
}

/// A moment as a Swarm writes it, which a missing member has none of.
fn moment(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}
