//! The failures that an answer may report.

use std::sync::LazyLock;

use dynamic_access::config::Problems;

use dynamic_access::docker::{ImageReference, TargetId};
use dynamic_access::error::{EngineError, Error, ImageError, OrderError, SwarmError, TargetError};
use dynamic_access::fault::{Fault, TooOld};
use dynamic_access::key::KeyKind;
use serde_json::Value;

use crate::model::Key;

/// The statuses and sentences of the project's error catalogue.
static CATALOGUE: LazyLock<Vec<(u16, &str)>> = LazyLock::new(|| {
    let id = TargetId::parse(&Key::given(0).container_id()).expect("an id");
    let fault = Fault::TimedOut;
    let errors = [
        Error::Target(TargetError::NoSuchTarget),
        Error::Target(TargetError::NotOurs(id.clone())),
        Error::Target(TargetError::NameTaken(id.clone())),
        Error::Misconfigured(Problems::one("", "")),
        Error::Image(ImageError::NoSuchImage(
            ImageReference::parse("agent").expect("an image"),
        )),
        Error::Engine(EngineError::Refused(fault.clone())),
        Error::Engine(EngineError::Failed(fault.clone())),
        Error::Engine(EngineError::Unreachable(fault.clone())),
        Error::Engine(EngineError::OutOfTime(fault)),
        Error::Target(TargetError::InProgress),
        Error::Target(TargetError::NoSuchTarget),
        Error::Target(TargetError::RenewedTooLate(id.clone())),
        Error::Target(TargetError::RemovalInProgress),
        Error::Target(TargetError::Vanished(id.clone())),
        Error::Engine(EngineError::NoSuchNetwork(String::new())),
        Error::Target(TargetError::Ended {
            id: id.clone(),
            of: KeyKind::ActivationToken,
            exit_code: None,
            is_unhealthy: false,
        }),
        Error::Target(TargetError::Ended {
            id: id.clone(),
            of: KeyKind::IdempotencyKey,
            exit_code: None,
            is_unhealthy: false,
        }),
        Error::Order(OrderError::OtherPayload {
            id: id.clone(),
            of: KeyKind::ActivationToken,
        }),
        Error::Order(OrderError::OtherPayload {
            id,
            of: KeyKind::IdempotencyKey,
        }),
        Error::Order(OrderError::TooManyTargets { max: 1, of: "" }),
        Error::Order(OrderError::TooManyOfOwner(1)),
        Error::Swarm(SwarmError::NoNode(String::new())),
        Error::Swarm(SwarmError::ManagersDiffer(Fault::Altered(String::new()))),
        Error::Swarm(SwarmError::NodeTooOld(TooOld {
            hostname: String::new(),
            engine: String::new(),
            option: String::new(),
            since: 0,
        })),
        Error::Swarm(SwarmError::StartTooSlow),
        Error::Swarm(SwarmError::StillPreparing(
            ImageReference::parse("agent").expect("an image"),
        )),
        Error::Unhealthy(Box::new(Error::Target(TargetError::InProgress))),
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
