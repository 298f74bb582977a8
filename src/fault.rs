//! Why a call to the Engine failed, and whether it may have had an effect.

use std::fmt;
use std::time::Duration;

use http::StatusCode;

use crate::platform::{Barrier, REPLY_BYTES_MAX};

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No connection: the call had no effect.
    Unreachable(String),
    /// The TLS handshake failed: the call had no effect.
    Untrusted(String),
    /// The platform did not send the call: it had no effect.
    Forbidden(Barrier),
    /// The call's time was up: it may have had an effect.
    TimedOut,
    /// The call's time was up while the reply arrived.
    CutShort {
        /// The end of the reply so far.
        end: Vec<u8>,
        /// The time since the last byte arrived.
        quiet: Duration,
    },
    /// The reply is longer than [`REPLY_BYTES_MAX`]: the call may have had an effect.
    TooLong {
        /// The name of the call.
        call: &'static str,
        /// Why it may be so long, and what to do about it.
        advice: &'static str,
    },
    /// The connection broke: it may have had an effect.
    Broken(String),
    /// The call was not made, because no time is left for the webhook.
    BudgetSpent,
    /// The reply does not come from an Engine: the call may have had an effect.
    Nonsense(String),
    /// A node of a Swarm rejected the target.
    Rejected {
        /// The id of the node.
        node: String,
        /// Its reason.
        reason: String,
    },
    /// The Engine answered a list with 404, in these words. A list always exists, so
    /// something else is missing: Docker's containerd store says this about the content
    /// of an image.
    ListFailed(String),
    /// A manager of a Swarm left an option out of a service, so nothing was changed.
    Altered(String),
    /// A node of a Swarm does not know an option of a service, so nothing was changed.
    /// Holds a sentence that names both.
    NodeTooOld(String),
    /// The Engine, or a gateway in front of it, answered with an error.
    EngineError {
        /// A status of 400 or more.
        status: StatusCode,
        /// The Engine's own words.
        message: String,
    },
    /// The same from a manager that cannot act for its Swarm.
    Leaderless {
        /// A status of 400 or more.
        status: StatusCode,
        /// The manager's own words.
        message: String,
    },
}

impl Fault {
    /// Whether the call certainly had no effect.
    pub fn is_without_effect(&self) -> bool {
        match self {
            Self::Unreachable(_)
            | Self::Untrusted(_)
            | Self::Forbidden(_)
            | Self::BudgetSpent
            | Self::Rejected { .. }
            | Self::ListFailed(_)
            | Self::Altered(_)
            | Self::NodeTooOld(_) => true,
            Self::EngineError { status, .. } | Self::Leaderless { status, .. } => {
                status.is_client_error()
            }
            Self::TimedOut
            | Self::CutShort { .. }
            | Self::TooLong { .. }
            | Self::Broken(_)
            | Self::Nonsense(_) => false,
        }
    }

    /// Whether the same call may succeed a moment later. An Engine or a proxy refuses the
    /// same call again, unless it was a proxy's 408 or 429.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_)
            | Self::Untrusted(_)
            | Self::TimedOut
            | Self::CutShort { .. }
            | Self::Broken(_)
            | Self::ListFailed(_)
            | Self::Nonsense(_) => true,
            // Spin's settings stay the same for a retry.
            Self::Forbidden(_) | Self::BudgetSpent | Self::Rejected { .. } => false,
            // The list is still as long a moment later.
            Self::TooLong { .. } => false,
            // Another manager may be asked, but not within this request.
            Self::Altered(_) | Self::NodeTooOld(_) => false,
            Self::EngineError { status, .. } | Self::Leaderless { status, .. } => {
                let of_the_moment = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
                status.is_server_error() || of_the_moment.contains(status)
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(detail) => write!(f, "no connection to the Engine: {detail}"),
            Self::Untrusted(detail) => write!(f, "no TLS with the Engine: {detail}"),
            Self::Forbidden(Barrier::AllowedHosts) => {
                f.write_str("Spin does not let this server call docker_url (HttpRequestDenied)")
            }
            Self::Forbidden(Barrier::BlockedNetworks) => {
                f.write_str("Spin blocks the address of docker_url (DestinationIpProhibited)")
            }
            Self::TimedOut => f.write_str("the Engine did not answer in time"),
            Self::CutShort { .. } => f.write_str("the Engine's answer was not complete in time"),
            Self::TooLong { call, advice } => write!(
                f,
                "the Engine's reply to the call {call} is longer than {} MiB, the limit; {advice}",
                REPLY_BYTES_MAX / 1024 / 1024
            ),
            Self::Broken(detail) => write!(f, "the connection to the Engine broke: {detail}"),
            Self::BudgetSpent => f.write_str("the request's time is spent"),
            Self::Nonsense(detail) => write!(f, "not an Engine's answer: {detail}"),
            Self::Rejected { node, reason } => {
                write!(f, "node {node} of the Swarm rejected the task: {reason}")
            }
            Self::ListFailed(message) => {
                write!(f, "the Engine answered a list with 404: {message}")
            }
            Self::Altered(detail) | Self::NodeTooOld(detail) => f.write_str(detail),
            Self::EngineError { status, message } | Self::Leaderless { status, message } => {
                write!(f, "{status}: {message}")
            }
        }
    }
}
