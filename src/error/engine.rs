//! An Engine that cannot be reached, refuses, fails, or lacks something that a target
//! needs, such as an image that it cannot pull.

use http::StatusCode;

use super::Told;
use crate::docker::ImageReference;
use crate::fault::Fault;
use crate::platform::Barrier;

/// Why the Engine cannot run a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineError {
    Unreachable(Fault),
    /// The Engine did not answer in time, or the webhook's time is spent.
    OutOfTime(Fault),
    /// The platform, or a proxy or a plugin in front of the Engine, denied the
    /// request.
    Denied(Fault),
    /// The Engine rejected the request, usually for the container's options.
    Refused(Fault),
    /// The Engine reported a failure of its own, or the reply is not an Engine's.
    Failed(Fault),
    /// The Engine would run the container without one of its limits. Holds the Engine's
    /// warning.
    LimitDropped(String),
    NoSuchNetwork(String),
    NoSuchImage(ImageReference),
    /// The pull makes progress but outlasts the webhook.
    ImageBeingPulled(ImageReference),
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
    /// The Engine's network has no room for another target.
    NoRoom(Fault),
    /// A port of the Engine's host that was chosen for the target is in use.
    PortTaken(Fault),
}

impl EngineError {
    pub(super) fn told(&self) -> Told {
        match self {
            Self::Unreachable(fault) => Told::new(
                (StatusCode::SERVICE_UNAVAILABLE, "engine_unreachable"),
                "The Docker Engine cannot be reached. Try again shortly.",
                unreachable(fault),
            )
            .retry_soon(),
            Self::OutOfTime(fault) => Told::new(
                (StatusCode::GATEWAY_TIMEOUT, "out_of_time"),
                "The Docker Engine did not answer in time. Try again shortly.",
                fault.to_string(),
            ),
            Self::Denied(fault) => Told::new(
                (StatusCode::INTERNAL_SERVER_ERROR, "denied"),
                "The provisioning server was denied access to the Docker Engine. Contact the administrator of the provisioning server.",
                denied(fault),
            ),
            Self::Refused(fault) => Told::new(
                (StatusCode::INTERNAL_SERVER_ERROR, "refused"),
                "The Docker Engine rejected the target's configuration. Contact the administrator of the provisioning server.",
                format!(
                    "the Engine refused: {fault}; if this is about the container's options, check container_patch and environments"
                ),
            ),
            Self::Failed(fault) => Told::new(
                (StatusCode::BAD_GATEWAY, "engine_failed"),
                "The Docker Engine failed. Contact the administrator of the provisioning server.",
                failed(fault),
            ),
            Self::LimitDropped(warning) => Told::new(
                (StatusCode::INTERNAL_SERVER_ERROR, "limit_dropped"),
                "The Docker Engine cannot enforce a limit of the target. Contact the administrator of the provisioning server.",
                format!(
                    "the Engine would run the target without a limit: {warning}; enable that limit in the kernel of the Engine's host"
                ),
            ),
            Self::NoSuchNetwork(network) => Told::new(
                (StatusCode::INTERNAL_SERVER_ERROR, "no_such_network"),
                "The Docker Engine does not have the network for targets. Contact the administrator of the provisioning server.",
                format!(
                    "the Engine has no network {network}; create it: docker network create --opt com.docker.network.bridge.enable_icc=false {network}"
                ),
            ),
            Self::NoSuchImage(image) => Told::new(
                (StatusCode::INTERNAL_SERVER_ERROR, "no_such_image"),
                "The Docker Engine does not have the agent image. Contact the administrator of the provisioning server.",
                format!(
                    "the Engine has no image {image}; build or pull it there, or change agent_image or environments"
                ),
            ),
            Self::ImageBeingPulled(image) => Told::new(
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
            Self::NoRoom(fault) => Told::new(
                (StatusCode::TOO_MANY_REQUESTS, "no_room"),
                "The Docker Engine has no room for another target. Try again later.",
                format!(
                    "the targets' network is full: {fault}; lower max_targets, or create the network with a larger subnet"
                ),
            ),
            Self::PortTaken(fault) => Told::new(
                (StatusCode::SERVICE_UNAVAILABLE, "port_taken"),
                "A port for the target is in use. Try again shortly.",
                format!("a port of the Engine's host cannot be published: {fault}"),
            )
            .retry_soon(),
        }
    }
}

fn unreachable(fault: &Fault) -> String {
    match fault {
        Fault::Untrusted(_) => format!(
            "{fault}; check that docker_url's host is a subject alternative name of the server's certificate, that the certificate has not expired, that [[client_tls]] in Spin's runtime configuration names this host and the certificate authority (ca_roots_file), and that the port speaks TLS; Spin's own log may say which of these it is"
        ),
        _ => format!("{fault}; check that docker_url is right and that the Engine is running"),
    }
}

fn denied(fault: &Fault) -> String {
    match fault {
        Fault::Forbidden(Barrier::AllowedHosts) => format!(
            "{fault}; check that allowed_outbound_hosts in the manifest has the scheme, host and port of docker_url. Spin before 3.4 wants the host in lower case. Fermyon Cloud wants the URL itself there, and no variable"
        ),
        Fault::Forbidden(Barrier::BlockedNetworks) => format!(
            "{fault}; check block_networks in Spin's runtime configuration. A hosted Spin reaches public addresses only"
        ),
        _ => format!(
            "access to the Engine was denied: {fault}; check docker_authorization, and the proxy's list of calls or the authorisation plugin's policy"
        ),
    }
}

fn failed(fault: &Fault) -> String {
    match fault {
        Fault::Nonsense(_) => format!(
            "{fault}; check that docker_url points to a Docker Engine, and that it is https if the Engine speaks TLS"
        ),
        Fault::TooLong { .. } => fault.to_string(),
        _ => format!("the Engine failed: {fault}"),
    }
}
