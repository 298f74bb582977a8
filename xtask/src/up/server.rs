//! Runs the server in the embedded host.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use dev::docker::endpoint::Endpoint;
use dev::interrupt;
use dev::network::{free_address, reachable};
use dev::process::{self, Group};
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

/// The time between attempts to reach a server that does not listen yet.
const CONNECT_INTERVAL: Duration = Duration::from_millis(100);

/// The options of a server.
pub struct Options {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The Engine.
    pub engine: Endpoint,
    /// The configuration of TLS to the Engine.
    pub runtime_config: Option<PathBuf>,
    /// The deployment id of its containers.
    pub deployment_id: String,
    /// BastionZero's secret, or several while they are rotated.
    pub secret: String,
    /// Further variables, instead of their values from the environment or the defaults.
    pub variables: Vec<(&'static str, String)>,
    /// Where the server's log goes, instead of the terminal.
    pub log: Option<File>,
}

/// A running server; dropping it stops it.
pub struct Server {
    group: Group,
    /// Where it is reached from this machine.
    pub address: SocketAddr,
    webhooks: Webhooks,
}

impl Server {
    /// Builds the host, and starts a server without waiting for it.
    pub fn start(options: Options) -> Result<Self> {
        let listen = options.listen;
        let address = free_address(listen).with_context(|| {
            format!("failed to listen on {listen}; `--listen` sets another address")
        })?;
        say("server: the embedded host, for development and tests; production is Spin");
        process::run(&mut build_of_host())?;
        let mut command = Command::new(host());
        command.current_dir(workspace::root());
        command.args(["--from", "spin.toml"]);
        command.arg("--listen").arg(address.to_string());
        if let Some(file) = &options.runtime_config {
            command.arg("--runtime-config-file").arg(file);
        }
        let docker_url = match &options.engine {
            Endpoint::Unix(path) => {
                command.arg("--unix-socket");
                command.arg(format!("{SOCKET_AUTHORITY}={}", path.display()));
                format!("http://{SOCKET_AUTHORITY}")
            }
            engine => engine.to_string(),
        };
        // In the environment, because anybody can read a command line.
        command
            .env("SPIN_VARIABLE_WEBHOOK_SECRET", &options.secret)
            .env("SPIN_VARIABLE_DEPLOYMENT_ID", options.deployment_id)
            .env(DOCKER_URL, docker_url);
        for (name, value) in options.variables {
            command.env(format!("SPIN_VARIABLE_{}", name.to_uppercase()), value);
        }
        if let Some(log) = options.log {
            command.stdout(log.try_clone()?).stderr(log);
        }
        let address = reachable(address);
        Ok(Self {
            group: Group::spawn(&mut command)?,
            address,
            webhooks: Webhooks::new(address, first_secret(&options.secret)),
        })
    }

    /// Waits until it answers `/health`, and prints a warning if it is not healthy.
    pub fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_BOUND;
        loop {
            interrupt::check()?;
            if let Some(status) = self.group.ended()? {
                bail!("the server has ended: {status}; the reason is above");
            }
            match self.webhooks.health() {
                Ok(()) => return Ok(()),
                Err(WebhookError::NoAnswer(reason)) if Instant::now() >= deadline => {
                    bail!("no answer within {START_BOUND:?}: {reason}");
                }
                Err(WebhookError::NoAnswer(_)) => thread::sleep(CONNECT_INTERVAL),
                Err(error) => {
                    say(&format!("the server runs but is not healthy: {error}"));
                    remark("the reason is in its log above; it keeps serving");
                    return Ok(());
                }
            }
        }
    }

    /// Waits until a signal asks us to end; fails if the server ends by itself.
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

/// The first secret; there are several, separated by spaces, while they are rotated.
pub fn first_secret(secrets: &str) -> &str {
    secrets.split_whitespace().next().unwrap_or_default()
}
