//! Runs the server: with Spin if it is installed and can reach the Engine, else with the embedded host.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use dev::docker::endpoint::Endpoint;
use dev::interrupt;
use dev::network::{free_address, reachable};
use dev::process::{self, Group};
use stand_in_service::{WebhookError, Webhooks};

use crate::engine::choice::DOCKER_URL;
use crate::machine::workspace;
use crate::up::spin::{self, INSTALL, Spin};
use dynamic_access_admin::progress::{remark, say};

/// The authority in `docker_url` for a unix socket.
const SOCKET_AUTHORITY: &str = "127.0.0.1:2375";

/// Compiling the component takes a few seconds.
const START_BOUND: Duration = Duration::from_secs(90);

/// A webhook takes at most 29 seconds, and requests in flight may finish.
const STOP_GRACE: Duration = Duration::from_secs(32);

/// How many times, and how far apart, an unhealthy server is asked before its answer is shown: its
/// Engine may still be starting.
const HEALTH_ATTEMPTS: usize = 3;
const HEALTH_INTERVAL: Duration = Duration::from_secs(1);

/// The time between attempts to reach a server that does not listen yet.
const CONNECT_INTERVAL: Duration = Duration::from_millis(100);

/// What runs the component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HostKind {
    /// This project's own host, for development and tests
    Embedded,
    /// The Spin CLI
    Spin,
}

/// The options of a server.
pub struct Options {
    /// What runs the component, if the person chose.
    pub host: Option<HostKind>,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The Engine.
    pub engine: Endpoint,
    /// The configuration of TLS to the Engine.
    pub runtime_config: Option<PathBuf>,
    /// The deployment id of its containers.
    pub deployment_id: String,
    /// The shared secret.
    pub secret: String,
    /// Further variables, instead of their values from the environment or the defaults.
    pub variables: Vec<(&'static str, String)>,
    /// Where the server's log goes, instead of the terminal.
    pub log: Option<File>,
}

/// A running server; dropping it stops it.
pub struct Server {
    group: Group,
    address: SocketAddr,
    webhooks: Webhooks,
}

impl Server {
    /// Starts a server, without waiting for it.
    pub fn start(options: &Options) -> Result<Self> {
        let spin = spin::installed();
        let is_socket = matches!(options.engine, Endpoint::Unix(_));
        let kind = kind_of(options.host, is_socket, &spin)?;
        let address = free_address(options.listen).with_context(|| {
            format!(
                "failed to listen on {}; `--listen` sets another address",
                options.listen
            )
        })?;
        let mut command = match kind {
            HostKind::Spin => {
                say("server: spin up (`--host embedded` runs without Spin)");
                let mut command = Command::new("spin");
                command.current_dir(workspace::root()).arg("up");
                command
            }
            HostKind::Embedded => {
                say("server: the embedded host, for development and tests; production is Spin");
                if let Err(problem) = &spin {
                    remark(problem);
                }
                embedded_host()?
            }
        };
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
            .env("SPIN_VARIABLE_DEPLOYMENT_ID", &options.deployment_id)
            .env(DOCKER_URL, docker_url);
        for (name, value) in &options.variables {
            command.env(format!("SPIN_VARIABLE_{}", name.to_uppercase()), value);
        }
        if let Some(log) = &options.log {
            command.stdout(log.try_clone()?).stderr(log.try_clone()?);
        }
        let address = reachable(address);
        Ok(Self {
            group: Group::spawn(&mut command)?,
            address,
            webhooks: Webhooks::new(address, crate::up::ready::first_secret(&options.secret)),
        })
    }

    /// Where it is reached from this machine.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until it answers `/health`, and prints a warning if it is not healthy.
    pub fn wait_until_ready(&mut self) -> Result<()> {
        let mut health = self.first_health()?;
        for _ in 1..HEALTH_ATTEMPTS {
            if health.is_ok() {
                break;
            }
            interrupt::check()?;
            thread::sleep(HEALTH_INTERVAL);
            health = self.webhooks.health();
        }
        if let Err(error) = health {
            say(&format!("the server runs but is not healthy: {error}"));
            remark("the reason is in its log above; it keeps serving");
        }
        Ok(())
    }

    /// Waits until a signal asks us to end; fails if the server ends by itself.
    pub fn wait(&mut self) -> Result<()> {
        let status = self.group.wait()?;
        bail!("the server has ended: {status}")
    }

    /// The first answer, good or bad.
    fn first_health(&mut self) -> Result<Result<(), WebhookError>> {
        let deadline = Instant::now() + START_BOUND;
        loop {
            interrupt::check()?;
            if let Some(status) = self.group.ended()? {
                bail!("the server has ended: {status}; the reason is above");
            }
            match self.webhooks.health() {
                Err(WebhookError::NoAnswer(reason)) if Instant::now() >= deadline => {
                    bail!("no answer within {START_BOUND:?}: {reason}");
                }
                Err(WebhookError::NoAnswer(_)) => thread::sleep(CONNECT_INTERVAL),
                answer => return Ok(answer),
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.group.stop(STOP_GRACE);
    }
}

/// Spin cannot use a unix socket, and may be too old or not installed.
fn kind_of(asked: Option<HostKind>, is_socket: bool, spin: &Spin) -> Result<HostKind> {
    match (asked, spin) {
        (Some(HostKind::Spin), _) if is_socket => bail!(
            "Spin cannot use an Engine on a unix socket: name one with --docker-url http://host:port, or leave out --host spin"
        ),
        (Some(HostKind::Spin), Err(problem)) => {
            bail!("{problem}: {INSTALL}, or leave out --host spin")
        }
        (Some(HostKind::Spin), Ok(None)) => {
            bail!("the Spin CLI is not installed: {INSTALL}, or leave out --host spin")
        }
        (Some(kind), _) => Ok(kind),
        (None, Ok(Some(_))) if !is_socket => Ok(HostKind::Spin),
        (None, _) => Ok(HostKind::Embedded),
    }
}

/// Starts the first build of the embedded host unless Spin is installed: it takes two minutes, while the component is
/// built and the Engine is set up. Dropping it ends the build.
pub fn build_ahead(asked: Option<HostKind>) -> Result<Option<Group>> {
    let kind = kind_of(asked, false, &spin::installed());
    if !matches!(kind, Ok(HostKind::Embedded)) || host().exists() {
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

/// Builds the host, or waits for its build.
fn embedded_host() -> Result<Command> {
    process::run(&mut build_of_host())?;
    let mut command = Command::new(host());
    command.current_dir(workspace::root());
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spin_serves_where_it_can_and_reaches_the_engine() {
        let usable = Ok(Some("spin 4.1.0".to_owned()));
        let too_old = Err("spin 3.0.0 is older".to_owned());
        let (spin, embedded) = (Some(HostKind::Spin), Some(HostKind::Embedded));
        for (asked, is_socket, installed, expected) in [
            (None, false, &usable, "Spin"),
            (None, false, &too_old, "Embedded"),
            (None, false, &Ok(None), "Embedded"),
            (None, true, &usable, "Embedded"),
            (embedded, false, &usable, "Embedded"),
            (spin, false, &usable, "Spin"),
            (spin, true, &usable, "unix socket"),
            (spin, false, &too_old, "is older"),
            (spin, false, &Ok(None), "not installed"),
        ] {
            let kind = kind_of(asked, is_socket, installed);
            let told = kind.map_or_else(|error| error.to_string(), |kind| format!("{kind:?}"));
            assert!(told.contains(expected), "{told}");
        }
    }
}
