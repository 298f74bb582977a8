//! The main command: sets up whatever is missing, serves, and prints three lines to try it out.

use std::env;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Instant;

use crate::choice::{self, Chosen};
use crate::docker::Docker;
use crate::endpoint::Endpoint;
use crate::image::{self, Agent};
use crate::interrupt;
use crate::network;
use crate::own_containers::OwnContainers;
use anyhow::Result;
use clap::Args;
use dynamic_access_admin::loopback::is_loopback;
use dynamic_access_admin::progress::{remark, say};
use stand_in_service::Service;

use crate::random;
use crate::ready::{Ready, first_secret};
use crate::server::{HostKind, Options, Server};
use crate::suite::EngineArguments;
use crate::wasm;
use crate::workspace;

/// Where the real agent registers.
const SERVICE_URL: &str = "https://cloud.bastionzero.com";

/// Options of a run.
#[derive(Args)]
pub struct UpArguments {
    /// Where to serve; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,

    /// What runs the component; the default is Spin if it is installed and the Engine is not a unix socket
    #[arg(long)]
    host: Option<HostKind>,

    /// The Engine, instead of SPIN_VARIABLE_DOCKER_URL, DOCKER_HOST, the docker context, the local one or a private one
    #[arg(long, value_name = "URL")]
    docker_url: Option<String>,

    /// Use mutual TLS, with a private Engine and new certificates
    #[arg(long, conflicts_with_all = ["docker_url", "runtime_config_file"])]
    tls: bool,

    #[command(flatten)]
    engine: EngineArguments,

    /// Spin's runtime configuration, whose `[[client_tls]]` configures TLS to the Engine
    #[arg(long, value_name = "FILE")]
    runtime_config_file: Option<PathBuf>,
}

/// Serves until a signal arrives, and leaves nothing of its own behind.
pub fn up(arguments: UpArguments) -> Result<()> {
    let started = Instant::now();
    let deployment_id = workspace::deployment_id("up");
    wasm::build(None)?;
    // Dropped in reverse order: the server first, then its containers, then its Engine.
    let chosen = match arguments.tls {
        true => choice::private_with_tls(arguments.engine)?,
        false if !arguments.engine.is_default() => choice::private_of(arguments.engine)?,
        false => choice::choose(arguments.docker_url.as_deref())?,
    };
    let agent = agent(&chosen.docker)?;
    network::ensure(&chosen.docker)?;
    if agent != Some(Agent::StandIn) {
        chosen.open_outbound()?;
    }
    let secret = secret()?;
    let (service_url, _service) = service_url(agent, &chosen);
    // The stand-in registers with this run, the real agent wherever service_urls allows.
    let service_urls = (service_url != SERVICE_URL).then(|| service_url.clone());
    let _containers = OwnContainers::of(&chosen.docker, &deployment_id);
    let (engine, runtime_config) = match chosen.tls() {
        Some(tls) => (tls.endpoint, Some(tls.runtime_config)),
        None => (
            chosen.docker.endpoint().clone(),
            arguments.runtime_config_file,
        ),
    };
    warn_of_engine(&engine, runtime_config.is_some());
    let mut server = Server::start(&Options {
        host: arguments.host,
        listen: arguments.listen,
        engine,
        runtime_config,
        deployment_id: deployment_id.clone(),
        secret: secret.clone(),
        agent_image: None,
        service_urls,
        log: None,
    })?;
    server.wait_until_ready()?;
    say(&format!(
        "serving http://{} as deployment {deployment_id}, after {:.1} s; Ctrl-C ends it and removes its containers",
        server.address(),
        started.elapsed().as_secs_f32()
    ));
    let ready = Ready {
        address: server.address(),
        secret: first_secret(&secret),
        service_url: &service_url,
        activation_token: &stand_in_service::uuid(),
        environment_id: &stand_in_service::uuid(),
    };
    remark(&format!(
        "its containers: docker --host {} ps",
        chosen.docker.endpoint().docker_host()
    ));
    println!("\n{}", ready.lines());
    match server.wait() {
        Err(_) if interrupt::requested() => {
            say("stopping");
            Ok(())
        }
        other => other,
    }
}

/// The agent in the image, which is built unless the person has named another image.
fn agent(docker: &Docker) -> Result<Option<Agent>> {
    match env::var("SPIN_VARIABLE_AGENT_IMAGE") {
        Ok(name) if name != image::IMAGE && !name.is_empty() => {
            say(&format!(
                "agent image: {name}, named by SPIN_VARIABLE_AGENT_IMAGE"
            ));
            Ok(None)
        }
        _ => image::ensure(docker, None).map(Some),
    }
}

fn secret() -> Result<String> {
    const VARIABLE: &str = "SPIN_VARIABLE_WEBHOOK_SECRET";
    match env::var(VARIABLE) {
        Ok(secret) if !secret.trim().is_empty() => {
            say(&format!("secret: the one in {VARIABLE}"));
            Ok(secret)
        }
        _ => {
            say(&format!(
                "secret: a new one for this run ({VARIABLE} sets a fixed one)"
            ));
            random::secret()
        }
    }
}

/// Where the agent of the printed line registers, and what listens there.
fn service_url(agent: Option<Agent>, chosen: &Chosen) -> (String, Option<Service>) {
    if agent != Some(Agent::StandIn) {
        remark("the token below is made up; with a token from BastionZero the target comes online");
        return (SERVICE_URL.to_owned(), None);
    }
    match listen_for_agents(chosen) {
        Ok(service) => {
            let url = service.url().to_owned();
            say(&format!(
                "registration: the stand-in agent registers at {url}, which admits any token"
            ));
            (url, Some(service))
        }
        Err(error) => {
            say(&format!("registration: {error:#}"));
            remark("so the stand-in agent cannot register: targets start, and end by themselves");
            (SERVICE_URL.to_owned(), None)
        }
    }
}

/// Plays BastionZero's service where the Engine's containers reach this machine.
fn listen_for_agents(chosen: &Chosen) -> Result<Service> {
    let address: IpAddr = chosen.bridge_address()?.parse()?;
    let service = Service::listen((address, 0).into())?;
    service.admit_anyone(|| say("registration: an agent has registered"));
    Ok(service)
}

/// Prints warnings that would otherwise only be in the server's log.
fn warn_of_engine(engine: &Endpoint, has_runtime_config: bool) {
    match engine {
        Endpoint::Tls(_) if !has_runtime_config => {
            say(
                "Engine: TLS without a client certificate; `--runtime-config-file runtime-config.toml` names one",
            );
        }
        Endpoint::Tcp(authority) if !is_loopback(authority) => {
            say(
                "Engine: plain HTTP beyond this machine is refused unless SPIN_VARIABLE_DOCKER_PLAINTEXT=allow",
            );
        }
        _ => {}
    }
}
