//! A dynamic access target, from its start to its stop.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::service::Service;
use crate::webhooks::{WebhookError, Webhooks};

/// One target of a provisioning server, whose agent registers with a service.
pub struct Target<'a> {
    service: &'a Service,
    target_id: String,
    unique_id: String,
}

impl<'a> Target<'a> {
    /// Starts a target whose agent registers with `service`.
    pub fn start(webhooks: &Webhooks, service: &'a Service) -> Result<Self> {
        let (target_id, token) = service.invite();
        let unique_id = webhooks.start(service.url(), &token);
        Ok(Self {
            service,
            target_id,
            unique_id: unique_id.context("POST /start")?,
        })
    }

    /// The server's id for it.
    pub fn unique_id(&self) -> &str {
        &self.unique_id
    }

    /// Waits until its agent is online, for `patience` at most.
    pub fn wait_until_online(&self, patience: Duration) -> Result<()> {
        let is_online = self.service.wait_for(&self.target_id, true, patience);
        let what = match self.service.is_registered(&self.target_id) {
            true => "has registered, but",
            false => "has not registered, so it",
        };
        ensure!(
            is_online,
            "the agent {what} is not online after {patience:?}"
        );
        Ok(())
    }

    /// Waits until its agent is offline, for `patience` at most.
    pub fn wait_until_offline(&self, patience: Duration) -> Result<()> {
        let is_offline = self.service.wait_for(&self.target_id, false, patience);
        ensure!(is_offline, "the target is still online after {patience:?}");
        Ok(())
    }

    /// Sends a line in a session, and returns the echo.
    pub fn say(&self, line: &str) -> Result<String> {
        self.service.say(&self.target_id, line)
    }

    /// Stops it.
    pub fn stop(&self, webhooks: &Webhooks) -> Result<(), WebhookError> {
        webhooks.stop(&self.unique_id)
    }
}
