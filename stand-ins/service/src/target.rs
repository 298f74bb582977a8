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
        let (target_id, token) = service.agents().invite();
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

    /// Waits until its agent is online.
    ///
    /// # Errors
    ///
    /// If it takes longer than `patience`.
    pub fn wait_until_online(&self, patience: Duration) -> Result<()> {
        let is_online = self.wait_for(true, patience);
        let agents = self.service.agents();
        let what = match agents.is_registered(&self.target_id) {
            true => "has registered, but",
            false => "has not registered, so it",
        };
        ensure!(
            is_online,
            "the agent {what} is not online after {patience:?}"
        );
        Ok(())
    }

    /// Waits until its agent is offline.
    ///
    /// # Errors
    ///
    /// If it takes longer than `patience`.
    pub fn wait_until_offline(&self, patience: Duration) -> Result<()> {
        let is_offline = self.wait_for(false, patience);
        ensure!(is_offline, "the target is still online after {patience:?}");
        Ok(())
    }

    /// Sends a line in a session, and returns the echo.
    ///
    /// # Errors
    ///
    /// If it is offline, or there is no echo.
    pub fn say(&self, line: &str) -> Result<String> {
        self.service.agents().say(&self.target_id, line)
    }

    /// Stops it.
    pub fn stop(&self, webhooks: &Webhooks) -> Result<(), WebhookError> {
        webhooks.stop(&self.unique_id)
    }

    fn wait_for(&self, online: bool, patience: Duration) -> bool {
        let agents = self.service.agents();
        agents.wait_for(&self.target_id, online, patience)
    }
}
