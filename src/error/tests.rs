use std::time::Duration;

use super::*;
use crate::caller::{Caller, Role};
use crate::docker::{ImageReference, NOT_THE_ENGINES_WORDS, TargetId};
use crate::fault::TooOld;
use crate::key::KeyKind;
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
        (
            Error::Request(RequestError::BadBody("planted".to_owned())),
            400,
        ),
        (Error::Request(RequestError::BadField("A sentence.")), 400),
        (Error::Request(RequestError::BadIdempotencyKey), 400),
        (Error::Request(RequestError::BadUniqueId), 400),
        (Error::Request(RequestError::BadQuery("A sentence.")), 400),
        (Error::Caller(CallerError::Unauthorized("planted")), 401),
        (Error::Caller(CallerError::NotPermitted(caller())), 403),
        (Error::Caller(CallerError::CrossSite), 403),
        (Error::Request(RequestError::UnknownPath), 404),
        (Error::Target(TargetError::NoSuchTarget), 404),
        (Error::Target(TargetError::NotOurs(id())), 404),
        (
            Error::Request(RequestError::WrongMethod { allow: "GET" }),
            405,
        ),
        (Error::Request(RequestError::BodyTooSlow), 408),
        (Error::Request(RequestError::EncodedBody), 415),
        (
            Error::Target(TargetError::Ended {
                id: id(),
                of: KeyKind::ActivationToken,
                exit_code: Some(127),
                is_unhealthy: true,
            }),
            409,
        ),
        (Error::Target(TargetError::RenewedTooLate(id())), 409),
        (
            Error::Image(ImageError::TokenUnreadable {
                image: image(),
                user: "planted".to_owned(),
                owner: Some(1000),
            }),
            500,
        ),
        (Error::Request(RequestError::BodyTooLarge(64)), 413),
        (Error::Request(RequestError::NotJson), 415),
        (
            Error::Order(OrderError::OtherPayload {
                id: id(),
                of: KeyKind::ActivationToken,
            }),
            422,
        ),
        (
            Error::Order(OrderError::OtherPayload {
                id: id(),
                of: KeyKind::IdempotencyKey,
            }),
            422,
        ),
        (
            Error::Order(OrderError::LifetimeTooLong(Duration::from_secs(60))),
            422,
        ),
        (Error::Order(OrderError::SecretsNeedFiles), 422),
        (Error::Order(OrderError::EmptySecret), 422),
        (Error::Order(OrderError::ServiceUrlNotAllowed), 422),
        (Error::Order(OrderError::NotAllowed("A sentence.")), 422),
        (Error::Order(OrderError::Guarded("planted".to_owned())), 422),
        (Error::Order(OrderError::TooManyOfOwner(1)), 429),
        (
            Error::Order(OrderError::TooManyTargets {
                max: 1,
                of: "planted",
            }),
            429,
        ),
        (Error::Engine(EngineError::NoRoom(said(500))), 429),
        (Error::Engine(EngineError::PortTaken(said(500))), 503),
        (Error::Image(ImageError::BeingPulled(image())), 503),
        (Error::Swarm(SwarmError::StillPreparing(image())), 503),
        (
            Error::Swarm(SwarmError::NodePullFailed {
                image: image(),
                reason: "planted".to_owned(),
            }),
            503,
        ),
        (
            Error::Swarm(SwarmError::Unchecked(Some(Duration::from_secs(30)))),
            503,
        ),
        (Error::Swarm(SwarmError::NoNode("planted".to_owned())), 503),
        (Error::Swarm(SwarmError::NoNodes), 503),
        (Error::Swarm(SwarmError::NoLeader(said(500))), 503),
        (Error::Image(ImageError::PullStalled(image())), 503),
        (
            Error::Image(ImageError::PullRefused {
                image: image(),
                reason: "planted".to_owned(),
            }),
            500,
        ),
        (
            Error::Image(ImageError::PullFailed {
                image: image(),
                reason: "planted".to_owned(),
            }),
            502,
        ),
        (
            Error::Engine(EngineError::NoSuchNetwork("planted".to_owned())),
            500,
        ),
        (
            Error::Engine(EngineError::LimitDropped("planted".to_owned())),
            500,
        ),
        (
            Error::Swarm(SwarmError::NodeTooOld(TooOld {
                hostname: "planted".to_owned(),
                engine: "planted".to_owned(),
                option: "planted".to_owned(),
                since: 1,
            })),
            500,
        ),
        (
            Error::Swarm(SwarmError::ManagersDiffer(Fault::Altered(
                "planted".to_owned(),
            ))),
            503,
        ),
        (Error::Misconfigured(Problems::one("x", "planted")), 500),
        (Error::Image(ImageError::NoSuchImage(image())), 500),
        (Error::Target(TargetError::NameTaken(id())), 500),
        (
            Error::Target(TargetError::NameUnlisted("planted".to_owned())),
            500,
        ),
        (Error::Engine(EngineError::Refused(said(400))), 500),
        (Error::Engine(EngineError::Denied(said(401))), 500),
        (Error::Engine(EngineError::Failed(said(500))), 502),
        (
            Error::Engine(EngineError::Unreachable(Fault::Unreachable(
                "planted".to_owned(),
            ))),
            503,
        ),
        (Error::Target(TargetError::InProgress), 503),
        (Error::Target(TargetError::RemovalInProgress), 503),
        (Error::Target(TargetError::Vanished(id())), 503),
        (
            Error::Unhealthy(Box::new(Error::Image(ImageError::NoSuchImage(image())))),
            503,
        ),
        (Error::Swarm(SwarmError::StartTooSlow), 503),
        (Error::Engine(EngineError::OutOfTime(Fault::TimedOut)), 504),
    ]
}

#[test]
fn every_error_has_its_status() {
    for (error, status) in all() {
        assert_eq!(error.status().as_u16(), status, "{error:?}");
    }
}

#[test]
fn the_page_of_troubles_has_each_code() {
    let page = include_str!("../../docs/troubleshooting.md");
    for (error, _) in all() {
        let code = error.code();
        assert!(page.contains(&format!("`{code}`")), "{code}");
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
        let denied = matches!(error, Error::Engine(EngineError::Denied(_)));
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
