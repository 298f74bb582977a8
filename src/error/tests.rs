use std::time::Duration;

use super::*;
use crate::caller::{Caller, Role};
use crate::docker::{ImageReference, NOT_THE_ENGINES_WORDS, TargetId};
use crate::key::KeyKind;
use crate::platform::Barrier;

fn failure(status: u16, message: &str) -> Fault {
    Fault::EngineError {
        status: StatusCode::from_u16(status).expect("a status"),
        message: message.to_owned(),
    }
}

fn said(status: u16) -> Fault {
    failure(status, "planted")
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
        CallerError as Caller, EngineError as Engine, OrderError as Order, RequestError as Request,
        SwarmError as Swarm, TargetError as Target,
    };
    let other_payload = |of| Order::OtherPayload(id(), of);
    let ended = Target::Ended {
        id: id(),
        of: KeyKind::ActivationToken,
        exit_code: Some(127),
        is_unhealthy: true,
    };
    let unreadable = Engine::TokenUnreadable {
        image: image(),
        user: planted(),
        owner: Some(1000),
    };
    let unhealthy = Error::Unhealthy(Box::new(Engine::NoSuchImage(image()).into()));
    let unreachable = Engine::Unreachable(Fault::Unreachable(planted()));
    vec![
        (Request::BadBody(planted()).into(), 400),
        (Request::BadField("A sentence.").into(), 400),
        (Request::BadIdempotencyKey.into(), 400),
        (Request::BadUniqueId.into(), 400),
        (Request::BadQuery("A sentence.").into(), 400),
        (Caller::Unauthorized("planted").into(), 401),
        (Caller::NotPermitted(caller()).into(), 403),
        (Caller::CrossSite.into(), 403),
        (Request::UnknownPath.into(), 404),
        (Target::NoSuchTarget.into(), 404),
        (Target::NotOurs(id()).into(), 404),
        (Request::WrongMethod(planted()).into(), 405),
        (Request::BodyTooSlow.into(), 408),
        (ended.into(), 409),
        (Target::RenewedTooLate(id()).into(), 409),
        (Request::BodyTooLarge(64).into(), 413),
        (Request::EncodedBody.into(), 415),
        (Request::NotJson.into(), 415),
        (other_payload(KeyKind::ActivationToken).into(), 422),
        (other_payload(KeyKind::IdempotencyKey).into(), 422),
        (Order::LifetimeTooLong(Duration::from_secs(60)).into(), 422),
        (Order::SecretsNeedFiles.into(), 422),
        (Order::EmptySecret.into(), 422),
        (Order::ServiceUrlNotAllowed.into(), 422),
        (Order::NotAllowed("A sentence.").into(), 422),
        (Order::Guarded(planted()).into(), 422),
        (Order::TooManyOfOwner(1).into(), 429),
        (Order::TooManyTargets(1, "planted").into(), 429),
        (Engine::NoRoom(said(500)).into(), 429),
        (unreadable.into(), 500),
        (Engine::PullRefused(image(), planted()).into(), 500),
        (Engine::NoSuchNetwork(planted()).into(), 500),
        (Engine::LimitDropped(planted()).into(), 500),
        (Swarm::NodeTooOld(planted()).into(), 500),
        (Error::Misconfigured(planted()), 500),
        (Engine::NoSuchImage(image()).into(), 500),
        (Target::NameTaken(id()).into(), 500),
        (Target::NameUnlisted(planted()).into(), 500),
        (Engine::Refused(said(400)).into(), 500),
        (Engine::Denied(said(401)).into(), 500),
        (Engine::PullFailed(image(), planted()).into(), 502),
        (Engine::Failed(said(500)).into(), 502),
        (Engine::PortTaken(said(500)).into(), 503),
        (Engine::ImageBeingPulled(image()).into(), 503),
        (Swarm::StillPreparing(image()).into(), 503),
        (Swarm::NodePullFailed(image(), planted()).into(), 503),
        (Swarm::Unchecked(Some(Duration::from_secs(30))).into(), 503),
        (Swarm::NoNode(planted()).into(), 503),
        (Swarm::NoNodes.into(), 503),
        (Swarm::NoLeader(said(500)).into(), 503),
        (Engine::PullStalled(image()).into(), 503),
        (Swarm::ManagersDiffer(Fault::Altered(planted())).into(), 503),
        (unreachable.into(), 503),
        (Target::InProgress.into(), 503),
        (Target::RemovalInProgress.into(), 503),
        (Target::Vanished(id()).into(), 503),
        (unhealthy, 503),
        (Swarm::StartTooSlow.into(), 503),
        (Engine::OutOfTime(Fault::TimedOut).into(), 504),
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
}

#[test]
fn the_callers_sentence_holds_no_detail() {
    for (error, _) in all() {
        assert!(!error.message().contains("planted"), "{error:?}");
        assert!(error.message().ends_with('.'), "{error:?}");
    }
    let sentence = "This environment does not allow env.";
    let error = Error::from(OrderError::NotAllowed(sentence));
    assert_eq!(error.message(), sentence);
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
            let error = Error::from(failure(status, message));
            assert_eq!(error.status().as_u16(), 429, "{message}");
            assert!(error.to_string().contains(message), "{error}");
        }
    }
}

#[test]
fn only_what_no_engine_says_is_a_denial() {
    let taken = "endpoint with name da-1 already exists in network targets";
    let unlisted = "dynamic-access engine proxy: this call is not on the list";
    let old = "dynamic-access engine proxy: HTTP/1.1 is required";
    for (status, message, is_denied) in [
        (403, "Address already in use", false),
        (403, taken, false),
        (403, "authorization denied by plugin policy: no", true),
        (403, unlisted, true),
        (401, "unauthorized", true),
        (403, NOT_THE_ENGINES_WORDS, true),
        (400, old, false),
        (500, "authorization denied by plugin policy", false),
    ] {
        let error = Error::from(failure(status, message));
        let denied = matches!(error, Error::Engine(EngineError::Denied(_)));
        assert_eq!(denied, is_denied, "{status} {message}");
    }
}

#[test]
fn a_fault_becomes_the_error_of_its_cause_and_may_pass_unless_it_is_a_refusal() {
    let (call, advice) = ("", "");
    let (end, quiet) = (Vec::new(), Duration::ZERO);
    for (fault, status, may_pass) in [
        (Fault::Unreachable(String::new()), 503, true),
        (Fault::Untrusted(String::new()), 503, true),
        (Fault::Forbidden(Barrier::AllowedHosts), 500, false),
        (Fault::Forbidden(Barrier::BlockedNetworks), 500, false),
        (Fault::TimedOut, 504, true),
        (Fault::CutShort { end, quiet }, 504, true),
        (Fault::ListFailed(String::new()), 502, true),
        (Fault::TooLong { call, advice }, 502, false),
        (Fault::BudgetSpent, 504, false),
        (Fault::Broken(String::new()), 502, true),
        (Fault::Nonsense(String::new()), 502, true),
        (said(400), 500, false),
        (said(401), 500, false),
        (said(403), 500, false),
        (said(404), 500, false),
        (said(408), 500, true),
        (said(409), 500, false),
        (said(429), 500, true),
        (said(500), 502, true),
        (said(503), 502, true),
    ] {
        assert_eq!(fault.may_pass(), may_pass, "{fault}");
        let error = Error::from(fault);
        assert_eq!(error.status().as_u16(), status, "{error:?}");
    }
}
