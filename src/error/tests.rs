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

fn planted() -> String {
    "planted".to_owned()
}

/// One of each variant, and its status.
pub(crate) fn all() -> Vec<(Error, u16)> {
    use crate::error::{
        CallerError as Caller, EngineError as Engine, ImageError as Image, OrderError as Order,
        RequestError as Request, SwarmError as Swarm, TargetError as Target,
    };
    let other_payload = |of| Order::OtherPayload { id: id(), of };
    let ended = Target::Ended {
        id: id(),
        of: KeyKind::ActivationToken,
        exit_code: Some(127),
        is_unhealthy: true,
    };
    let too_many = Order::TooManyTargets {
        max: 1,
        of: "planted",
    };
    let unreadable = Image::TokenUnreadable {
        image: image(),
        user: planted(),
        owner: Some(1000),
    };
    let refused = Image::PullRefused {
        image: image(),
        reason: planted(),
    };
    let failed = Image::PullFailed {
        image: image(),
        reason: planted(),
    };
    let failed_on_node = Swarm::NodePullFailed {
        image: image(),
        reason: planted(),
    };
    let too_old = TooOld {
        hostname: planted(),
        engine: planted(),
        option: planted(),
        since: 1,
    };
    let unreachable = Engine::Unreachable(Fault::Unreachable(planted()));
    let by_status: [(u16, Vec<Error>); 15] = [
        (
            400,
            vec![
                Request::BadBody(planted()).into(),
                Request::BadField("A sentence.").into(),
                Request::BadIdempotencyKey.into(),
                Request::BadUniqueId.into(),
                Request::BadQuery("A sentence.").into(),
            ],
        ),
        (401, vec![Caller::Unauthorized("planted").into()]),
        (
            403,
            vec![
                Caller::NotPermitted(caller()).into(),
                Caller::CrossSite.into(),
            ],
        ),
        (
            404,
            vec![
                Request::UnknownPath.into(),
                Target::NoSuchTarget.into(),
                Target::NotOurs(id()).into(),
            ],
        ),
        (405, vec![Request::WrongMethod { allow: "GET" }.into()]),
        (408, vec![Request::BodyTooSlow.into()]),
        (409, vec![ended.into(), Target::RenewedTooLate(id()).into()]),
        (413, vec![Request::BodyTooLarge(64).into()]),
        (
            415,
            vec![Request::EncodedBody.into(), Request::NotJson.into()],
        ),
        (
            422,
            vec![
                other_payload(KeyKind::ActivationToken).into(),
                other_payload(KeyKind::IdempotencyKey).into(),
                Order::LifetimeTooLong(Duration::from_secs(60)).into(),
                Order::SecretsNeedFiles.into(),
                Order::EmptySecret.into(),
                Order::ServiceUrlNotAllowed.into(),
                Order::NotAllowed("A sentence.").into(),
                Order::Guarded(planted()).into(),
            ],
        ),
        (
            429,
            vec![
                Order::TooManyOfOwner(1).into(),
                too_many.into(),
                Engine::NoRoom(said(500)).into(),
            ],
        ),
        (
            500,
            vec![
                unreadable.into(),
                refused.into(),
                Engine::NoSuchNetwork(planted()).into(),
                Engine::LimitDropped(planted()).into(),
                Swarm::NodeTooOld(too_old).into(),
                Error::Misconfigured(Problems::one("x", "planted")),
                Image::NoSuchImage(image()).into(),
                Target::NameTaken(id()).into(),
                Target::NameUnlisted(planted()).into(),
                Engine::Refused(said(400)).into(),
                Engine::Denied(said(401)).into(),
            ],
        ),
        (502, vec![failed.into(), Engine::Failed(said(500)).into()]),
        (
            503,
            vec![
                Engine::PortTaken(said(500)).into(),
                Image::BeingPulled(image()).into(),
                Swarm::StillPreparing(image()).into(),
                failed_on_node.into(),
                Swarm::Unchecked(Some(Duration::from_secs(30))).into(),
                Swarm::NoNode(planted()).into(),
                Swarm::NoNodes.into(),
                Swarm::NoLeader(said(500)).into(),
                Image::PullStalled(image()).into(),
                Swarm::ManagersDiffer(Fault::Altered(planted())).into(),
                unreachable.into(),
                Target::InProgress.into(),
                Target::RemovalInProgress.into(),
                Target::Vanished(id()).into(),
                Error::Unhealthy(Box::new(Image::NoSuchImage(image()).into())),
                Swarm::StartTooSlow.into(),
            ],
        ),
        (504, vec![Engine::OutOfTime(Fault::TimedOut).into()]),
    ];
    let with_status =
        |(status, errors): (u16, Vec<Error>)| errors.into_iter().map(move |error| (error, status));
    by_status.into_iter().flat_map(with_status).collect()
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
