//! What is said of an error: to the caller, and in the log.
//!
//! The caller reads a fixed sentence: BastionZero shows it to the person who
//! is connecting. The log gets the detail.

use std::fmt;

use super::Error;
use crate::fault::Fault;

impl Error {
    /// The sentence for the caller, the same each time.
    pub fn message(&self) -> &'static str {
        match self {
            Self::BadBody(_) => {
                "The request's body is not a JSON object with the well-formed text fields that this webhook takes."
            }
            Self::BadUniqueId => {
                "The uniqueId is not 64 lower-case hexadecimal digits, as this server gives out."
            }
            Self::BadQuery => "The query is not one that this webhook takes.",
            Self::Unauthorized(_) => "The credentials are missing or wrong.",
            Self::UnknownPath => "There is no such webhook here.",
            Self::WrongMethod { .. } => "This webhook is called with another method.",
            Self::NotOurs(_) => "The uniqueId is not that of a target of this server.",
            Self::BodyTooSlow => "The request's body did not arrive in time.",
            Self::BodyTooLarge => "The request's body is over 64 KiB.",
            Self::NotJson => "The request's body must be application/json.",
            Self::Misconfigured(_) => {
                "The provisioning server is misconfigured. Its log says which variable to mend."
            }
            Self::NoSuchImage(_) => {
                "The Docker Engine does not have the agent image. Ask the administrator of the provisioning server."
            }
            Self::ImageBeingPulled(_) => {
                "The Docker Engine is still getting the agent image. Try again shortly."
            }
            Self::ImageNotToBeHad { .. } => {
                "The agent image's registry does not give it out. Ask the administrator of the provisioning server."
            }
            Self::PullFailed { .. } => {
                "The Docker Engine failed to get the agent image. Try again shortly."
            }
            Self::NoSuchNetwork(_) => {
                "The Docker Engine does not have the targets' network. Ask the administrator of the provisioning server."
            }
            Self::LimitDropped(_) => {
                "The Docker Engine cannot limit the target as it should be. Ask the administrator of the provisioning server."
            }
            Self::Refused(_) => {
                "The Docker Engine does not accept the target as it is configured. Ask the administrator of the provisioning server."
            }
            Self::Denied(_) => {
                "The Docker Engine does not admit the provisioning server. Ask the administrator of the provisioning server."
            }
            Self::NameTaken(_) => {
                "A container that is not this server's has the target's name. Ask the administrator of the provisioning server."
            }
            Self::EngineFailed(_) => {
                "The Docker Engine failed. Ask the administrator of the provisioning server."
            }
            Self::EngineUnreachable(_) => "The Docker Engine cannot be reached. Try again shortly.",
            Self::OutOfTime(_) => "The Docker Engine did not answer in time. Try again shortly.",
            Self::InProgress => "This target is being started already. Try again shortly.",
            Self::RemovalInProgress => "This target is being removed already. Try again shortly.",
            Self::TargetEnded(_) => {
                "This activation token's target has ended. Connect again to get a new one."
            }
            Self::ServiceUrlNotAllowed => {
                "The serviceUrl is not one at which this server's targets may register. Ask the administrator of the provisioning server to look at service_urls."
            }
            Self::OtherPayload(_) => {
                "This activation token was used with another serviceUrl or environmentId."
            }
            Self::TooManyTargets { .. } => "As many targets run as are allowed. Try again later.",
            Self::Unhealthy(_) => "The provisioning server cannot start targets now.",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadBody(detail) => write!(f, "bad body: {detail}"),
            Self::BadUniqueId => f.write_str("bad body: uniqueId is not 64 lower-case hex digits"),
            Self::BadQuery => f.write_str("bad query: nothing, or dry_run=1"),
            Self::BodyTooSlow => f.write_str("the body did not arrive in time"),
            Self::BodyTooLarge => f.write_str("the body is over 64 KiB"),
            Self::NotJson => f.write_str("the Content-Type is not JSON"),
            Self::Unauthorized(detail) => write!(f, "unauthorized: {detail}"),
            Self::UnknownPath => f.write_str("unknown path"),
            Self::WrongMethod { allow } => write!(f, "wrong method, {allow} is the right one"),
            Self::NotOurs(id) => write!(f, "container {} is not ours", id.short()),
            Self::NameTaken(id) => write!(
                f,
                "container {} has the target's name and is not ours; remove or rename it",
                id.short()
            ),
            Self::Misconfigured(problems) => write!(f, "misconfigured: {problems}"),
            Self::NoSuchImage(image) => write!(
                f,
                "the Engine has no image {image}; build or pull it there, or name another one"
            ),
            Self::Refused(fault) => write!(f, "the Engine refused: {fault}"),
            Self::ImageBeingPulled(image) => {
                write!(f, "the pull of {image} takes longer than a webhook may")
            }
            Self::ImageNotToBeHad { image, reason } => write!(
                f,
                "{image} is not to be had from its registry: {reason}; see agent_image and registry_auth"
            ),
            Self::PullFailed { image, reason } => write!(f, "the pull of {image} failed: {reason}"),
            Self::NoSuchNetwork(network) => write!(
                f,
                "the Engine has no network {network}; docker network create --opt com.docker.network.bridge.enable_icc=false {network}"
            ),
            Self::LimitDropped(warning) => write!(f, "a limit would not hold: {warning}"),
            Self::EngineFailed(fault @ Fault::Nonsense(_)) => write!(
                f,
                "{fault}; see that docker_url is an Engine's, and https if it speaks TLS"
            ),
            Self::EngineFailed(fault) => write!(f, "the Engine failed: {fault}"),
            Self::Denied(fault) => write!(
                f,
                "what stands in front of the Engine denied it: {fault}; see docker_authorization, and the proxy's list of calls or the authorisation plugin's policy"
            ),
            Self::EngineUnreachable(fault @ Fault::Untrusted(_)) => write!(
                f,
                "{fault}; see that docker_url's host is a subject alternative name of the server's certificate, that this has not expired, that [[client_tls]] in Spin's runtime configuration names the host and the authority (ca_roots_file), and that the port speaks TLS; Spin's own log may say which"
            ),
            Self::EngineUnreachable(fault) => {
                write!(
                    f,
                    "{fault}; see that docker_url is right and the Engine runs"
                )
            }
            Self::OutOfTime(fault) => fault.fmt(f),
            Self::InProgress => f.write_str("another request is starting this target"),
            Self::RemovalInProgress => f.write_str("another request is removing this target"),
            Self::TargetEnded(id) => write!(
                f,
                "container {} of this token has ended and is not run again",
                id.short()
            ),
            Self::ServiceUrlNotAllowed => f.write_str("the serviceUrl is outside service_urls"),
            Self::OtherPayload(id) => write!(
                f,
                "container {} of this token was started with another serviceUrl or environmentId",
                id.short()
            ),
            Self::TooManyTargets { max, of } => {
                write!(f, "max_targets {of} is reached: {max} live")
            }
            Self::Unhealthy(cause) => write!(f, "unhealthy: {cause}"),
        }
    }
}
