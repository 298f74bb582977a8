//! A dynamic access target, from its start to its stop.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::service::Service;
use crate::uuid;
use crate::webhooks::{Order, WebhookError, Webhooks};

/// The states of a target, as BastionZero names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// `/start` has been answered; its agent is not online yet.
    Starting,
    /// Its agent has come online.
    Started,
    /// Its agent has not come online in time.
    StartError,
    /// `/stop` has been answered; its agent is not offline yet.
    Stopping,
    /// It was stopped, and its agent is offline.
    Stopped,
    /// `/stop` has failed, or its agent has not gone offline in time.
    StopError,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// One target of a provisioning server, whose agent registers with a service.
pub struct Target<'a> {
    service: &'a Service,
    target_id: String,
    unique_id: String,
    state: State,
}

impl<'a> Target<'a> {
    /// Starts a target whose agent registers with `service`.
    ///
    /// # Errors
    ///
    /// When `/start` fails.
    pub fn start(webhooks: &Webhooks, service: &'a Service) -> Result<Self> {
        let invitation = service.agents().invite();
        let order = Order {
            service_url: service.url(),
            activation_token: &invitation.activation_token,
            environment_id: &uuid(),
        };
        let unique_id = webhooks.start(&order).context("POST /start")?;
        Ok(Self {
            service,
            target_id: invitation.target_id,
            unique_id,
            state: State::Starting,
        })
    }

    /// The server's id for it.
    pub fn unique_id(&self) -> &str {
        &self.unique_id
    }

    /// Its state.
    pub fn state(&self) -> State {
        self.state
    }

    /// Waits until its agent is online.
    ///
    /// # Errors
    ///
    /// If it takes longer than `patience`.
    pub fn wait_until_online(&mut self, patience: Duration) -> Result<()> {
        let is_online = self.wait_for(true, patience);
        self.state = match is_online {
            true => State::Started,
            false => State::StartError,
        };
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

    /// Waits until its agent is offline. Returns whether it is within `patience`.
    pub fn is_offline_within(&self, patience: Duration) -> bool {
        self.wait_for(false, patience)
    }

    /// Sends a line in a session, and returns the echo.
    ///
    /// # Errors
    ///
    /// If it is offline, or there is no echo.
    pub fn say(&self, line: &str) -> Result<String> {
        let channel = self.service.agents().channel(&self.target_id);
        channel.context("the target is offline")?.say(line)
    }

    /// Stops it; it is [`State::Stopped`] once its agent is offline too.
    ///
    /// # Errors
    ///
    /// When `/stop` fails.
    pub fn stop(&mut self, webhooks: &Webhooks) -> Result<(), WebhookError> {
        let stopped = webhooks.stop(&self.unique_id);
        self.state = match &stopped {
            Ok(()) => State::Stopping,
            Err(_) => State::StopError,
        };
        stopped
    }

    /// Waits until the target is offline, after a successful stop.
    ///
    /// # Errors
    ///
    /// If it takes longer than `patience`.
    pub fn wait_until_stopped(&mut self, patience: Duration) -> Result<()> {
        ensure!(self.state == State::Stopping, "the target was not stopped");
        let is_offline = self.wait_for(false, patience);
        self.state = match is_offline {
            true => State::Stopped,
            false => State::StopError,
        };
        ensure!(is_offline, "the target is still online after {patience:?}");
        Ok(())
    }

    fn wait_for(&self, online: bool, patience: Duration) -> bool {
        let agents = self.service.agents();
        agents.wait_for(&self.target_id, online, patience)
    }
}
