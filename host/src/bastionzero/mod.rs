//! A stand-in for BastionZero: what it does with a Dynamic Access Configuration, as far as a provisioning server and its
//! agents can see. For the demonstration and the end-to-end tests, without the real service.
//!
//! A [`Service`] is what agents talk to, [`Webhooks`] call the provisioning server, and a [`Target`] goes from its start
//! to its stop by both. [`story::tell`] is one user's visit from beginning to end.

mod agents;
mod channel;
mod request;
mod service;
pub mod story;
mod target;
mod uuid;
mod webhooks;

pub use service::Service;
pub use target::{State, Target};
pub use uuid::uuid;
pub use webhooks::{Order, WebhookError, Webhooks};
