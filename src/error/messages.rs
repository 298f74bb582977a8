//! The two messages of an error, one for the caller and one for the log, and its
//! code.
//!
//! BastionZero shows the caller's message to the person who is connecting, so it
//! is a fixed sentence. The log gets the detail, and the variable or the command
//! that fixes the problem.

use std::fmt;

use super::Error;
use crate::fault::Fault;
use crate::key::KeyKind;
use crate::platform::Barrier;

impl Error {
    /// The sentence for the caller. It is the same every time.
    pub fn message(&self) -> &'static str {
        match self {
            Self::BadBody(_) => {
                "The request body is not a JSON object with valid text fields for this webhook."
            }
            Self::BadField(sentence) => sentence,
            Self::BadIdempotencyKey => {
                "The header Idempotency-Key must be given once, with 1 to 255 visible ASCII characters."
            }
            Self::BadUniqueId => "The uniqueId does not have the form of this server's ids.",
            Self::BadQuery => "The query string is not valid for this webhook.",
            Self::Unauthorized(_) => "The credentials are missing or wrong.",
            Self::NotPermitted(_) => "These credentials do not open this route.",
            Self::CrossSite => "A browser may not send this request.",
            Self::UnknownPath => "This server has no such webhook.",
            Self::NoSuchTarget => "This server has no such target.",
            Self::WrongMethod { .. } => "This webhook must be called with another method.",
            Self::NotOurs(_) => "The uniqueId does not belong to a target of this server.",
            Self::BodyTooSlow => "The request body did not arrive in time.",
            Self::BodyTooLarge(64) => "The request body is larger than 64 KiB.",
            Self::BodyTooLarge(_) => "The request body is too large.",
            Self::NotJson => "The request body must be application/json.",
            Self::EncodedBody => "The request body must not have a Content-Encoding.",
            Self::Misconfigured(_) => {
                "The provisioning server is misconfigured. Its log names the variable to fix."
            }
            Self::NoSuchImage(_) => {
                "The Docker Engine does not have the agent image. Contact the administrator of the provisioning server."
            }
            Self::ImageBeingPulled(_) => {
                "The Docker Engine is still pulling the agent image. Try again shortly."
            }
            Self::PullStalled(_) => {
                "The Docker Engine gets no answer from the agent image's registry. Try again shortly."
            }
            Self::PullRefused { .. } => {
                "The registry refused to provide the agent image. Contact the administrator of the provisioning server."
            }
            Self::PullFailed { .. } => {
                "The Docker Engine failed to pull the agent image. Try again shortly."
            }
            Self::NoSuchNetwork(_) => {
                "The Docker Engine does not have the network for targets. Contact the administrator of the provisioning server."
            }
            Self::LimitDropped(_) => {
                "The Docker Engine cannot enforce a limit of the target. Contact the administrator of the provisioning server."
            }
            Self::Refused(_) => {
                "The Docker Engine rejected the target's configuration. Contact the administrator of the provisioning server."
            }
            Self::Denied(_) => {
                "The provisioning server was denied access to the Docker Engine. Contact the administrator of the provisioning server."
            }
            Self::NameTaken(_) | Self::NameUnlisted(_) => {
                "A container that does not belong to this server has the target's name. Contact the administrator of the provisioning server."
            }
            Self::EngineFailed(_) => {
                "The Docker Engine failed. Contact the administrator of the provisioning server."
            }
            Self::EngineUnreachable(_) => "The Docker Engine cannot be reached. Try again shortly.",
            Self::OutOfTime(_) => "The Docker Engine did not answer in time. Try again shortly.",
            Self::InProgress => "This target is already being started. Try again shortly.",
            Self::RemovalInProgress => "This target is already being removed. Try again shortly.",
            Self::TokenUnreadable { .. } => {
                "The agent image does not run as root. Contact the administrator of the provisioning server."
            }
            Self::TargetEnded {
                of: KeyKind::IdempotencyKey,
                ..
            } => "The target of this Idempotency-Key has ended. Use another key to get a new one.",
            Self::TargetEnded {
                of: KeyKind::ActivationToken,
                ..
            } => "The target of this activation token has ended. Connect again to get a new one.",
            Self::TargetVanished(_) => {
                "The target was removed before it was started. Try again shortly."
            }
            Self::ServiceUrlNotAllowed => {
                "Targets of this server may not register at this serviceUrl. Ask the administrator of the provisioning server to check service_urls."
            }
            Self::OtherPayload {
                of: KeyKind::IdempotencyKey,
                ..
            } => {
                "This Idempotency-Key was already used with another environment, serviceUrl or lifetime."
            }
            Self::LifetimeTooLong(_) => "The lifetime is longer than that of the environment.",
            Self::EmptySecret => "This server cannot give a target an empty secret.",
            Self::SecretsNeedFiles => {
                "This server cannot give a target its secrets. Ask its administrator to check token_delivery."
            }
            Self::OtherPayload {
                of: KeyKind::ActivationToken,
                ..
            } => "This activation token was already used with another serviceUrl or environmentId.",
            Self::TooManyTargets { .. } => {
                "This server has reached its maximum number of targets. Try again later."
            }
            Self::NoRoom(_) => "The Docker Engine has no room for another target. Try again later.",
            Self::NoNode(_) => {
                "No node of the Docker Swarm has room for another target. Try again later."
            }
            Self::ManagersDiffer(_) => {
                "The managers of the Docker Swarm have different versions. Try again later."
            }
            Self::NodeTooOld(_) => {
                "A node of the Docker Swarm is too old to run targets safely. Contact the administrator of the provisioning server."
            }
            Self::NoNodes => "No node of the Docker Swarm takes targets. Try again later.",
            Self::StillPreparing(_) => {
                "The agent image is being pulled by a node of the Docker Swarm. Try again shortly."
            }
            Self::NodePullFailed { .. } => {
                "No node of the Docker Swarm could pull the agent image. Try again shortly."
            }
            Self::Unchecked(_) => {
                "The Docker Swarm took too long to check the target. Try again shortly."
            }
            Self::StartTooSlow => {
                "The Docker Swarm took too long to start the target. Try again shortly."
            }
            Self::NoLeader(_) => {
                "The managers of the Docker Swarm cannot reach each other. Try again shortly."
            }
            Self::Unhealthy(_) => "The provisioning server cannot start targets at the moment.",
        }
    }
}

impl Error {
    /// A word for it that never changes, for programs that read the log.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadBody(_) | Self::BadField(_) => "bad_body",
            Self::BadIdempotencyKey => "bad_idempotency_key",
            Self::BadUniqueId => "bad_unique_id",
            Self::BadQuery => "bad_query",
            Self::BodyTooSlow => "body_too_slow",
            Self::BodyTooLarge(_) => "body_too_large",
            Self::NotJson => "not_json",
            Self::EncodedBody => "encoded_body",
            Self::Unauthorized(_) => "unauthorized",
            Self::NotPermitted(_) => "not_permitted",
            Self::CrossSite => "cross_site",
            Self::UnknownPath => "unknown_path",
            Self::NoSuchTarget => "no_such_target",
            Self::WrongMethod { .. } => "wrong_method",
            Self::NotOurs(_) => "not_ours",
            Self::NameTaken(_) | Self::NameUnlisted(_) => "name_taken",
            Self::Misconfigured(_) => "misconfigured",
            Self::NoSuchImage(_) => "no_such_image",
            Self::ImageBeingPulled(_) => "image_being_pulled",
            Self::StillPreparing(_) => "still_preparing",
            Self::NodePullFailed { .. } => "node_pull_failed",
            Self::Unchecked(_) => "unchecked",
            Self::StartTooSlow => "start_too_slow",
            Self::NoNode(_) => "no_node",
            Self::NoNodes => "no_nodes",
            Self::NodeTooOld(_) => "node_too_old",
            Self::ManagersDiffer(_) => "managers_differ",
            Self::NoLeader(_) => "no_leader",
            Self::PullStalled(_) => "pull_stalled",
            Self::PullRefused { .. } => "pull_refused",
            Self::TokenUnreadable { .. } => "token_unreadable",
            Self::PullFailed { .. } => "pull_failed",
            Self::NoSuchNetwork(_) => "no_such_network",
            Self::LimitDropped(_) => "limit_dropped",
            Self::Refused(_) => "refused",
            Self::Denied(_) => "denied",
            Self::EngineFailed(_) => "engine_failed",
            Self::EngineUnreachable(_) => "engine_unreachable",
            Self::OutOfTime(_) => "out_of_time",
            Self::InProgress => "in_progress",
            Self::RemovalInProgress => "removal_in_progress",
            Self::TargetEnded { .. } => "target_ended",
            Self::TargetVanished(_) => "target_vanished",
            Self::ServiceUrlNotAllowed => "service_url_not_allowed",
            Self::OtherPayload { .. } => "other_payload",
            Self::LifetimeTooLong(_) => "lifetime_too_long",
            Self::SecretsNeedFiles => "secrets_need_files",
            Self::EmptySecret => "empty_secret",
            Self::TooManyTargets { .. } => "too_many_targets",
            Self::NoRoom(_) => "no_room",
            // Why is what counts; the status says that it is a health check.
            Self::Unhealthy(cause) => cause.code(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadBody(detail) => write!(f, "invalid body: {detail}"),
            Self::BadField(sentence) => write!(f, "invalid body: {sentence}"),
            Self::BadIdempotencyKey => {
                f.write_str("the header Idempotency-Key is missing, given twice or invalid")
            }
            Self::BadUniqueId => {
                f.write_str("invalid body: uniqueId is neither 64 lower-case hex digits nor, as on a Swarm, 25 lower-case letters and digits")
            }
            Self::BadQuery => f.write_str("invalid query; /reap takes dry_run=1 alone, and a list or the page one environment"),
            Self::BodyTooSlow => f.write_str("the body did not arrive in time"),
            Self::BodyTooLarge(kib) => write!(f, "the body is larger than {kib} KiB"),
            Self::NotJson => f.write_str("the Content-Type is not JSON"),
            Self::EncodedBody => f.write_str("the body has a Content-Encoding"),
            Self::Unauthorized(detail) => write!(f, "unauthorized: {detail}"),
            Self::NotPermitted(caller) => write!(f, "{caller} does not open this route"),
            Self::CrossSite => f.write_str(
                "a browser has sent this request (it has Origin or Sec-Fetch-Site), so a page of another site may have made it",
            ),
            Self::UnknownPath => f.write_str("unknown path"),
            Self::NoSuchTarget => f.write_str("no target of this deployment has this id"),
            Self::WrongMethod { allow } => write!(f, "wrong method; this path takes {allow}"),
            Self::NotOurs(id) => write!(
                f,
                "target {} does not belong to this deployment; check deployment_id and scheduler",
                id.short()
            ),
            Self::NameTaken(id) => write!(
                f,
                "container {} has the target's name but does not belong to this deployment; remove or rename it",
                id.short()
            ),
            Self::NameUnlisted(words) => write!(
                f,
                "the target's name is taken, and no list shows the container that has it: {words}; remove that container, which another tool may have made, or Podman when it was killed: podman ps --all --external"
            ),
            Self::Misconfigured(problems) => write!(f, "misconfigured: {problems}"),
            Self::NoSuchImage(image) => write!(
                f,
                "the Engine has no image {image}; build or pull it there, or change agent_image or environments"
            ),
            Self::Refused(fault) => write!(
                f,
                "the Engine refused: {fault}; if this is about the container's options, check container_patch and environments"
            ),
            Self::ImageBeingPulled(image) => write!(
                f,
                "the pull of {image} outlasts the webhook and continues in the background, where the platform allows it"
            ),
            Self::PullStalled(image) => write!(
                f,
                "the pull of {image} makes no progress; check that the Engine can reach the registry"
            ),
            Self::PullRefused { image, reason } => write!(
                f,
                "{image} cannot be pulled from its registry: {reason}; check agent_image, environments and registry_auth"
            ),
            Self::PullFailed { image, reason } => write!(f, "the pull of {image} failed: {reason}"),
            Self::NoSuchNetwork(network) => write!(
                f,
                "the Engine has no network {network}; create it: docker network create --opt com.docker.network.bridge.enable_icc=false {network}"
            ),
            Self::LimitDropped(warning) => write!(
                f,
                "the Engine would run the target without a limit: {warning}; enable that limit in the kernel of the Engine's host"
            ),
            Self::EngineFailed(fault @ Fault::Nonsense(_)) => write!(
                f,
                "{fault}; check that docker_url points to a Docker Engine, and that it is https if the Engine speaks TLS"
            ),
            Self::EngineFailed(fault @ Fault::TooLong { .. }) => fault.fmt(f),
            Self::EngineFailed(fault) => write!(f, "the Engine failed: {fault}"),
            Self::Denied(fault @ Fault::Forbidden(Barrier::AllowedHosts)) => write!(
                f,
                "{fault}; check that allowed_outbound_hosts in the manifest has the scheme, host and port of docker_url. Spin before 3.4 wants the host in lower case. Fermyon Cloud wants the URL itself there, and no variable"
            ),
            Self::Denied(fault @ Fault::Forbidden(Barrier::BlockedNetworks)) => write!(
                f,
                "{fault}; check block_networks in Spin's runtime configuration. A hosted Spin reaches public addresses only"
            ),
            Self::Denied(fault) => write!(
                f,
                "access to the Engine was denied: {fault}; check docker_authorization, and the proxy's list of calls or the authorisation plugin's policy"
            ),
            Self::EngineUnreachable(fault @ Fault::Untrusted(_)) => write!(
                f,
                "{fault}; check that docker_url's host is a subject alternative name of the server's certificate, that the certificate has not expired, that [[client_tls]] in Spin's runtime configuration names this host and the certificate authority (ca_roots_file), and that the port speaks TLS; Spin's own log may say which of these it is"
            ),
            Self::EngineUnreachable(fault) => write!(
                f,
                "{fault}; check that docker_url is right and that the Engine is running"
            ),
            Self::OutOfTime(fault) => fault.fmt(f),
            Self::InProgress => f.write_str("another request is starting this target"),
            Self::RemovalInProgress => f.write_str(
                "this target is being removed, by another request or by a node of the Swarm that has not confirmed it; docker node ls shows a node that is down",
            ),
            Self::TokenUnreadable { image, user } => write!(
                f,
                "{image} runs as the user {user}, and only root can read the token's file; set User to root in container_patch or environments, or token_delivery to env"
            ),
            Self::TargetEnded {
                id,
                of,
                exit_code: Some(code),
                is_unhealthy,
            } => {
                let why = match (is_unhealthy, id.is_of_service()) {
                    (true, _) => "because its health check failed, that of the image or of container_patch",
                    // One that ends with 0 when it is stopped has no more to tell.
                    (false, true) => "docker logs may say why, or its health check has failed, which ends a target of a Swarm",
                    (false, false) => "docker logs may say why",
                };
                write!(
                    f,
                    "container {} of this {of} has ended with exit code {code} and is not started again; {why}",
                    id.short()
                )
            }
            Self::TargetEnded {
                id,
                of,
                exit_code: None,
                ..
            } => write!(
                f,
                "container {} of this {of} has ended and is not started again",
                id.short()
            ),
            Self::TargetVanished(id) => write!(
                f,
                "container {} was removed by somebody else before it was started, and so were those made after it; let docker container prune spare it: --filter label!=dynamic-access.deployment",
                id.short()
            ),
            Self::ServiceUrlNotAllowed => {
                f.write_str("the serviceUrl matches none of service_urls")
            }
            Self::OtherPayload { id, of } => write!(
                f,
                "container {} of this {of} was started with another payload (environment, serviceUrl or lifetime)",
                id.short()
            ),
            Self::LifetimeTooLong(longest) => write!(
                f,
                "the lifetime is longer than max_lifetime of the environment, which is {} s",
                longest.as_secs()
            ),
            Self::EmptySecret => f.write_str("a secret is empty, and a Swarm takes 1 to 511999 bytes"),
            Self::SecretsNeedFiles => f.write_str(
                "token_delivery is env, which puts one token into the environment of a target; POST /v1/targets needs file",
            ),
            Self::TooManyTargets { max, of } => {
                write!(f, "max_targets {of} is reached: {max} at most")
            }
            Self::NoRoom(fault) => write!(
                f,
                "the targets' network is full: {fault}; lower max_targets, or create the network with a larger subnet"
            ),
            Self::NoNode(reason) => write!(
                f,
                "the target found no node: {reason}; add nodes, lower the Reservations in container_patch, or check its Constraints"
            ),
            Self::NoNodes => f.write_str(
                "no node of the Swarm is ready, active and a worker; see docker node ls, or permit managers with Constraints in container_patch",
            ),
            Self::NodeTooOld(node) => node.fmt(f),
            Self::ManagersDiffer(fault) => write!(
                f,
                "{fault}; managers of different versions do this: upgrade all of them, see docker node ls"
            ),
            Self::StillPreparing(image) => write!(
                f,
                "a node was still preparing the target when the time was up, so it was withdrawn; pull {image} on every node beforehand"
            ),
            Self::NodePullFailed { image, reason } => write!(
                f,
                "no node could pull {image}: {reason}; check its registry, the reference, and registry_auth, whose credentials may have expired; or pull it on every node beforehand"
            ),
            Self::Unchecked(interval) => {
                f.write_str("a node was still starting the target when the time was up, so it was withdrawn; a target with a health check runs once the first check has passed, after the Interval of Healthcheck, ")?;
                match interval {
                    Some(interval) => write!(f, "which is {} s in the patch", interval.as_secs_f32())?,
                    None => f.write_str("which is 30 s unless the image says otherwise")?,
                }
                f.write_str("; set StartPeriod and StartInterval of Healthcheck in container_patch to check sooner")
            }
            Self::StartTooSlow => f.write_str(
                "the target did not run when the time was up, so it was withdrawn; the Swarm has too many starts at once, or its nodes are slow",
            ),
            Self::NoLeader(fault) => write!(
                f,
                "the Swarm cannot act: {fault}; a majority of its managers must reach each other, see docker node ls"
            ),
            Self::Unhealthy(cause) => write!(f, "unhealthy: {cause}"),
        }
    }
}
