//! The labels of a target's container, or of its service and containers on a Swarm.
//!
//! A create writes each of them, even without a value: an image made from a target has
//! such labels, and its containers inherit those that are not written. A label without a
//! value is empty; older versions left it out. Only [`TEMPLATE`], [`VOUCHED`], [`FENCED`]
//! and [`RENEWED`], which only services have, change afterwards.

use serde_json::{Value, json};

/// The prefix of all of them.
pub const PREFIX: &str = "dynamic-access.";

/// The [`DeploymentId`](super::DeploymentId) that the container belongs to.
pub const DEPLOYMENT: &str = "dynamic-access.deployment";

/// The container's own name.
///
/// The labels of an image become labels of its containers, so an image can have
/// [`DEPLOYMENT`]. It cannot know this name.
pub const NAME: &str = "dynamic-access.name";

/// A random id of the attempt that created the container.
pub const ATTEMPT: &str = "dynamic-access.attempt";

/// A digest of the order. It distinguishes a repeated start from a different one with the
/// same key.
pub const ORDER: &str = "dynamic-access.order";

/// `serviceUrl`; empty if none was given. For targets of earlier versions, which have no
/// [`ORDER`], this, [`ENVIRONMENT_ID`] and [`LIFETIME`] are compared instead.
pub const SERVICE_URL: &str = "dynamic-access.service-url";

/// `environmentId`.
pub const ENVIRONMENT_ID: &str = "dynamic-access.environment-id";

/// The lifetime in its order, in seconds; empty if none was given.
pub const LIFETIME: &str = "dynamic-access.lifetime";

/// The owner in its order; empty if none was given.
pub const OWNER: &str = "dynamic-access.owner";

/// The labels in its order, as a JSON object; empty if none were given. Inside one label
/// of ours, they cannot be confused with ours or with those of an image.
pub const LABELS: &str = "dynamic-access.labels";

/// Seconds after its creation from which a container that was never started
/// may be removed.
pub const START_WITHIN: &str = "dynamic-access.start-within";

/// Seconds after its creation from which a container is removed, even if it
/// runs.
pub const MAX_LIFETIME: &str = "dynamic-access.max-lifetime";

/// The published ports with their names: see [`super::ports::to_label`]. They stay the
/// same when the variables change.
pub const PORTS: &str = "dynamic-access.ports";

/// Seconds after its creation beyond which no renewal lets a container run: the
/// `max_lifetime` of its environment at that time.
pub const MAX_RENEWED: &str = "dynamic-access.max-renewed";

/// Seconds after its creation up to which the last renewal lets a service run. A renewal
/// of a container is a [volume](super::volume).
pub const RENEWED: &str = "dynamic-access.renewed";

/// A digest of a service's specification, from its start on. A service that a manager
/// shows with another is not updated.
pub const TEMPLATE: &str = "dynamic-access.template";

/// Whether some caller may have heard that the target runs: `false` from the create of a
/// service on, `true` after the vouch. A service with `true` is removed only by force, or
/// once its task has ended.
pub const VOUCHED: &str = "dynamic-access.vouched";

/// A start was withdrawn: nobody starts the service again or vouches for it.
pub const FENCED: &str = "dynamic-access.fenced";

/// The filter for objects with all these labels and values.
pub(super) fn filter(labels: &[(&str, &str)]) -> Value {
    let labels = labels.iter().map(|(key, value)| format!("{key}={value}"));
    json!({"label": labels.collect::<Vec<_>>()})
}
