//! Plays BastionZero: what it does with a Dynamic Access Configuration, as far as a provisioning server and its agents can
//! see. For the demonstration, the end-to-end tests and `cargo xtask up`, without the real service.
//!
//! A [`Service`] is what agents talk to, and [`Webhooks`] call the provisioning server. [`story::tell`] is one user's
//! visit from beginning to end.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that panics has failed")
)]

mod service;
pub mod story;
mod webhooks;

pub use service::Service;
pub use webhooks::{WebhookError, Webhooks};

/// A random UUID, as BastionZero's ids and tokens are.
#[must_use]
pub fn uuid() -> String {
    uuid::Uuid::new_v4().to_string()
}
