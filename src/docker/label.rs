//! The labels of a target's container.
//!
//! They are written at create and cannot be changed afterwards.

/// What all of them begin with.
pub const PREFIX: &str = "dynamic-access.";

/// Whose the container is: the [`DeploymentId`](super::DeploymentId).
pub const DEPLOYMENT: &str = "dynamic-access.deployment";

/// The container's own name.
///
/// The labels of an image are merged into those of its containers, so an
/// image can carry [`DEPLOYMENT`]; it cannot know this name.
pub const NAME: &str = "dynamic-access.name";

/// Which attempt to start the target created the container: random.
pub const ATTEMPT: &str = "dynamic-access.attempt";

/// `serviceUrl`, to tell a repeated start from another with the same token.
pub const SERVICE_URL: &str = "dynamic-access.service-url";

/// `environmentId`, likewise.
pub const ENVIRONMENT_ID: &str = "dynamic-access.environment-id";

/// Seconds after its creation from which a container that was never started
/// may be removed.
pub const START_WITHIN: &str = "dynamic-access.start-within";

/// Seconds after its creation from which a container is removed, even if it
/// runs.
pub const MAX_LIFETIME: &str = "dynamic-access.max-lifetime";
