//! The key of a start: all starts with one key get one target.

use std::fmt;

use crate::docker::{ContainerName, DeploymentId};
use crate::secret::Secret;

/// The key of an order. Its digest is the name of the container, so repeated orders get
/// one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// The `activationToken` of `/start`.
    ActivationToken(Secret),
    /// The `Idempotency-Key` of `POST /v1/targets`.
    IdempotencyKey(Secret),
}

/// The kind of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// An activation token.
    ActivationToken,
    /// An idempotency key.
    IdempotencyKey,
}

impl Key {
    /// The kind of a key.
    pub fn kind(&self) -> KeyKind {
        match self {
            Self::ActivationToken(_) => KeyKind::ActivationToken,
            Self::IdempotencyKey(_) => KeyKind::IdempotencyKey,
        }
    }

    /// The name of the container.
    pub fn container_name(&self, deployment: &DeploymentId) -> ContainerName {
        match self {
            Self::ActivationToken(token) => ContainerName::from_token(deployment, token),
            Self::IdempotencyKey(key) => ContainerName::from_idempotency_key(deployment, key),
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ActivationToken => "token",
            Self::IdempotencyKey => "Idempotency-Key",
        })
    }
}
