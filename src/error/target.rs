//! Targets that are missing, not ours, ended, or in use by another request.

use http::StatusCode;

use super::Told;
use crate::ages::RENEWED_BEFORE;
use crate::docker::TargetId;
use crate::key::KeyKind;

/// Why the state of a target does not allow a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetError {
    /// There is no such target, or it is not ours.
    NoSuchTarget,
    /// The container to stop does not belong to this deployment.
    NotOurs(TargetId),
    /// A container that does not belong to this deployment has the target's name.
    NameTaken(TargetId),
    /// The target's name is taken, and no list shows the holder. Holds the Engine's
    /// words.
    NameUnlisted(String),
    /// Another request with the same token is working on its target.
    InProgress,
    /// Another request is removing the container.
    RemovalInProgress,
    /// The key's target has ended, and is not started again.
    Ended {
        /// Its container.
        id: TargetId,
        /// What the key is.
        of: KeyKind,
        /// The exit code of its first process, if it is known.
        exit_code: Option<i64>,
        /// Whether its Swarm ended it because its health check failed.
        is_unhealthy: bool,
    },
    /// The target to renew has ended, or may end before the renewal is certain.
    RenewedTooLate(TargetId),
    /// Somebody else removed the target's container before it ran.
    Vanished(TargetId),
}

impl TargetError {
    pub(super) fn told(&self) -> Told {
        match self {
            Self::NoSuchTarget => Told::new(
                (StatusCode::NOT_FOUND, "no_such_target"),
                "This server has no such target.",
                "no target of this deployment has this id",
            ),
            Self::NotOurs(id) => Told::new(
                (StatusCode::NOT_FOUND, "not_ours"),
                "The uniqueId does not belong to a target of this server.",
                format!(
                    "target {} does not belong to this deployment; check deployment_id and scheduler",
                    id.short()
                ),
            ),
            Self::NameTaken(id) => name_taken(format!(
                "container {} has the target's name but does not belong to this deployment; remove or rename it",
                id.short()
            )),
            Self::NameUnlisted(words) => name_taken(format!(
                "the target's name is taken, and no list shows the holder: {words}; remove that container, left by another tool or by a killed Podman: podman ps --all --external"
            )),
            Self::InProgress => Told::new(
                (StatusCode::SERVICE_UNAVAILABLE, "in_progress"),
                "This target is already being started. Try again shortly.",
                "another request is starting this target",
            ),
            Self::RemovalInProgress => Told::new(
                (StatusCode::SERVICE_UNAVAILABLE, "removal_in_progress"),
                "This target is already being removed. Try again shortly.",
                "this target is being removed, by another request or by a node of the Swarm that has not confirmed it; docker node ls shows a node that is down",
            )
            .retry_soon(),
            Self::Ended {
                id,
                of,
                exit_code,
                is_unhealthy,
            } => Told::new(
                (StatusCode::CONFLICT, "target_ended"),
                match of {
                    KeyKind::IdempotencyKey => {
                        "The target of this Idempotency-Key has ended. Use another key to get a new one."
                    }
                    KeyKind::ActivationToken => {
                        "The target of this activation token has ended. Connect again to get a new one."
                    }
                },
                ended(id, *of, *exit_code, *is_unhealthy),
            ),
            Self::RenewedTooLate(id) => Told::new(
                (StatusCode::CONFLICT, "renewed_too_late"),
                "The target has ended, or ends within half a minute. Start another one.",
                format!(
                    "target {} has ended, or has less than {} s left",
                    id.short(),
                    RENEWED_BEFORE.as_secs()
                ),
            ),
            Self::Vanished(id) => Told::new(
                (StatusCode::SERVICE_UNAVAILABLE, "target_vanished"),
                "The target was removed before it was started. Try again shortly.",
                format!(
                    "container {} was removed by somebody else before it was started, and so were those made after it; exclude targets from docker container prune: --filter label!=dynamic-access.deployment",
                    id.short()
                ),
            )
            .retry_soon(),
        }
    }
}

fn name_taken(detail: String) -> Told {
    Told::new(
        (StatusCode::INTERNAL_SERVER_ERROR, "name_taken"),
        "A container that does not belong to this server has the target's name. Contact the administrator of the provisioning server.",
        detail,
    )
}

/// How a target ended, and where to look for the cause.
fn ended(id: &TargetId, of: KeyKind, exit_code: Option<i64>, is_unhealthy: bool) -> String {
    let container = format!("container {} of this {of} has ended", id.short());
    let Some(code) = exit_code else {
        return format!("{container} and is not started again");
    };
    let why = match (is_unhealthy, id.is_of_service()) {
        (true, _) => "its health check, from the image or container_patch, has failed",
        // A target that ends with 0 when it is stopped has no better hint.
        (false, true) => {
            "docker logs may say why, or its health check has failed, which ends a target of a Swarm"
        }
        (false, false) => "docker logs may say why",
    };
    format!("{container} with exit code {code} and is not started again; {why}")
}
