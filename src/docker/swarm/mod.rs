//! The Engine API of a Swarm's managers.

pub mod node;
pub mod secret;
pub mod service;
pub mod target;
pub mod task;
pub mod template;
pub mod versioned;

use std::collections::BTreeMap;

use serde::Deserializer;

use super::{TargetId, label, moment, parsed};
use crate::fault::Fault;

/// The advice if a list of services, tasks or secrets is too long.
const TOO_LONG: &str = "each target is listed with its whole specification, so shorten Env and Labels in container_patch and environments, give targets fewer secrets, or lower max_targets";

/// A fault of a manager, which may be that it cannot act for its Swarm. A plain Engine
/// uses some of the same words for its containerd.
pub fn fault_of_manager(fault: Fault) -> Fault {
    match fault {
        Fault::EngineError { status, message } if is_leaderless(&message) => {
            Fault::Leaderless { status, message }
        }
        other => other,
    }
}

/// Whether a failure means that a manager cannot act for its Swarm: there is no leader,
/// because a majority of the managers cannot reach each other or are electing one, or the
/// leader does not answer (moby, `daemon/cluster`; swarmkit, `raft`).
///
/// A new leader may not know a secret that was just made (swarmkit,
/// `checkSecretExistence`). Only the server names secrets, so a configuration cannot be
/// the cause.
pub fn is_leaderless(message: &str) -> bool {
    [
        "does not have a leader",
        "no cluster leader",
        "lost leader status",
        "no elected cluster leader",
        "code = DeadlineExceeded",
        "context deadline exceeded",
        "code = Unavailable",
        "secret not found: ",
        "secrets not found: ",
    ]
    .iter()
    .any(|words| message.contains(words))
}

/// Reads a member that is the id of a service.
fn service_id<'de, D: Deserializer<'de>>(id: D) -> Result<TargetId, D::Error> {
    parsed(id, TargetId::of_service)
}

/// The server's own labels; patches may add many long ones.
fn own_labels(labels: Option<BTreeMap<String, String>>) -> BTreeMap<String, String> {
    let mut labels = labels.unwrap_or_default();
    labels.retain(|key, _| key.starts_with(label::PREFIX));
    labels
}
