//! Orders that the variables or an earlier start do not allow.

use std::time::Duration;

use http::StatusCode;

use super::Told;
use crate::docker::TargetId;
use crate::key::KeyKind;

/// Why an order was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderError {
    /// The agent may not register at this `serviceUrl`.
    ServiceUrlNotAllowed,
    /// The lifetime is longer than the environment's, which is this one.
    LifetimeTooLong(Duration),
    /// Secrets of `/v1` are files, and `token_delivery` is `env`.
    SecretsNeedFiles,
    /// A secret of `/v1` is empty, which a Swarm does not accept.
    EmptySecret,
    /// The environment does not let an order choose this. Holds a sentence that names the
    /// member.
    NotAllowed(&'static str),
    /// The order's choices break the rules for patches, in these ways.
    Guarded(String),
    /// The target of a key of this kind was started with another payload.
    OtherPayload(TargetId, KeyKind),
    /// The maximum number of targets is reached. Holds it, and whose it is: the
    /// environment's, or that of all environments.
    TooManyTargets(usize, &'static str),
    /// The owner has this many targets, which is the maximum.
    TooManyOfOwner(usize),
}

impl OrderError {
    pub(super) fn told(&self) -> Told {
        match self {
            Self::ServiceUrlNotAllowed => Told::new(
                (StatusCode::UNPROCESSABLE_ENTITY, "service_url_not_allowed"),
                "Targets of this server may not register at this serviceUrl. Ask the administrator of the provisioning server to check service_urls.",
                "the serviceUrl matches none of service_urls",
            ),
            Self::LifetimeTooLong(longest) => Told::new(
                (StatusCode::UNPROCESSABLE_ENTITY, "lifetime_too_long"),
                "The lifetime is longer than that of the environment.",
                format!(
                    "the lifetime is longer than max_lifetime of the environment, which is {} s",
                    longest.as_secs()
                ),
            ),
            Self::SecretsNeedFiles => Told::new(
                (StatusCode::UNPROCESSABLE_ENTITY, "secrets_need_files"),
                "This server cannot give secrets to targets. Ask its administrator to check token_delivery.",
                "token_delivery is env, which puts one token into the environment of a target; POST /v1/targets needs file",
            ),
            Self::EmptySecret => Told::new(
                (StatusCode::UNPROCESSABLE_ENTITY, "empty_secret"),
                "This server cannot give a target an empty secret.",
                "a secret is empty, and a Swarm takes 1 to 511999 bytes",
            ),
            Self::NotAllowed(sentence) => Told::new(
                (StatusCode::UNPROCESSABLE_ENTITY, "not_allowed"),
                sentence,
                format!("{sentence} Check allow, images, max and container_patch in environments"),
            ),
            Self::Guarded(problems) => Told::new(
                (StatusCode::UNPROCESSABLE_ENTITY, "choice_refused"),
                "The command and the resources conflict with the options of this environment.",
                format!("the order's options, with container_patch: {problems}"),
            ),
            Self::OtherPayload(id, of) => Told::new(
                (StatusCode::UNPROCESSABLE_ENTITY, "other_payload"),
                match of {
                    KeyKind::IdempotencyKey => {
                        "This Idempotency-Key was already used with another body. Only the contents of secrets may differ."
                    }
                    KeyKind::ActivationToken => {
                        "This activation token was already used with another serviceUrl or environmentId."
                    }
                },
                format!(
                    "container {} of this {of} was started with another payload",
                    id.short()
                ),
            ),
            Self::TooManyTargets(max, of) => Told::new(
                (StatusCode::TOO_MANY_REQUESTS, "too_many_targets"),
                "This server has reached its maximum number of targets. Try again later.",
                format!("max_targets {of} is reached: {max} at most"),
            ),
            Self::TooManyOfOwner(max) => Told::new(
                (StatusCode::TOO_MANY_REQUESTS, "too_many_targets_of_owner"),
                "This owner has reached the maximum number of targets. Try again later.",
                format!("max_targets_per_owner is reached: {max} at most"),
            ),
        }
    }
}
