//! Every error, its status, its two messages.
//!
//! The messages are in a file of their own; neither ever holds a token, a
//! secret, a header or a body.

mod messages;

use http::StatusCode;

use crate::config::Problems;
use crate::docker::{ContainerId, ImageReference, is_denial};
use crate::fault::Fault;

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
    /// What stands in front of the Engine does not let the request pass.
    Denied(Fault),
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
            | Self::Denied(_)
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
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::EngineFailed(_) | Self::EngineUnreachable(_) | Self::OutOfTime(_)
        )
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match &fault {
            Fault::Unreachable(_) | Fault::Untrusted(_) => Self::EngineUnreachable(fault),
            Fault::TimedOut | Fault::BudgetSpent => Self::OutOfTime(fault),
            Fault::EngineError { status, .. } if is_denial(*status) => Self::Denied(fault),
            Fault::EngineError { status, .. } if status.is_client_error() => Self::Refused(fault),
            Fault::EngineError { .. } | Fault::Broken(_) | Fault::Nonsense(_) => {
                Self::EngineFailed(fault)
            }
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16) -> Fault {
        Fault::EngineError {
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
            (Error::Denied(said(403)), 500),
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
            (Fault::Untrusted(String::new()), 503),
            (said(401), 500),
            (said(403), 500),
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
