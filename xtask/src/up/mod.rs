//! The main command: sets up whatever is missing, serves, and prints three lines to try it out.

mod ready;
pub mod server;
pub mod spin;

use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use dev::docker::Docker;
use dev::docker::endpoint::Endpoint;
use dev::interrupt;
use dev::network::free_address;
use dynamic_access::docker::EngineUrl;
use dynamic_access_admin::progress::{remark, say};
use dynamic_access_admin::random;
use serde_json::json;
use stand_in_service::Service;

use crate::engine::choice::{self, Chosen};
use crate::engine::suite::EngineArguments;
use crate::engine::swarm::{Swarm, SwarmArguments};
use crate::engine::{Engine, Listen};
use crate::image::example::Example;
use crate::image::{self, Agent};
use crate::machine::workspace;
use crate::targets::{OwnContainers, ensure_network};
use crate::up::ready::first_secret;
use crate::up::server::{HostKind, Options, Server};
use crate::wasm;

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
    #[arg(long, value_name = "URL", conflicts_with = "swarm")]
    docker_url: Option<String>,

    /// Use mutual TLS, with a private Engine and new certificates
    #[arg(long, conflicts_with_all = ["docker_url", "runtime_config_file", "swarm"])]
    tls: bool,

    /// Build the image of this folder in examples/ too, and add its environment
    #[arg(long, value_name = "FOLDER", conflicts_with = "swarm")]
    example: Option<String>,

    #[command(flatten)]
    engine: EngineArguments,

    #[command(flatten)]
    swarm: SwarmArguments,

    /// Spin's runtime configuration, whose `[[client_tls]]` configures TLS to the Engine
    #[arg(long, value_name = "FILE", conflicts_with = "swarm")]
    runtime_config_file: Option<PathBuf>,
}

/// Serves until a signal arrives, and leaves nothing of its own behind.
pub fn up(arguments: UpArguments) -> Result<()> {
    let started = Instant::now();
    let deployment_id = workspace::deployment_id("up");
    let example = arguments.example.as_deref().map(Example::of).transpose()?;
    let _host = server::build_ahead(arguments.host)?;
    wasm::build()?;
    // Dropped in reverse order: the server first, then its targets, then its Engine.
    let chosen = choose(&arguments)?;
    let agent = agent(&chosen.docker)?;
    if let (Some(private), true) = (&chosen.private, agent != Some(Agent::StandIn)) {
        private.open_outbound()?;
    }
    let swarm = swarm(&arguments, &chosen, agent)?;
    let docker = match &swarm {
        None => chosen.docker.clone(),
        Some(swarm) => swarm.docker(),
    };
    let _containers = OwnContainers::of(&chosen.docker, &deployment_id);
    let webhook_secret = secret("SPIN_VARIABLE_WEBHOOK_SECRET")?;
    let api_secret = secret("SPIN_VARIABLE_API_SECRET")?;
    let _header = ready::write_header(&workspace::root(), &api_secret)?;
    let (service_url, _service) = service_url(agent, &chosen);
    let mut variables = swarm.as_ref().map_or_else(Vec::new, Swarm::variables);
    variables.push(("api_secret", api_secret));
    if let Some(example) = &example {
        example.ensure(&chosen.docker)?;
        variables.push(("environments", example.environments()?));
    }
    if service_url != SERVICE_URL {
        // The stand-in registers with this run, the real agent wherever service_urls allows.
        variables.push(("service_urls", service_url.clone()));
    }
    let (engine, runtime_config) = match chosen.private.as_ref().and_then(Engine::tls) {
        Some(tls) => (tls.endpoint, Some(tls.runtime_config)),
        None => (docker.endpoint().clone(), arguments.runtime_config_file),
    };
    warn_of_engine(&engine, runtime_config.is_some());
    let mut server = Server::start(&Options {
        host: arguments.host,
        listen: arguments.listen,
        engine,
        runtime_config,
        deployment_id: deployment_id.clone(),
        secret: webhook_secret.clone(),
        variables,
        log: None,
    })?;
    server.wait_until_ready()?;
    say(&format!(
        "serving http://{} as deployment {deployment_id}, after {:.1} s; Ctrl-C ends it and removes its targets",
        server.address(),
        started.elapsed().as_secs_f32()
    ));
    let order = json!({
        "serviceUrl": service_url,
        "activationToken": stand_in_service::uuid(),
        "environmentId": stand_in_service::uuid(),
    });
    tell(&docker, swarm.as_ref())?;
    println!(
        "\n{}",
        ready::lines(server.address(), first_secret(&webhook_secret), &order)
    );
    if let Some(example) = &example {
        println!("{}", example.next_step());
    }
    match server.wait() {
        Err(_) if interrupt::requested() => {
            say("stopping");
            Ok(())
        }
        other => other,
    }
}

/// The Engine that the arguments name, or that is there.
fn choose(arguments: &UpArguments) -> Result<Chosen> {
    let engine = arguments.swarm.engine(arguments.engine)?;
    if arguments.tls {
        say("Engine: starting a private one that requires client certificates, for this run");
        let port = free_address((Ipv4Addr::LOCALHOST, 0).into())?.port();
        return choice::private(Listen::Tls(port), engine);
    }
    if engine.is_default() {
        return choice::choose(arguments.docker_url.as_deref());
    }
    say("Engine: starting a private one, for this run");
    choice::private(Listen::Socket, engine)
}

/// The Swarm beside the Engine, if the arguments ask for one; else makes the targets' network on the Engine.
fn swarm(arguments: &UpArguments, chosen: &Chosen, agent: Option<Agent>) -> Result<Option<Swarm>> {
    let (Some(count), Some(engine)) = (arguments.swarm.count, &chosen.private) else {
        ensure_network(&chosen.docker)?;
        return Ok(None);
    };
    // The nodes themselves pull an image that the person has named.
    let image = agent.map(|_| image::IMAGE);
    // Not on TCP, because targets would reach the nodes too.
    Swarm::start(engine, count, image, false).map(Some)
}

/// Prints how to see what runs.
fn tell(docker: &Docker, swarm: Option<&Swarm>) -> Result<()> {
    let host = docker.endpoint().docker_host();
    match swarm {
        None => remark(&format!("its containers: docker --host {host} ps")),
        Some(swarm) => {
            remark(&format!("its services: docker --host {host} service ls"));
            println!("\n{}", swarm.table()?);
        }
    }
    Ok(())
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

/// The secret in a variable, or a new one.
fn secret(variable: &str) -> Result<String> {
    match env::var(variable) {
        Ok(secret) if !secret.trim().is_empty() => {
            say(&format!("secret: the one in {variable}"));
            Ok(secret)
        }
        _ => {
            say(&format!(
                "secret: a new one for this run ({variable} sets a fixed one)"
            ));
            random::hex::<32>()
        }
    }
}

/// Where the agent of the printed line registers, and the service that listens there.
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
    let address = chosen.bridge_address()?;
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
        Endpoint::Tcp(_)
            if EngineUrl::parse(&engine.to_string())
                .is_ok_and(|url| url.is_plaintext_beyond_loopback()) =>
        {
            say(
                "Engine: plain HTTP beyond this machine is refused unless SPIN_VARIABLE_DOCKER_PLAINTEXT=allow",
            );
        }
        _ => {}
    }
}
