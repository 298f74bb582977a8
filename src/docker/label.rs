//! The labels of a target's container, or of its service and containers on a Swarm.
//!
//! A create writes them, and only [`TEMPLATE`], [`VOUCHED`], [`FENCED`] and [`RENEWED`],
//! which only a service has, change afterwards. A create writes all others, even without a value: an
//! image that was made from a target has such labels, and its containers inherit each
//! that is not written. A label without a value is empty; older versions left it out.

use super::DeploymentId;

/// The prefix of all of them.
pub const PREFIX: &str = "dynamic-access.";

/// The [`DeploymentId`] that the container belongs to.
pub const DEPLOYMENT: &str = "dynamic-access.deployment";

/// The container's own name.
///
/// The labels of an image are merged into those of its containers, so an
/// image can carry [`DEPLOYMENT`]; it cannot know this name.
pub const NAME: &str = "dynamic-access.name";

/// A random id of the attempt that created the container.
pub const ATTEMPT: &str = "dynamic-access.attempt";

/// A digest of the order. It tells a repeated start from a different one with the same
/// key.
pub const ORDER: &str = "dynamic-access.order";

/// `serviceUrl`; empty if none was given. Targets of earlier versions have no [`ORDER`]:
/// this, [`ENVIRONMENT_ID`] and [`LIFETIME`] stand in for it.
pub const SERVICE_URL: &str = "dynamic-access.service-url";

/// `environmentId`.
pub const ENVIRONMENT_ID: &str = "dynamic-access.environment-id";

/// The lifetime that its caller has asked for, in seconds; empty if none was asked for.
pub const LIFETIME: &str = "dynamic-access.lifetime";

/// The owner that its caller has given it; empty if none was given.
pub const OWNER: &str = "dynamic-access.owner";

/// The labels that its caller has given it, as a JSON object; empty if none were given.
/// As one label of ours, they are never taken for ours, nor an image's for the caller's.
pub const LABELS: &str = "dynamic-access.labels";

/// Seconds after its creation from which a container that was never started
/// may be removed.
pub const START_WITHIN: &str = "dynamic-access.start-within";

/// Seconds after its creation from which a container is removed, even if it
/// runs.
pub const MAX_LIFETIME: &str = "dynamic-access.max-lifetime";

/// The names of the ports that are published, and the ports: see
/// [`super::ports::to_label`]. They stay the same when the variables change.
pub const PORTS: &str = "dynamic-access.ports";

/// Seconds after its creation beyond which no renewal lets a container run: the
/// `max_lifetime` of its environment at that time.
pub const MAX_RENEWED: &str = "dynamic-access.max-renewed";

/// Seconds after its creation up to which the last renewal lets a service run. A renewal
/// of a container is a [volume](super::volume).
pub const RENEWED: &str = "dynamic-access.renewed";

/// A digest of what a service is made of, from its start on. No update is made of a
/// service that a manager shows otherwise.
pub const TEMPLATE: &str = "dynamic-access.template";

/// Whether somebody was told that the target runs: `false` from the create of a service
/// on, and `true` once it is so. A service with `true` is removed only by force, or once
/// its task has ended.
pub const VOUCHED: &str = "dynamic-access.vouched";

/// A start was withdrawn: the service is never started again, nor vouched for.
pub const FENCED: &str = "dynamic-access.fenced";

/// The filter for what carries the deployment's label.
pub(super) fn filter_of(deployment: &DeploymentId) -> serde_json::Value {
    serde_json::json!({"label": [format!("{DEPLOYMENT}={}", deployment.as_str())]})
}
