//! A Swarm whose managers or nodes cannot run a target.

use std::borrow::Cow;
use std::time::Duration;

use http::StatusCode;

use super::Told;
use crate::docker::ImageReference;
use crate::fault::Fault;

/// Why a Swarm does not run a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SwarmError {
    /// A majority of the managers is away. Holds the manager's words.
    NoLeader(Fault),
    /// A manager left an option out of the target's service.
    ManagersDiffer(Fault),
    /// No node is ready, active and permitted.
    NoNodes,
    /// No node has room for another target. Holds the Swarm's reason.
    NoNode(String),
    /// A node has an Engine that does not know an option of the targets. Holds a
    /// sentence that names both.
    NodeTooOld(String),
    /// None of the nodes that were tried has the image, whose reference names a registry,
    /// and the last one could not pull it, for this reason.
    NodePullFailed(ImageReference, String),
    /// A node still prepares the target, usually by pulling this image.
    StillPreparing(ImageReference),
    /// A node still starts the target, perhaps until a health check passes. Holds the
    /// check's interval if a patch sets it.
    Unchecked(Option<Duration>),
    /// The target did not run in the webhook's time, although the managers answered.
    StartTooSlow,
}

impl SwarmError {
    pub(super) fn told(&self) -> Told {
        match self {
            Self::NoLeader(fault) => unavailable(
                "no_leader",
                "The managers of the Docker Swarm cannot reach each other. Try again shortly.",
                format!(
                    "the Swarm cannot act: {fault}; a majority of its managers must reach each other: see docker node ls"
                ),
            )
            .retry_soon(),
            Self::ManagersDiffer(fault) => unavailable(
                "managers_differ",
                "The managers of the Docker Swarm have different versions. Try again later.",
                format!(
                    "{fault}; managers of different versions cause this: upgrade all of them, see docker node ls"
                ),
            ),
            Self::NoNodes => unavailable(
                "no_nodes",
                "No node of the Docker Swarm takes targets. Try again later.",
                "no node of the Swarm is ready, active and a worker; see docker node ls, or permit managers with Constraints in container_patch",
            ),
            Self::NoNode(reason) => unavailable(
                "no_node",
                "No node of the Docker Swarm has room for another target. Try again later.",
                format!(
                    "no node can take the target: {reason}; add nodes, lower the Reservations in container_patch, or check its Constraints"
                ),
            ),
            Self::NodeTooOld(detail) => Told::new(
                (StatusCode::INTERNAL_SERVER_ERROR, "node_too_old"),
                "A node of the Docker Swarm is too old to run targets safely. Contact the administrator of the provisioning server.",
                detail.clone(),
            ),
            Self::NodePullFailed(image, reason) => unavailable(
                "node_pull_failed",
                "No node of the Docker Swarm could pull the agent image. Try again shortly.",
                format!(
                    "no node could pull {image}: {reason}; check its registry, the reference, and registry_auth, whose credentials may have expired; or pull it on every node beforehand"
                ),
            ),
            Self::StillPreparing(image) => unavailable(
                "still_preparing",
                "A node of the Docker Swarm is still pulling the agent image. Try again shortly.",
                format!(
                    "a node was still preparing the target when the time was up, so it was withdrawn; pull {image} on every node beforehand"
                ),
            ),
            Self::Unchecked(interval) => unavailable(
                "unchecked",
                "The Docker Swarm took too long to check the target. Try again shortly.",
                unchecked(*interval),
            ),
            Self::StartTooSlow => unavailable(
                "start_too_slow",
                "The Docker Swarm took too long to start the target. Try again shortly.",
                "the target did not run when the time was up, so it was withdrawn; the Swarm has too many starts at once, or its nodes are slow",
            ),
        }
    }
}

fn unavailable(
    code: &'static str,
    message: &'static str,
    detail: impl Into<Cow<'static, str>>,
) -> Told {
    Told::new((StatusCode::SERVICE_UNAVAILABLE, code), message, detail)
}

fn unchecked(interval: Option<Duration>) -> String {
    let interval = match interval {
        Some(interval) => format!("which is {} s in the patch", interval.as_secs_f32()),
        None => "which is 30 s unless the image says otherwise".to_owned(),
    };
    format!(
        "a node was still starting the target when the time was up, so it was withdrawn; a target with a health check runs once the first check has passed, after the Interval of Healthcheck, {interval}; set StartPeriod and StartInterval of Healthcheck in container_patch to check sooner"
    )
}
