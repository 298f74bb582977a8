//! One user's visit without the real service: a server, an Engine, and a stand-in for BastionZero that prints each step.

use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::choice::{self, Chosen};
use crate::image;
use crate::interrupt;
use crate::network;
use crate::own_containers::OwnContainers;
use crate::ports::free_address;
use crate::process;
use crate::random;
use crate::server::{Options, Server};
use crate::wasm;
use crate::workspace;
use dynamic_access_admin::progress::{remark, say};

/// Options of the demonstration.
#[derive(Args)]
pub struct DemoArguments {
    /// The Engine, instead of SPIN_VARIABLE_DOCKER_URL, DOCKER_HOST, the local one or a private one
    #[arg(long, value_name = "URL")]
    docker_url: Option<String>,
}

/// Plays one visit on a server of its own. Only images stay behind.
pub fn demo(arguments: &DemoArguments) -> Result<()> {
    let deployment_id = workspace::deployment_id("demo");
    wasm::build(None)?;
    // Dropped in reverse order: the server first, then its containers, then its Engine.
    let chosen = choice::choose(arguments.docker_url.as_deref())?;
    image::build_stand_in(&chosen.docker)?;
    network::ensure(&chosen.docker)?;
    let agents = address_for_agents(&chosen)?;
    let secret = random::secret()?;
    let _containers = OwnContainers::of(&chosen.docker, &deployment_id);
    let log = log_file()?;
    let mut server = Server::start(&Options {
        host: None,
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        engine: chosen.docker.endpoint().clone(),
        runtime_config: None,
        deployment_id,
        secret: secret.clone(),
        agent_image: Some(image::STAND_IN_IMAGE),
        service_urls: Some(format!("http://{agents}")),
        log: Some(
            File::create(&log).with_context(|| format!("failed to write {}", log.display()))?,
        ),
    })?;
    let told = server
        .wait_until_ready()
        .and_then(|()| tell(server.address(), agents, &secret));
    if told.is_err() && !interrupt::requested() {
        show(&log);
    }
    told
}

/// Where the stand-in for BastionZero listens: an address that agents in containers can reach.
fn address_for_agents(chosen: &Chosen) -> Result<SocketAddr> {
    let address: IpAddr = chosen.bridge_address()?.parse()?;
    free_address((address, 0).into()).with_context(|| {
        format!("failed to listen on {address}, where the Engine's containers would reach this machine; the Engine must run on it")
    })
}

/// Runs the stand-in for BastionZero, which prints the steps.
fn tell(server: SocketAddr, agents: SocketAddr, secret: &str) -> Result<()> {
    let mut command = workspace::cargo();
    command
        .args(["run", "--quiet", "--package", "stand-in-service"])
        .args(["--bin", "demo", "--"])
        .arg(format!("--server={server}"))
        .arg(format!("--agents={agents}"))
        // In the environment, since anybody can read a command line.
        .env("WEBHOOK_SECRET", secret);
    if !process::status(&mut command)?.success() {
        bail!("the demonstration failed; the reason is above");
    }
    Ok(())
}

fn log_file() -> Result<PathBuf> {
    let dir = workspace::cache_dir();
    fs::create_dir_all(&dir).with_context(|| format!("failed to create {}", dir.display()))?;
    Ok(dir.join("demo-server.log"))
}

/// Shows the end of the server's log, which has the reasons for its answers.
fn show(log: &Path) {
    say(&format!("the server's log, {}:", log.display()));
    let text = fs::read_to_string(log).unwrap_or_default();
    for line in process::tail(&text).lines() {
        remark(line);
    }
}
