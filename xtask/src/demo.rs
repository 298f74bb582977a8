//! One whole visit, offline: a server, an Engine, and stand-ins for BastionZero's service and its agent.

use std::fs::File;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::panic::resume_unwind;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};
use dev::interrupt;
use dev::process::POLL_INTERVAL;
use stand_in_service::{Service, Webhooks, story};

use crate::engine::choice;
use crate::image::{self, Agent};
use crate::machine::workspace;
use crate::targets::{AGENT_IMAGE, OwnContainers, SERVICE_URLS, ensure_network};
use crate::up::server::{self, Server};
use crate::wasm;
use dynamic_access_admin::random;

/// Plays a visit on a server of its own, and leaves only images behind.
pub fn demo() -> Result<()> {
    let deployment_id = workspace::deployment_id("demo");
    wasm::build()?;
    // Dropped in reverse order: first the server, then its containers, then the Engine.
    let chosen = choice::choose()?;
    image::build(&chosen.docker, image::STAND_IN_IMAGE, Agent::StandIn)?;
    ensure_network(&chosen.docker)?;
    let service = chosen.listen_for_agents()?;
    let secret = random::hex::<32>()?;
    let _containers = OwnContainers::of(&chosen.docker, &deployment_id);
    let log = workspace::cache_dir().join("demo-server.log");
    let log_file = File::create(&log).with_context(|| log.display().to_string())?;
    let mut command = server::command(chosen.docker.endpoint(), &deployment_id);
    command
        .env(AGENT_IMAGE, image::STAND_IN_IMAGE)
        .env(SERVICE_URLS, service.url())
        .stdout(log_file.try_clone()?)
        .stderr(log_file);
    let mut server = Server::start(&mut command, (Ipv4Addr::LOCALHOST, 0).into(), &secret)?;
    server
        .wait_until_ready()
        .and_then(|()| tell(server.address, service, secret))
        .with_context(|| format!("the visit failed; the server's log is {}", log.display()))
}

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
