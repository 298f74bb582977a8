//! One whole visit, offline: a server, an Engine, and stand-ins for BastionZero's service and its agent.

use std::fs::{self, File};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;
use dev::interrupt;
use dev::process::{self, POLL_INTERVAL};
use stand_in_service::{Service, Webhooks, story};

use crate::engine::choice;
use crate::image;
use crate::machine::workspace;
use crate::targets::{OwnContainers, ensure_network};
use crate::up::server::{Options, Server};
use crate::wasm;
use dynamic_access_admin::progress::{remark, say};
use dynamic_access_admin::random;

/// Options of a demonstration.
#[derive(Args)]
pub struct DemoArguments {
    /// The Engine, instead of SPIN_VARIABLE_DOCKER_URL, DOCKER_HOST, the local one or a private one
    #[arg(long, value_name = "URL")]
    docker_url: Option<String>,
}

/// Plays a visit on a server of its own, and leaves only images behind.
pub fn demo(arguments: &DemoArguments) -> Result<()> {
    let deployment_id = workspace::deployment_id("demo");
    wasm::build()?;
    // Dropped in reverse order: first the server, then its containers, then the Engine.
    let chosen = choice::choose(arguments.docker_url.as_deref())?;
    image::build_stand_in(&chosen.docker)?;
    ensure_network(&chosen.docker)?;
    let address = chosen.bridge_address()?;
    let service = Service::listen((address, 0).into())
        .context("containers reach this machine there, so the Engine must run on it")?;
    let secret = random::hex::<32>()?;
    let _containers = OwnContainers::of(&chosen.docker, &deployment_id);
    let log = log_file()?;
    let mut server = Server::start(&Options {
        host: None,
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        engine: chosen.docker.endpoint().clone(),
        runtime_config: None,
        deployment_id,
        secret: secret.clone(),
        variables: vec![
            ("agent_image", image::STAND_IN_IMAGE.to_owned()),
            ("service_urls", service.url().to_owned()),
        ],
        log: Some(
            File::create(&log).with_context(|| format!("failed to write {}", log.display()))?,
        ),
    })?;
    let told = server
        .wait_until_ready()
        .and_then(|()| tell(server.address(), service, secret));
    if told.is_err() && !interrupt::requested() {
        show(&log);
    }
    told
}

/// Plays the visit and prints each step with its time.
fn tell(server: SocketAddr, service: Service, secret: String) -> Result<()> {
    let started = Instant::now();
    let told = thread::spawn(move || {
        let webhooks = Webhooks::new(server, secret);
        story::tell(&webhooks, &service, |step| {
            let seconds = started.elapsed().as_secs_f32();
            // The visit goes on even if nobody reads the output any more.
            let _ = writeln!(std::io::stdout(), "{seconds:>6.1} s  {step}");
        })
    });
    // A step can take minutes; a signal must not have to wait for it.
    while !told.is_finished() {
        interrupt::check()?;
        thread::sleep(POLL_INTERVAL);
    }
    told.join().unwrap_or_else(|panic| resume_unwind(panic))
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
