//! The main command: sets up whatever is missing, serves, and prints three lines to try it out.

mod headers;
pub mod server;

use std::env;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use dev::docker::Docker;
use dev::interrupt;
use dynamic_access_admin::doctor::SERVICE_URL;
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
use crate::targets::{AGENT_IMAGE, OwnContainers, SERVICE_URLS, ensure_network};
use crate::up::server::Server;
use crate::wasm;

/// The variable with the secret of `/v1`.
const API_SECRET: &str = "SPIN_VARIABLE_API_SECRET";

/// Options of a run.
#[derive(Args)]
pub struct UpArguments {
    /// Where to serve; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,

    /// Use mutual TLS, with a private Engine and new certificates
    #[arg(long, conflicts_with_all = ["runtime_config_file", "swarm"])]
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
    let _host = server::build_ahead()?;
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
        Some(swarm) => swarm.nodes.docker(1),
    };
    let _containers = OwnContainers::of(&chosen.docker, &deployment_id);
    let webhook_secret = secret("SPIN_VARIABLE_WEBHOOK_SECRET")?;
    let api_secret = secret(API_SECRET)?;
    let root = workspace::root();
    let _headers = [
        headers::write(&root.join("header"), "Basic", &webhook_secret)?,
        headers::write(&root.join("api-header"), "Bearer", &api_secret)?,
    ];
    let (engine, runtime_config) = match chosen.private.as_ref().and_then(Engine::tls) {
        Some((endpoint, runtime_config)) => (endpoint, Some(runtime_config)),
        None => (docker.endpoint().clone(), arguments.runtime_config_file),
    };
    let mut command = server::command(&engine, &deployment_id);
    command.env(API_SECRET, api_secret);
    command.envs(swarm.iter().flat_map(Swarm::variables));
    if let Some(file) = runtime_config {
        command.arg("--runtime-config-file").arg(file);
    }
    if let Some(example) = &example {
        example.ensure(&chosen.docker)?;
        command.env("SPIN_VARIABLE_ENVIRONMENTS", example.environments()?);
    }
    let service = service(agent, &chosen);
    // The stand-in registers with this run, the real agent wherever service_urls allows.
    if let Some(service) = &service {
        command.env(SERVICE_URLS, service.url());
    }
    let mut server = Server::start(&mut command, arguments.listen, &webhook_secret)?;
    server.wait_until_ready()?;
    let address = server.address;
    say(&format!(
        "serving http://{address} as deployment {deployment_id}, after {:.1} s; Ctrl-C ends it and removes its targets",
        started.elapsed().as_secs_f32()
    ));
    tell(&docker, swarm.is_some())?;
    remark(&format!("the commands below work in {}", root.display()));
    let order = json!({
        "serviceUrl": service.as_ref().map_or(SERVICE_URL, Service::url),
        "activationToken": stand_in_service::uuid(),
        "environmentId": stand_in_service::uuid(),
    });
    println!(
        "\ncurl --header @header http://{address}/health\n\
         curl --header @header --json '{order}' http://{address}/start | tee target.json\n\
         curl --header @header --json @target.json http://{address}/stop\n"
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
    if !arguments.tls && engine == EngineArguments::default() {
        return choice::choose();
    }
    say("Engine: starting a private one, for this run");
    let listen = match arguments.tls {
        true => Listen::Tls,
        false => Listen::Socket,
    };
    choice::private(listen, engine)
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
fn tell(docker: &Docker, is_swarm: bool) -> Result<()> {
    let host = docker.endpoint().docker_host();
    match is_swarm {
        false => remark(&format!("its containers: docker --host {host} ps")),
        true => {
            remark(&format!("its services: docker --host {host} service ls"));
            println!("\n{}", docker.ask(&["node", "ls"])?);
        }
    }
    Ok(())
}

/// The agent in the image, which is built unless the person has named another image.
fn agent(docker: &Docker) -> Result<Option<Agent>> {
    match env::var(AGENT_IMAGE) {
        Ok(name) if name != image::IMAGE && !name.is_empty() => {
            say(&format!("agent image: {name}, named by {AGENT_IMAGE}"));
            Ok(None)
        }
        _ => image::ensure(docker).map(Some),
    }
}

/// The secret in a variable, or a new one.
fn secret(variable: &str) -> Result<String> {
    let set = env::var(variable).unwrap_or_default();
    if !set.trim().is_empty() {
        return Ok(set);
    }
    say(&format!(
        "secret: a new one for this run ({variable} sets a fixed one)"
    ));
    random::hex::<32>()
}

/// Plays BastionZero's service for the stand-in agent, where the Engine's containers reach this machine.
fn service(agent: Option<Agent>, chosen: &Chosen) -> Option<Service> {
    if agent != Some(Agent::StandIn) {
        remark("the token below is made up; with a token from BastionZero the target comes online");
        return None;
    }
    match chosen.listen_for_agents() {
        Ok(service) => {
            service.admit_anyone(|| say("registration: an agent has registered"));
            say(&format!(
                "registration: the stand-in agent registers at {}, which admits any token",
                service.url()
            ));
            Some(service)
        }
        Err(error) => {
            say(&format!("registration: {error:#}"));
            remark("so the stand-in agent cannot register: targets start, and end by themselves");
            None
        }
    }
}
