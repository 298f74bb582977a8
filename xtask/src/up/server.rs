//! Runs the server in the embedded host.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use dev::docker::endpoint::Endpoint;
use dev::network::{free_address, reachable};
use dev::process::{self, Group};
use dynamic_access_admin::doctor::first_secret;
use dynamic_access_admin::progress::{remark, say};
use stand_in_service::{WebhookError, Webhooks};

use crate::engine::choice::DOCKER_URL;
use crate::machine::workspace;

/// The authority in `docker_url` for a unix socket.
const SOCKET_AUTHORITY: &str = "127.0.0.1:2375";

/// Compiling the component takes a few seconds.
const START_BOUND: Duration = Duration::from_secs(90);

/// A webhook takes at most 29 seconds, and requests in flight may finish.
const STOP_GRACE: Duration = Duration::from_secs(32);

/// A running server; dropping it stops it.
pub struct Server {
    group: Group,
    /// Where it is reached from this machine.
    pub address: SocketAddr,
    webhooks: Webhooks,
}

impl Server {
    /// Builds the host, and starts a server, given as a [`command`], without waiting for it. Its secret may be several
    /// while they are rotated.
    pub fn start(command: &mut Command, listen: SocketAddr, secret: &str) -> Result<Self> {
        let address = free_address(listen).with_context(|| {
            format!("failed to listen on {listen}; `--listen` sets another address")
        })?;
        say("server: the embedded host, for development and tests; production is Spin");
        process::run(&mut build_of_host())?;
        command.arg("--listen").arg(address.to_string());
        command.env("SPIN_VARIABLE_WEBHOOK_SECRET", secret);
        let address = reachable(address);
        Ok(Self {
            group: Group::spawn(command)?,
            address,
            webhooks: Webhooks::new(address, first_secret(secret)),
        })
    }

    /// Waits until it answers `/health`, and prints a warning if it is not healthy.
    pub fn wait_until_ready(&mut self) -> Result<()> {
        let health = process::wait_for(START_BOUND, "an answer of the server", || {
            if let Some(status) = self.group.ended()? {
                return Ok(Err(anyhow!(
                    "the server has ended: {status}; the reason is above"
                )));
            }
            match self.webhooks.health() {
                Err(WebhookError::NoAnswer(reason)) => Err(reason.into()),
                answered => Ok(Ok(answered)),
            }
        })??;
        if let Err(error) = health {
            say(&format!("the server runs but is not healthy: {error}"));
            remark("the reason is in its log above; it keeps serving");
        }
        Ok(())
    }

    /// Waits until the server ends or a signal arrives; both are errors.
    pub fn wait(&mut self) -> Result<()> {
        let status = self.group.wait()?;
        bail!("the server has ended: {status}")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.group.stop(STOP_GRACE);
    }
}

/// Starts the first build of the host, which takes two minutes, while the component is built
/// and the Engine is set up. Dropping it ends the build.
pub fn build_ahead() -> Result<Option<Group>> {
    if host().exists() {
        return Ok(None);
    }
    Group::spawn(build_of_host().arg("--quiet")).map(Some)
}

fn host() -> PathBuf {
    workspace::target_dir().join("debug/dynamic-access-host")
}

fn build_of_host() -> Command {
    let mut command = workspace::cargo();
    command.args(["build", "--package", "dynamic-access-host"]);
    command
}

/// The server in the host, for a deployment on this Engine. Its other variables come from the environment, to which the
/// caller may add, and not from the command line, which anybody can read.
pub fn command(engine: &Endpoint, deployment_id: &str) -> Command {
    let mut command = Command::new(host());
    command.current_dir(workspace::root());
    command.args(["--from", "spin.toml"]);
    let docker_url = match engine {
        Endpoint::Unix(path) => {
            command.arg("--unix-socket");
            command.arg(format!("{SOCKET_AUTHORITY}={}", path.display()));
            format!("http://{SOCKET_AUTHORITY}")
        }
        engine => engine.to_string(),
    };
    command
        .env("SPIN_VARIABLE_DEPLOYMENT_ID", deployment_id)
        .env(DOCKER_URL, docker_url);
    command
}
