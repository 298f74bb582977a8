//! Every error, its status, and its two messages.
//!
//! The messages have a file of their own. Neither ever contains a token, a
//! secret, a header or a body.

mod messages;

use std::time::Duration;

use http::StatusCode;

use crate::caller::Caller;
use crate::config::Problems;
use crate::docker::{ImageReference, TargetId, is_denial, is_full, is_leaderless};
use crate::fault::{Fault, TooOld};
use crate::key::KeyKind;

/// Why a webhook did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The body is invalid: the field, and what is wrong with it.
    BadBody(String),
    /// The body of a route of `/v1` is invalid. Holds a sentence that names the member.
    BadField(&'static str),
    /// The `Idempotency-Key` is missing or invalid.
    BadIdempotencyKey,
    /// `uniqueId` does not have the form of this server's ids.
    BadUniqueId,
    /// The webhook does not take this query.
    BadQuery,
    /// The body did not arrive in time.
    BodyTooSlow,
    /// The body is longer than the route allows, in KiB.
    BodyTooLarge(usize),
    /// The Content-Type is not JSON.
    NotJson,
    /// The body has a Content-Encoding.
    EncodedBody,
    /// The credentials are wrong. The reason is for the log only.
    Unauthorized(&'static str),
    /// The secret does not open this route.
    NotPermitted(Caller),
    /// A browser has sent a request that would change something.
    CrossSite,
    /// There is no such webhook.
    UnknownPath,
    /// There is no such target, or it is not ours.
    NoSuchTarget,
    /// The webhook takes another method.
    WrongMethod {
        /// The method that it takes.
        allow: &'static str,
    },
    /// The container to stop does not belong to this deployment.
    NotOurs(TargetId),
    /// A container that does not belong to this deployment has the target's name.
    NameTaken(TargetId),
    /// The target's name is taken, and no list shows by what. Holds the Engine's words.
    NameUnlisted(String),
    /// Variables of this server are wrong.
    Misconfigured(Problems),
    /// The Engine has no such image.
    NoSuchImage(ImageReference),
    /// The Engine does not have the image yet: its pull makes progress and
    /// outlasts the webhook.
    ImageBeingPulled(ImageReference),
    /// The Engine does not have the image, and its pull makes no progress.
    PullStalled(ImageReference),
    /// The registry does not provide the image.
    PullRefused {
        /// The image.
        image: ImageReference,
        /// What the registry said.
        reason: String,
    },
    /// The image runs as a user who cannot read the token's file.
    TokenUnreadable {
        /// The image.
        image: ImageReference,
        /// Its user.
        user: String,
    },
    /// The pull of the image failed on the way.
    PullFailed {
        /// The image.
        image: ImageReference,
        /// What the Engine said.
        reason: String,
    },
    /// No node of the Swarm that was tried has the image, and the last one could not pull
    /// it.
    NodePullFailed {
        /// The image, whose reference names a registry.
        image: ImageReference,
        /// What the node said.
        reason: String,
    },
    /// The Engine has no such network.
    NoSuchNetwork(String),
    /// The Engine would run the container without a limit that it should have.
    /// Holds the Engine's warning.
    LimitDropped(String),
    /// The Engine rejected the request, usually for the container's options.
    Refused(Fault),
    /// The platform, or a proxy or a plugin in front of the Engine, denied the
    /// request.
    Denied(Fault),
    /// The Engine reported a failure of its own, or the reply is not an Engine's.
    EngineFailed(Fault),
    /// There is no connection to the Engine.
    EngineUnreachable(Fault),
    /// The Engine did not answer in time, or the webhook's time is spent.
    OutOfTime(Fault),
    /// Another request with the same token is working on its target.
    InProgress,
    /// Another request is removing the container.
    RemovalInProgress,
    /// The key's target has ended. It is not started again.
    TargetEnded {
        /// Its container.
        id: TargetId,
        /// What the key is.
        of: KeyKind,
        /// The exit code of its first process, if it is known.
        exit_code: Option<i64>,
        /// Whether its Swarm has ended it because its health check failed.
        is_unhealthy: bool,
    },
    /// The target's container was removed by somebody else before it ran.
    TargetVanished(TargetId),
    /// The agent would register at a place that is not allowed.
    ServiceUrlNotAllowed,
    /// The key's target was started with another payload.
    OtherPayload {
        /// Its container.
        id: TargetId,
        /// What the key is.
        of: KeyKind,
    },
    /// The lifetime asked for is longer than this one, which is the environment's.
    LifetimeTooLong(Duration),
    /// Secrets of `/v1` are files, and `token_delivery` is `env`.
    SecretsNeedFiles,
    /// A secret of `/v1` is empty, and a Swarm takes none that is.
    EmptySecret,
    /// The maximum number of targets is reached.
    TooManyTargets {
        /// The maximum.
        max: usize,
        /// Whether it is that of the environment or of all environments.
        of: &'static str,
    },
    /// The Engine's network has no room for another target.
    NoRoom(Fault),
    /// No node of the Swarm has room for another target. Holds the Swarm's reason.
    NoNode(String),
    /// No node of the Swarm takes targets: none is ready, active and permitted.
    NoNodes,
    /// A node of the Swarm has an Engine that does not know an option of the targets.
    NodeTooOld(TooOld),
    /// A manager of the Swarm has left something out of the target's service.
    ManagersDiffer(Fault),
    /// A node of the Swarm still prepares the target, which is mostly a pull of this
    /// image.
    StillPreparing(ImageReference),
    /// A node of the Swarm still started the target, and a health check may not have
    /// passed yet. Holds its interval if a patch sets it.
    Unchecked(Option<Duration>),
    /// The target did not run in the webhook's time, although the managers answered.
    StartTooSlow,
    /// The managers of the Swarm cannot agree: a majority of them cannot be reached.
    /// Holds the manager's words.
    NoLeader(Fault),
    /// The health check failed, and why.
    Unhealthy(Box<Error>),
}

impl Error {
    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadBody(_)
            | Self::BadField(_)
            | Self::BadIdempotencyKey
            | Self::BadUniqueId
            | Self::BadQuery => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::NotPermitted(_) | Self::CrossSite => StatusCode::FORBIDDEN,
            Self::UnknownPath | Self::NoSuchTarget | Self::NotOurs(_) => StatusCode::NOT_FOUND,
            Self::WrongMethod { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJson | Self::EncodedBody => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Misconfigured(_)
            | Self::NoSuchImage(_)
            | Self::PullRefused { .. }
            | Self::TokenUnreadable { .. }
            | Self::NoSuchNetwork(_)
            | Self::NodeTooOld(_)
            | Self::LimitDropped(_)
            | Self::Refused(_)
            | Self::Denied(_)
            | Self::NameTaken(_)
            | Self::NameUnlisted(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::EngineFailed(_) | Self::PullFailed { .. } => StatusCode::BAD_GATEWAY,
            Self::TargetEnded { .. } => StatusCode::CONFLICT,
            Self::ServiceUrlNotAllowed
            | Self::OtherPayload { .. }
            | Self::LifetimeTooLong(_)
            | Self::EmptySecret
            | Self::SecretsNeedFiles => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyTargets { .. } | Self::NoRoom(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::EngineUnreachable(_)
            | Self::ImageBeingPulled(_)
            | Self::StillPreparing(_)
            | Self::NodePullFailed { .. }
            | Self::Unchecked(_)
            | Self::StartTooSlow
            | Self::NoNode(_)
            | Self::NoNodes
            | Self::NoLeader(_)
            | Self::ManagersDiffer(_)
            | Self::PullStalled(_)
            | Self::InProgress
            | Self::RemovalInProgress
            | Self::TargetVanished(_)
            | Self::Unhealthy(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::OutOfTime(_) => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// Seconds after which the caller should try again, where that can help.
    ///
    /// After 30 seconds a start in progress has certainly succeeded or failed,
    /// and a pull or a full server has had some time. Ten seconds otherwise,
    /// because the caller's user is waiting.
    pub fn retry_after_seconds(&self) -> Option<u32> {
        match self {
            Self::InProgress
            | Self::TooManyTargets { .. }
            | Self::NoRoom(_)
            | Self::NoNode(_)
            | Self::NoNodes
            | Self::ManagersDiffer(_)
            | Self::StillPreparing(_)
            | Self::NodePullFailed { .. }
            | Self::Unchecked(_)
            | Self::StartTooSlow
            | Self::ImageBeingPulled(_)
            | Self::PullStalled(_) => Some(30),
            Self::EngineUnreachable(_)
            | Self::NoLeader(_)
            | Self::RemovalInProgress
            | Self::TargetVanished(_)
            | Self::Unhealthy(_) => Some(10),
            _ => None,
        }
    }

    /// Whether another try a moment later may succeed.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::EngineFailed(_)
                | Self::EngineUnreachable(_)
                | Self::NoLeader(_)
                | Self::OutOfTime(_)
        )
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match &fault {
            Fault::Unreachable(_) | Fault::Untrusted(_) => Self::EngineUnreachable(fault),
            Fault::Forbidden(_) => Self::Denied(fault),
            Fault::TimedOut | Fault::CutShort { .. } | Fault::BudgetSpent => Self::OutOfTime(fault),
            Fault::Rejected { .. } => Self::Refused(fault),
            Fault::Altered(_) => Self::ManagersDiffer(fault),
            Fault::NodeTooOld(node) => Self::NodeTooOld(node.clone()),
            Fault::EngineError { message, .. } if is_leaderless(message) => Self::NoLeader(fault),
            Fault::EngineError { message, .. } if is_full(message) => Self::NoRoom(fault),
            Fault::EngineError { status, message } if is_denial(*status, message) => {
                Self::Denied(fault)
            }
            Fault::EngineError { status, .. } if status.is_client_error() => Self::Refused(fault),
            Fault::EngineError { .. }
            | Fault::ListFailed(_)
            | Fault::TooLong { .. }
            | Fault::Broken(_)
            | Fault::Nonsense(_) => Self::EngineFailed(fault),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::caller::Role;
    use crate::docker::NOT_THE_ENGINES_WORDS;
    use crate::platform::Barrier;

    fn said(status: u16) -> Fault {
        Fault::EngineError {
            status: StatusCode::from_u16(status).expect("a status"),
            message: "planted".to_owned(),
        }
    }

    fn id() -> TargetId {
        TargetId::parse(&"0".repeat(64)).expect("an id")
    }

    fn caller() -> Caller {
        Caller {
            role: Role::Operator,
            position: 2,
        }
    }

    fn image() -> ImageReference {
        ImageReference::parse("planted").expect("an image")
    }

    /// One of each variant, and its status.
    pub(crate) fn all() -> Vec<(Error, u16)> {
        vec![
            (Error::BadBody("planted".to_owned()), 400),
            (Error::BadField("A sentence."), 400),
            (Error::BadIdempotencyKey, 400),
            (Error::BadUniqueId, 400),
            (Error::BadQuery, 400),
            (Error::Unauthorized("planted"), 401),
            (Error::NotPermitted(caller()), 403),
            (Error::CrossSite, 403),
            (Error::UnknownPath, 404),
            (Error::NoSuchTarget, 404),
            (Error::NotOurs(id()), 404),
            (Error::WrongMethod { allow: "GET" }, 405),
            (Error::BodyTooSlow, 408),
            (Error::EncodedBody, 415),
            (
                Error::TargetEnded {
                    id: id(),
                    of: KeyKind::ActivationToken,
                    exit_code: Some(127),
                    is_unhealthy: true,
                },
                409,
            ),
            (
                Error::TokenUnreadable {
                    image: image(),
                    user: "planted".to_owned(),
                },
                500,
            ),
            (Error::BodyTooLarge(64), 413),
            (Error::NotJson, 415),
            (
                Error::OtherPayload {
                    id: id(),
                    of: KeyKind::ActivationToken,
                },
                422,
            ),
            (
                Error::OtherPayload {
                    id: id(),
                    of: KeyKind::IdempotencyKey,
                },
                422,
            ),
            (Error::LifetimeTooLong(Duration::from_secs(60)), 422),
            (Error::SecretsNeedFiles, 422),
            (Error::EmptySecret, 422),
            (Error::ServiceUrlNotAllowed, 422),
            (
                Error::TooManyTargets {
                    max: 1,
                    of: "planted",
                },
                429,
            ),
            (Error::NoRoom(said(500)), 429),
            (Error::ImageBeingPulled(image()), 503),
            (Error::StillPreparing(image()), 503),
            (
                Error::NodePullFailed {
                    image: image(),
                    reason: "planted".to_owned(),
                },
                503,
            ),
            (Error::Unchecked(Some(Duration::from_secs(30))), 503),
            (Error::NoNode("planted".to_owned()), 503),
            (Error::NoNodes, 503),
            (Error::NoLeader(said(500)), 503),
            (Error::PullStalled(image()), 503),
            (
                Error::PullRefused {
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
            (
                Error::NodeTooOld(TooOld {
                    hostname: "planted".to_owned(),
                    engine: "planted".to_owned(),
                    option: "planted".to_owned(),
                    since: 1,
                }),
                500,
            ),
            (
                Error::ManagersDiffer(Fault::Altered("planted".to_owned())),
                503,
            ),
            (Error::Misconfigured(Problems::one("x", "planted")), 500),
            (Error::NoSuchImage(image()), 500),
            (Error::NameTaken(id()), 500),
            (Error::NameUnlisted("planted".to_owned()), 500),
            (Error::Refused(said(400)), 500),
            (Error::Denied(said(401)), 500),
            (Error::EngineFailed(said(500)), 502),
            (
                Error::EngineUnreachable(Fault::Unreachable("planted".to_owned())),
                503,
            ),
            (Error::InProgress, 503),
            (Error::RemovalInProgress, 503),
            (Error::TargetVanished(id()), 503),
            (Error::Unhealthy(Box::new(Error::NoSuchImage(image()))), 503),
            (Error::StartTooSlow, 503),
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
    fn an_error_that_may_be_another_one_has_a_code_of_its_own() {
        let mut codes: Vec<_> = all().iter().map(|(error, _)| error.code()).collect();
        codes.sort_unstable();
        let repeated: Vec<_> = codes.windows(2).filter(|two| two[0] == two[1]).collect();
        // An order of either dialect, a name that is taken, two payloads, and why a
        // server is unhealthy.
        assert_eq!(
            repeated,
            [
                ["bad_body", "bad_body"],
                ["name_taken", "name_taken"],
                ["no_such_image", "no_such_image"],
                ["other_payload", "other_payload"],
            ]
        );
        let is_word = |code: &str| {
            code.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        assert!(codes.iter().all(|code| is_word(code)));
    }

    #[test]
    fn the_callers_sentence_holds_no_detail() {
        for (error, _) in all() {
            assert!(!error.message().contains("planted"), "{error:?}");
            assert!(error.message().ends_with('.'), "{error:?}");
        }
    }

    #[test]
    fn an_answer_says_when_to_try_again_if_that_can_help() {
        for (error, status) in all() {
            let is_told = error.retry_after_seconds().is_some();
            assert_eq!(is_told, matches!(status, 429 | 503), "{error:?}");
        }
    }

    #[test]
    fn a_request_that_spin_does_not_send_names_the_setting() {
        for (barrier, setting) in [
            (Barrier::AllowedHosts, "allowed_outbound_hosts"),
            (Barrier::BlockedNetworks, "block_networks"),
        ] {
            let error = Error::from(Fault::Forbidden(barrier)).to_string();
            assert!(error.contains(setting), "{error}");
            assert!(!error.contains("running"), "{error}");
            assert!(!error.contains("docker_authorization"), "{error}");
        }
    }

    #[test]
    fn a_full_network_is_no_room_whatever_the_status() {
        for message in [
            "no available IPv4 addresses on this network's address pools: targets (0123)",
            "no available addresses on this pool",
            "adding interface veth1 to bridge br-0 failed: exchange full",
            "IPAM error: failed to find free IP in range: 10.89.0.1 - 10.89.0.2",
            "no IP addresses available in range set: 10.88.0.1-10.88.0.2",
        ] {
            for status in [403, 500, 503] {
                let error = Error::from(Fault::EngineError {
                    status: StatusCode::from_u16(status).expect("a status"),
                    message: message.to_owned(),
                });
                assert_eq!(error.status().as_u16(), 429, "{message}");
                assert!(error.to_string().contains(message), "{error}");
            }
        }
    }

    #[test]
    fn only_what_no_engine_says_is_a_denial() {
        for (status, message, is_denied) in [
            (403, "Address already in use", false),
            (
                403,
                "endpoint with name da-1 already exists in network targets",
                false,
            ),
            (403, "authorization denied by plugin policy: no", true),
            (
                403,
                "dynamic-access engine proxy: this call is not on the list",
                true,
            ),
            (
                401,
                "dynamic-access engine proxy: a bearer secret is required",
                true,
            ),
            (401, "unauthorized", true),
            (403, NOT_THE_ENGINES_WORDS, true),
            (
                400,
                "dynamic-access engine proxy: HTTP/1.1 is required",
                false,
            ),
            (500, "authorization denied by plugin policy", false),
        ] {
            let error = Error::from(Fault::EngineError {
                status: StatusCode::from_u16(status).expect("a status"),
                message: message.to_owned(),
            });
            let denied = matches!(error, Error::Denied(_));
            assert_eq!(denied, is_denied, "{status} {message}");
        }
    }

    #[test]
    fn a_fault_becomes_the_error_of_its_cause() {
        for (fault, status) in [
            (Fault::Unreachable(String::new()), 503),
            (Fault::Untrusted(String::new()), 503),
            (Fault::Forbidden(Barrier::AllowedHosts), 500),
            (Fault::Forbidden(Barrier::BlockedNetworks), 500),
            (said(401), 500),
            (said(403), 500),
            (Fault::TimedOut, 504),
            (
                Fault::CutShort {
                    end: Vec::new(),
                    quiet: Duration::ZERO,
                },
                504,
            ),
            (Fault::ListFailed(String::new()), 502),
            (
                Fault::TooLong {
                    call: "",
                    advice: "",
                },
                502,
            ),
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
