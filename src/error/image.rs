//! Images that are missing, cannot be pulled, or cannot be used.

use http::StatusCode;

use super::told::Told;
use crate::docker::ImageReference;

/// Why an image cannot be used, at the moment or at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageError {
    NoSuchImage(ImageReference),
    /// The pull makes progress but outlasts the webhook.
    BeingPulled(ImageReference),
    /// The pull makes no progress.
    PullStalled(ImageReference),
    /// Holds what the registry said.
    PullRefused(ImageReference, String),
    /// Holds what the Engine said.
    PullFailed(ImageReference, String),
    /// The image runs as a user who cannot read the token's file.
    TokenUnreadable {
        image: ImageReference,
        user: String,
        /// The id of the user who can, if that is not root.
        owner: Option<u32>,
    },
}

impl ImageError {
    pub(super) fn told(&self) -> Told {
        match self {
            Self::NoSuchImage(image) => Told::new(
                (StatusCode::INTERNAL_SERVER_ERROR, "no_such_image"),
                "The Docker Engine does not have the agent image. Contact the administrator of the provisioning server.",
                format!(
                    "the Engine has no image {image}; build or pull it there, or change agent_image or environments"
                ),
            ),
            Self::BeingPulled(image) => Told::new(
                (StatusCode::SERVICE_UNAVAILABLE, "image_being_pulled"),
                "The Docker Engine is still pulling the agent image. Try again shortly.",
                format!(
                    "the pull of {image} outlasts the request and continues in the background, where the platform allows it"
                ),
            ),
            Self::PullStalled(image) => Told::new(
                (StatusCode::SERVICE_UNAVAILABLE, "pull_stalled"),
                "The Docker Engine gets no answer from the agent image's registry. Try again shortly.",
                format!(
                    "the pull of {image} makes no progress; check that the Engine can reach the registry"
                ),
            ),
            Self::PullRefused(image, reason) => Told::new(
                (StatusCode::INTERNAL_SERVER_ERROR, "pull_refused"),
                "The registry refused to provide the agent image. Contact the administrator of the provisioning server.",
                format!(
                    "{image} cannot be pulled from its registry: {reason}; check agent_image, environments and registry_auth"
                ),
            ),
            Self::PullFailed(image, reason) => Told::new(
                (StatusCode::BAD_GATEWAY, "pull_failed"),
                "The Docker Engine failed to pull the agent image. Try again shortly.",
                format!("the pull of {image} failed: {reason}"),
            ),
            Self::TokenUnreadable { image, user, owner } => Told::new(
                (StatusCode::INTERNAL_SERVER_ERROR, "token_unreadable"),
                "The user of the agent image cannot read the token. Contact the administrator of the provisioning server.",
                format!(
                    "{image} runs as the user {user}, and only {} can read the token's file; set secret_owner in environments to the number of that user, or User to root in container_patch or environments, or token_delivery to env",
                    owner.map_or("root".to_owned(), |owner| format!(
                        "root or the secret_owner {owner}"
                    ))
                ),
            ),
        }
    }
}
