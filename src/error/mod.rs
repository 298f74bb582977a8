//! Every error, in families by cause: the request itself, its caller, its order, a
//! target, the Engine or the Swarm.
//!
//! Each family has a file, where each error has its status, its code, its two messages
//! and its time to try again in one place. No message contains a token, a secret, a
//! header or a body.

mod caller;
mod engine;
mod order;
mod request;
mod swarm;
mod target;
#[cfg(test)]
pub(crate) mod tests;

use std::borrow::Cow;
use std::fmt;

use http::StatusCode;

pub(crate) use caller::CallerError;
pub(crate) use engine::EngineError;
pub use order::OrderError;
pub(crate) use request::RequestError;
pub(crate) use swarm::SwarmError;
pub use target::TargetError;

use crate::docker::{is_denial, is_full, ports};
use crate::fault::Fault;

/// Why a request did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The request is not understood.
    Request(RequestError),
    /// The caller may not make the request.
    Caller(CallerError),
    /// Variables of this server are wrong, in these ways.
    Misconfigured(String),
    /// A start asks for more than is allowed.
    Order(OrderError),
    /// The state of the target does not allow the request.
    Target(TargetError),
    /// The Engine cannot run the target, or do what is asked.
    Engine(EngineError),
    /// The Swarm does not run the target.
    Swarm(SwarmError),
    /// The health check failed, for this reason.
    Unhealthy(Box<Error>),
}

impl Error {
    fn told(&self) -> Told {
        match self {
            Self::Request(error) => error.told(),
            Self::Caller(error) => error.told(),
            Self::Misconfigured(problems) => Told::new(
                (StatusCode::INTERNAL_SERVER_ERROR, "misconfigured"),
                "The provisioning server is misconfigured. Its log names the variable to fix.",
                format!("misconfigured: {problems}"),
            ),
            Self::Order(error) => error.told(),
            Self::Target(error) => error.told(),
            Self::Engine(error) => error.told(),
            Self::Swarm(error) => error.told(),
            Self::Unhealthy(cause) => {
                let cause = cause.told();
                Told::new(
                    // The code is the reason's; the status is that of a health check.
                    (StatusCode::SERVICE_UNAVAILABLE, cause.code),
                    "The provisioning server cannot start targets at the moment.",
                    format!("unhealthy: {}", cause.detail),
                )
                .retry_soon()
            }
        }
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.told().status
    }

    /// Seconds after which the caller should try again, where that can help.
    pub fn retry_after_seconds(&self) -> Option<u32> {
        self.told().retry_after
    }

    /// Its code, which never changes, for programs that read the log.
    pub fn code(&self) -> &'static str {
        self.told().code
    }

    /// The sentence for the caller. It is the same every time.
    pub fn message(&self) -> &'static str {
        self.told().message
    }

    /// Whether another try a moment later may succeed.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Engine(
                EngineError::Failed(_) | EngineError::Unreachable(_) | EngineError::OutOfTime(_)
            ) | Self::Swarm(SwarmError::NoLeader(_))
        )
    }
}

impl fmt::Display for Error {
    /// The message for the log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told().detail)
    }
}

impl std::error::Error for Error {}

/// The contents of one error. No text contains a token, a secret, a header or a body.
#[derive(Debug)]
struct Told {
    /// The status of the answer.
    status: StatusCode,
    /// Seconds after which the caller should try again, where that can help.
    retry_after: Option<u32>,
    /// A word for the error that never changes, for programs that read the log.
    code: &'static str,
    /// The sentence for the caller, always the same. BastionZero shows it to the person
    /// who is connecting.
    message: &'static str,
    /// The detail for the log, and the variable or the command that fixes the problem.
    detail: Cow<'static, str>,
}

impl Told {
    /// The contents. If the status says that another try can help, the caller should make
    /// it after 30 seconds: by then a start in progress has certainly succeeded or failed,
    /// and a pull, a full server or a Swarm without enough nodes has had some time.
    fn new(
        (status, code): (StatusCode, &'static str),
        message: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        let may_pass = [
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::SERVICE_UNAVAILABLE,
        ];
        Self {
            status,
            retry_after: may_pass.contains(&status).then_some(30),
            code,
            message,
            detail: detail.into(),
        }
    }

    /// The caller should try again soon, because its user is waiting.
    fn retry_soon(mut self) -> Self {
        self.retry_after = Some(10);
        self
    }
}

macro_rules! from_families {
    ($($family:ident($error:ident),)*) => {
        $(
            impl From<$error> for Error {
                fn from(error: $error) -> Self {
                    Self::$family(error)
                }
            }
        )*
    };
}

from_families! {
    Request(RequestError),
    Caller(CallerError),
    Order(OrderError),
    Target(TargetError),
    Engine(EngineError),
    Swarm(SwarmError),
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match &fault {
            Fault::Unreachable(_) | Fault::Untrusted(_) => EngineError::Unreachable(fault).into(),
            Fault::Forbidden(_) => EngineError::Denied(fault).into(),
            Fault::TimedOut | Fault::CutShort { .. } | Fault::BudgetSpent => {
                EngineError::OutOfTime(fault).into()
            }
            Fault::Rejected { .. } => EngineError::Refused(fault).into(),
            Fault::Altered(_) => SwarmError::ManagersDiffer(fault).into(),
            Fault::NodeTooOld(detail) => SwarmError::NodeTooOld(detail.clone()).into(),
            Fault::Leaderless { .. } => SwarmError::NoLeader(fault).into(),
            Fault::EngineError { message, .. } if is_full(message) => {
                EngineError::NoRoom(fault).into()
            }
            Fault::EngineError { message, .. } if ports::is_taken(message) => {
                EngineError::PortTaken(fault).into()
            }
            Fault::EngineError { status, message } if is_denial(*status, message) => {
                EngineError::Denied(fault).into()
            }
            Fault::EngineError { status, .. } if status.is_client_error() => {
                EngineError::Refused(fault).into()
            }
            Fault::EngineError { .. }
            | Fault::ListFailed(_)
            | Fault::TooLong { .. }
            | Fault::Broken(_)
            | Fault::Nonsense(_) => EngineError::Failed(fault).into(),
        }
    }
}
