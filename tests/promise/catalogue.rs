//! The failures that an answer may report.

use std::sync::LazyLock;

use dynamic_access::config::Problems;

use dynamic_access::docker::{ImageReference, TargetId};
use dynamic_access::error::{
    EngineError as Engine, Error, ImageError as Image, OrderError as Order, SwarmError as Swarm,
    TargetError as Target,
};
use dynamic_access::fault::{Fault, TooOld};
use dynamic_access::key::KeyKind;
use serde_json::Value;

use crate::model::Key;

/// The statuses and sentences of the project's error catalogue.
static CATALOGUE: LazyLock<Vec<(u16, &str)>> = LazyLock::new(|| {
    let id = || TargetId::parse(&Key::given(0).container_id()).expect("an id");
    let image = || ImageReference::parse("agent").expect("an image");
    let fault = || Fault::TimedOut;
    let ended = |of| Target::Ended {
        id: id(),
        of,
        exit_code: None,
        is_unhealthy: false,
    };
    let other_payload = |of| Order::OtherPayload { id: id(), of };
    let too_old = TooOld {
        hostname: String::new(),
        engine: String::new(),
        option: String::new(),
        since: 0,
    };
    let errors: [Error; 26] = [
        Target::NoSuchTarget.into(),
        Target::NotOurs(id()).into(),
        Target::NameTaken(id()).into(),
        Error::Misconfigured(Problems::one("", "")),
        Image::NoSuchImage(image()).into(),
        Engine::Refused(fault()).into(),
        Engine::Failed(fault()).into(),
        Engine::Unreachable(fault()).into(),
        Engine::OutOfTime(fault()).into(),
        Target::InProgress.into(),
        Target::RenewedTooLate(id()).into(),
        Target::RemovalInProgress.into(),
        Target::Vanished(id()).into(),
        Engine::NoSuchNetwork(String::new()).into(),
        ended(KeyKind::ActivationToken).into(),
        ended(KeyKind::IdempotencyKey).into(),
        other_payload(KeyKind::ActivationToken).into(),
        other_payload(KeyKind::IdempotencyKey).into(),
        Order::TooManyTargets { max: 1, of: "" }.into(),
        Order::TooManyOfOwner(1).into(),
        Swarm::NoNode(String::new()).into(),
        Swarm::ManagersDiffer(Fault::Altered(String::new())).into(),
        Swarm::NodeTooOld(too_old).into(),
        Swarm::StartTooSlow.into(),
        Swarm::StillPreparing(image()).into(),
        Error::Unhealthy(Box::new(Target::InProgress.into())),
    ];
    errors
        .iter()
        .map(|error| (error.status().as_u16(), error.message()))
        .collect()
});

/// Whether an answer is a success or in the catalogue.
pub fn is_of_the_catalogue(status: u16, body: &str) -> Result<(), String> {
    if matches!(status, 200 | 201) {
        return Ok(());
    }
    let value: Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
    let message = value["ErrorMessage"].as_str().unwrap_or_default();
    let is_known = CATALOGUE.contains(&(status, message));
    is_known
        .then_some(())
        .ok_or_else(|| format!("an answer that is not of the catalogue: {status} {body}"))
}
