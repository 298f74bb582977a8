//! Reports what is there, what is missing, and how to fix it.

mod reach;
mod server;

use std::iter;
use std::process::ExitCode;

use anyhow::Result;
use dev::docker::Docker;
use dev::process;
use dynamic_access::config::{Config, SchedulerKind};
use dynamic_access::docker::ContainerName;
use dynamic_access::secret::Secret;
use dynamic_access_admin::doctor::answers;
use dynamic_access_admin::doctor::{
    Finding, NO_ENVIRONMENT, StartArguments, State, how_to_remove, tell,
};
use dynamic_access_admin::progress::say;
use dynamic_access_admin::random;
use serde_json::Value;

use crate::doctor::server::Server;
use crate::engine::choice;
use crate::image;
use crate::machine::workspace;
use crate::targets::NETWORK;
use crate::wasm::{self, TARGET};

/// How many environments with options of their own are tried, after one with the defaults: each takes a second, and
/// three with a start.
const ENVIRONMENTS_MAX: usize = 20;

/// How an entrypoint of this project ends when its agent has run but is not registered, which no agent is with a made-up
/// token.
const NOT_REGISTERED: [&str; 2] = ["exit code 69 ", "exit code 77 "];

/// Runs every check, and fails if something indispensable is missing.
pub fn doctor(engine: Option<&str>, start: &StartArguments) -> ExitCode {
    let engine = choice::existing(engine);
    let on_engine = engine.and_then(|found| found.map(|it| on_engine(&it, start)).transpose());
    let is_root = workspace::is_root();
    // With root, `up` installs what it needs.
    let unless_root = match is_root {
        true => State::Absent,
        false => State::Missing,
    };
    let mut findings = vec![match is_root {
        true => Finding::fine("root: packages can be installed and a private Engine started"),
        false => State::Absent.finding(
            "root, which packages and a private Engine need; `cargo xtask test` needs both",
            "sudo env PATH=\"$PATH\" cargo xtask …",
        ),
    }];
    findings.push(match wasm::has_target() {
        true => Finding::fine(format!("{TARGET}: installed")),
        // As root, Debian's compiler is used instead.
        false => unless_root.finding(
            format!("{TARGET}: not installed"),
            format!("rustup target add {TARGET}"),
        ),
    });
    findings.extend(match on_engine {
        Ok(Some(found)) => found,
        Ok(None) => vec![unless_root.finding(
            "Engine: none is named, and there is no local one",
            "as root: cargo xtask up starts one for its run; apt-get install docker.io one that stays",
        )],
        Err(error) => vec![State::Missing.finding("Engine: it cannot be used", format!("{error:#}"))],
    });
    findings.push(match process::program("docker") {
        Some(path) => Finding::fine(format!("the Docker CLI: {}", path.display())),
        None => unless_root.finding("the Docker CLI", "as root: apt-get install docker.io"),
    });
    let told = tell(&findings);
    if told == ExitCode::SUCCESS {
        say("`cargo xtask up` sets up whatever is missing");
    }
    told
}

/// The Engine as a server with the variables of this environment would find it.
fn on_engine(docker: &Docker, start: &StartArguments) -> Result<Vec<Finding>> {
    let engine = format!("Engine: {} at {}", docker.version()?, docker.endpoint());
    let mut findings = vec![Finding::fine(engine)];
    if let Some(agent) = image::present(docker) {
        let held = format!("agent image: {} holds {agent}", image::IMAGE);
        findings.push(Finding::fine(held));
    }
    let served = Server::new(docker, start).and_then(|server| by_server(docker, &server, start));
    findings.extend(served.unwrap_or_else(|error| {
        vec![State::Wrong.finding("the server cannot be tried", format!("{error:#}"))]
    }));
    Ok(findings)
}

fn by_server(docker: &Docker, server: &Server<'_>, start: &StartArguments) -> Result<Vec<Finding>> {
    let health = server.ask("/health", None)?;
    let mut findings = vec![answers::health(&health)];
    let line = health.log.unwrap_or_default();
    findings.extend(notes(&line));
    let Some(config) = server.config() else {
        return Ok(findings);
    };
    let is_made_by_up = match line["code"].as_str() {
        Some("no_such_image") => config
            .profiles
            .images()
            .iter()
            .all(|one| one.as_str() == image::IMAGE),
        Some("no_such_network") => config.profiles.networks() == [NETWORK],
        _ => false,
    };
    if is_made_by_up {
        findings[0].state = State::Absent;
    }
    if health.status != 200 {
        return Ok(findings);
    }
    if start.start && config.scheduler == SchedulerKind::Engine {
        let names = config.profiles.networks().into_iter();
        findings.extend(names.filter_map(|name| network(docker, &config, name)));
    }
    // Only a start shows what the nodes of a Swarm can run.
    if start.start || config.scheduler == SchedulerKind::Engine {
        let overridden = config.profiles.by_environment().map(|(id, _)| id);
        let environments = match &start.environment_id {
            Some(id) => vec![id.as_str()],
            None => iter::once(NO_ENVIRONMENT)
                .chain(overridden.take(ENVIRONMENTS_MAX))
                .collect(),
        };
        for environment in environments {
            findings.extend(try_start(docker, server, &config, start, environment)?);
        }
    }
    Ok(findings)
}

/// The notes of a log line: networks without their option, unsafe variables, and options that the Engine left out.
fn notes(line: &Value) -> impl Iterator<Item = Finding> + '_ {
    let notes = line["notes"].as_array().into_iter().flatten();
    notes
        .filter_map(Value::as_str)
        .map(|note| match note.starts_with("the network ") {
            true => State::Wrong.finding(note, "docs/target.md#the-network"),
            false => State::Unsure.finding(note, "docs/variables.md, unless it is meant"),
        })
}

/// Starts a target as a webhook does, and stops it.
fn try_start(
    docker: &Docker,
    server: &Server<'_>,
    config: &Config,
    start: &StartArguments,
    environment: &str,
) -> Result<Vec<Finding>> {
    let token = random::hex::<16>()?;
    let name = ContainerName::from_token(&config.deployment_id, &Secret::new(token.as_str()));
    let order = answers::order(&start.service_url, &token, Some(environment));
    let target = answers::target_of(&order);
    let answer = server.ask("/start", Some(&order))?;
    let line = answer.log.clone().unwrap_or_default();
    let error = line["error"].as_str().unwrap_or_default();
    let left = |what: String| vec![State::Wrong.finding(what, how_to_remove(name.as_str()))];
    if line["code"] == "target_ended"
        && config.scheduler == SchedulerKind::Engine
        // The server would keep it for its log.
        && let Err(error) = docker.ask(&["rm", "--force", "--volumes", name.as_str()])
    {
        return Ok(left(format!(
            "{target} has ended and cannot be removed: {error:#}"
        )));
    }
    if server.was_kept() {
        return Ok(match line["calls"].to_string().contains("\"remove 204 ") {
            true => vec![Finding::fine(format!(
                "created and removed {target}; --start starts one too"
            ))],
            false => left(format!("{target} was created and cannot be removed")),
        });
    }
    if NOT_REGISTERED.iter().any(|code| error.contains(code)) {
        let ran = format!("{target} ran, and its agent could not register");
        return Ok(vec![Finding::fine(ran)]);
    }
    let stop = |id: &Value| server.ask("/stop", Some(id));
    let mut findings = answers::start_and_stop(&order, &answer, stop);
    findings.extend(notes(&line));
    Ok(findings)
}

/// Whether targets can reach each other on a network, if an image is there to try it.
fn network(docker: &Docker, config: &Config, name: &str) -> Option<Finding> {
    let mut profiles = config.profiles.all();
    let profile = profiles.find(|profile| profile.body.networks().contains(&name))?;
    let image = profile.image.as_str();
    let unsure = |why: String| {
        State::Unsure.finding(
            format!("network: whether containers of {name} reach each other {why}"),
            "docs/target.md#the-network",
        )
    };
    let tried = reach::between_two(docker, name, image);
    Some(match tried.as_deref() {
        Ok("apart") => Finding::fine(format!(
            "network: on {name}, two containers did not reach each other"
        )),
        Ok("reached") => State::Wrong.finding(
            format!("network: on {name}, two containers reached each other"),
            "check its options, and the settings of the Engine and its host: docs/target.md#the-network",
        ),
        Ok(_) => unsure(format!("was not tried, because {image} lacks bash or timeout")),
        Err(error) => unsure(format!("cannot be tried: {error:#}")),
    })
}
