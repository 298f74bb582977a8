//! The failures that an answer may tell of.

use std::sync::LazyLock;

use dynamic_access::config::Problems;

use dynamic_access::docker::{ImageReference, TargetId};
use dynamic_access::error::Error;
use dynamic_access::fault::{Fault, TooOld};
use dynamic_access::key::KeyKind;
use serde_json::Value;

use crate::model::Key;

/// Statuses and sentences that the project's error catalogue knows.
static CATALOGUE: LazyLock<Vec<(u16, &str)>> = LazyLock::new(|| {
    let id = TargetId::parse(&Key::given(0).container_id()).expect("an id");
    let fault = Fault::TimedOut;
    let errors = [
        Error::NotOurs(id.clone()),
        Error::NameTaken(id.clone()),
        Error::Misconfigured(Problems::one("", "")),
        Error::NoSuchImage(ImageReference::parse("agent").expect("an image")),
        Error::Refused(fault.clone()),
        Error::EngineFailed(fault.clone()),
        Error::EngineUnreachable(fault.clone()),
        Error::OutOfTime(fault),
        Error::InProgress,
        Error::RemovalInProgress,
        Error::TargetVanished(id.clone()),
        Error::NoSuchNetwork(String::new()),
        Error::TargetEnded {
            id: id.clone(),
            of: KeyKind::ActivationToken,
            exit_code: None,
            is_unhealthy: false,
        },
        Error::TargetEnded {
            id: id.clone(),
            of: KeyKind::IdempotencyKey,
            exit_code: None,
            is_unhealthy: false,
        },
        Error::OtherPayload {
            id: id.clone(),
            of: KeyKind::ActivationToken,
        },
        Error::OtherPayload {
            id,
            of: KeyKind::IdempotencyKey,
        },
        Error::TooManyTargets { max: 1, of: "" },
        Error::NoNode(String::new()),
        Error::ManagersDiffer(Fault::Altered(String::new())),
        Error::NodeTooOld(TooOld {
            hostname: String::new(),
            engine: String::new(),
            option: String::new(),
            since: 0,
        }),
        Error::StartTooSlow,
        Error::StillPreparing(ImageReference::parse("agent").expect("an image")),
        Error::Unhealthy(Box::new(Error::InProgress)),
    ];
    errors
        .iter()
        .map(|error| (error.status().as_u16(), error.message()))
        .collect()
});

/// Whether an answer is a success, or one that the catalogue knows.
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
