//! Every error, its status, its two messages.
//!
//! The caller reads a fixed sentence, [`Error::message`]: BastionZero shows it
//! to the person who is connecting. The log gets [`Display`](fmt::Display),
//! with the detail. Neither ever holds a token, a secret, a header or a body.

use std::fmt;

use http::StatusCode;

use crate::config::Problems;
use crate::docker::{ContainerId, ImageReference};
use crate::engine::Fault;

/// Why a webhook did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The body is not what the webhook takes; the field and what is wrong.
    BadBody(String),
    /// `uniqueId` is not one that this server gives out.
    BadUniqueId,
    /// The query is not one that the webhook takes.
    BadQuery,
    /// The body did not arrive in time.
    BodyTooSlow,
    /// The body is longer than any webhook's.
    BodyTooLarge,
    /// The body is said not to be JSON.
    NotJson,
    /// The credentials are not right; how, for the log alone.
    Unauthorized(&'static str),
    /// No such webhook.
    UnknownPath,
    /// The webhook has one method, and this is not it.
    WrongMethod {
        /// The method that it has.
        allow: &'static str,
    },
    /// The container to stop is not one of this deployment.
    NotOurs(ContainerId),
    /// A container that is not of this deployment has the target's name.
    NameTaken(ContainerId),
    /// Variables of this server are wrong.
    Misconfigured(Problems),
    /// The Engine has no such image.
    NoSuchImage(ImageReference),
    /// The Engine does not have the image yet: its pull takes longer than a
    /// webhook may.
    ImageBeingPulled(ImageReference),
    /// The image's registry does not give it out.
    ImageNotToBeHad {
        /// The image.
        image: ImageReference,
        /// The registry's words.
        reason: String,
    },
    /// The pull of the image failed on the way.
    PullFailed {
        /// The image.
        image: ImageReference,
        /// The Engine's words.
        reason: String,
    },
    /// The Engine has no such network.
    NoSuchNetwork(String),
    /// The Engine would run the container without a limit that it should have;
    /// its words.
    LimitDropped(String),
    /// The Engine does not accept the container as it is configured.
    Refused(Fault),
    /// The Engine answered with a failure of its own, or not as an Engine.
    EngineFailed(Fault),
    /// No connection to the Engine.
    EngineUnreachable(Fault),
    /// The Engine did not answer in time, or the webhook's time is spent.
    OutOfTime(Fault),
    /// Another request with the same token is at work on its target.
    InProgress,
    /// Another request is removing the container.
    RemovalInProgress,
    /// The token's target has ended, and is not run again.
    TargetEnded(ContainerId),
    /// The agent is to register at a place that is not allowed.
    ServiceUrlNotAllowed,
    /// The token's target was started with another payload.
    OtherPayload(ContainerId),
    /// As many targets live as may.
    TooManyTargets {
        /// How many that is.
        max: usize,
        /// Of the environment in question, or of all.
        of: &'static str,
    },
    /// The health check failed, and why.
    Unhealthy(Box<Error>),
}

impl Error {
    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadBody(_) | Self::BadUniqueId | Self::BadQuery => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::UnknownPath | Self::NotOurs(_) => StatusCode::NOT_FOUND,
            Self::WrongMethod { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Misconfigured(_)
            | Self::NoSuchImage(_)
            | Self::ImageNotToBeHad { .. }
            | Self::NoSuchNetwork(_)
            | Self::LimitDropped(_)
            | Self::Refused(_)
            | Self::NameTaken(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::EngineFailed(_) | Self::PullFailed { .. } => StatusCode::BAD_GATEWAY,
            Self::TargetEnded(_) => StatusCode::CONFLICT,
            Self::ServiceUrlNotAllowed | Self::OtherPayload(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyTargets { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::EngineUnreachable(_)
            | Self::ImageBeingPulled(_)
            | Self::InProgress
            | Self::RemovalInProgress
            | Self::Unhealthy(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::OutOfTime(_) => StatusCode::GATEWAY_TIMEOUT,
        }
    }

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

    /// Seconds after which the caller may try again, where that can help.
    ///
    /// Thirty for a start in progress: by then it has ended, one way or the
    /// other; likewise until a target's place is free. Ten else, since the
    /// caller's user is waiting.
    pub fn retry_after_seconds(&self) -> Option<u32> {
        match self {
            Self::InProgress | Self::TooManyTargets { .. } | Self::ImageBeingPulled(_) => Some(30),
            Self::EngineUnreachable(_) | Self::RemovalInProgress | Self::Unhealthy(_) => Some(10),
            _ => None,
        }
    }
}

impl Error {
    /// Whether another try, a moment later, may go better.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::EngineFailed(_) | Self::EngineUnreachable(_) | Self::OutOfTime(_)
        )
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match &fault {
            Fault::Unreachable(_) => Self::EngineUnreachable(fault),
            Fault::TimedOut | Fault::BudgetSpent => Self::OutOfTime(fault),
            Fault::Said { status, .. } if status.is_client_error() => Self::Refused(fault),
            Fault::Said { .. } | Fault::Broken(_) | Fault::Nonsense(_) => Self::EngineFailed(fault),
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
            Self::EngineFailed(fault) => write!(f, "the Engine failed: {fault}"),
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

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16) -> Fault {
        Fault::Said {
            status: StatusCode::from_u16(status).expect("a status"),
            message: "planted".to_owned(),
        }
    }

    fn id() -> ContainerId {
        ContainerId::parse(&"0".repeat(64)).expect("an id")
    }

    fn image() -> ImageReference {
        ImageReference::parse("planted").expect("an image")
    }

    /// One of each variant, and its status.
    fn all() -> Vec<(Error, u16)> {
        vec![
            (Error::BadBody("planted".to_owned()), 400),
            (Error::BadUniqueId, 400),
            (Error::BadQuery, 400),
            (Error::Unauthorized("planted"), 401),
            (Error::UnknownPath, 404),
            (Error::NotOurs(id()), 404),
            (Error::WrongMethod { allow: "GET" }, 405),
            (Error::BodyTooSlow, 408),
            (Error::TargetEnded(id()), 409),
            (Error::BodyTooLarge, 413),
            (Error::NotJson, 415),
            (Error::OtherPayload(id()), 422),
            (Error::ServiceUrlNotAllowed, 422),
            (
                Error::TooManyTargets {
                    max: 1,
                    of: "planted",
                },
                429,
            ),
            (Error::ImageBeingPulled(image()), 503),
            (
                Error::ImageNotToBeHad {
                    image: image(),
                    reason: "planted".to_owned(),
                },
                500,
            ),
            (
                Error::PullFailed {
                    image: image(),
                    reason: "planted".to_owned(),
                },
                502,
            ),
            (Error::NoSuchNetwork("planted".to_owned()), 500),
            (Error::LimitDropped("planted".to_owned()), 500),
            (Error::Misconfigured(Problems::one("x", "planted")), 500),
            (Error::NoSuchImage(image()), 500),
            (Error::NameTaken(id()), 500),
            (Error::Refused(said(400)), 500),
            (Error::EngineFailed(said(500)), 502),
            (
                Error::EngineUnreachable(Fault::Unreachable("planted".to_owned())),
                503,
            ),
            (Error::InProgress, 503),
            (Error::RemovalInProgress, 503),
            (Error::Unhealthy(Box::new(Error::NoSuchImage(image()))), 503),
            (Error::OutOfTime(Fault::TimedOut), 504),
        ]
    }

    #[test]
    fn every_error_has_its_status() {
        for (error, status) in all() {
            assert_eq!(error.status().as_u16(), status, "{error:?}");
        }
    }

    #[test]
    fn the_callers_sentence_holds_no_detail() {
        for (error, _) in all() {
            assert!(!error.message().contains("planted"), "{error:?}");
            assert!(error.message().ends_with('.'), "{error:?}");
        }
    }

    #[test]
    fn whoever_may_come_back_is_told_when() {
        for (error, status) in all() {
            let is_told = error.retry_after_seconds().is_some();
            assert_eq!(is_told, matches!(status, 429 | 503), "{error:?}");
        }
    }

    #[test]
    fn a_fault_becomes_the_error_of_who_is_to_blame() {
        for (fault, status) in [
            (Fault::Unreachable(String::new()), 503),
            (Fault::TimedOut, 504),
            (Fault::BudgetSpent, 504),
            (Fault::Broken(String::new()), 502),
            (Fault::Nonsense(String::new()), 502),
            (said(400), 500),
            (said(409), 500),
            (said(500), 502),
            (said(503), 502),
        ] {
            let error = Error::from(fault);
            assert_eq!(error.status().as_u16(), status, "{error:?}");
        }
    }
}
