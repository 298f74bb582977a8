//! Reports what is there, what is missing, and the command that fixes it.

use std::process::{Command, ExitCode};

use anyhow::{Error, Result};
use dynamic_access::config::{Config, SchedulerKind};
use dynamic_access_admin::remote_doctor::StartArguments;
use serde_json::Value;

use crate::choice;
use crate::docker::Docker;
use crate::image;
use crate::network::{self, Isolation};
use crate::process;
use crate::reach::{self, Reach};
use crate::spin::{INSTALL, Spin};
use crate::trial::Trial;
use crate::variables::{self, Values};
use crate::wasm;
use crate::workspace;
use dynamic_access_admin::progress::say;

/// The result of one check.
enum Finding {
    /// It is there.
    There(String),
    /// It is missing, but not needed here, or set up when needed.
    Optional(String, String),
    /// It is missing, and this fixes it.
    Missing(String, String),
    /// It cannot be judged from here, or is only half as it must be; this is to be looked at.
    Unsure(String, String),
    /// It is not as it must be, and this fixes it.
    Wrong(String, String),
}

/// The environment of a target that gets the defaults of the variables.
const NO_ENVIRONMENT: &str = "dynamic-access-doctor";

/// How many environments are tried: each takes a second, and three with a start.
const ENVIRONMENTS_MAX: usize = 20;

/// Runs every check, and fails if something indispensable is missing.
pub fn doctor(engine: Option<&str>, start: &StartArguments) -> ExitCode {
    let engine = choice::existing(engine);
    let mut findings = vec![
        privileges(),
        compiler(),
        target(),
        component(),
        spin(),
        docker_engine(&engine),
    ];
    findings.extend(agent_image(&engine));
    findings.extend(targets(&engine, start));
    findings.extend([docker_cli(), debootstrap(), curl()]);
    for finding in &findings {
        match finding {
            Finding::There(what) => println!("ok       {what}"),
            Finding::Optional(what, fix) => println!("absent   {what}\n         {fix}"),
            Finding::Missing(what, fix) => println!("MISSING  {what}\n         {fix}"),
            Finding::Unsure(what, fix) => println!("unsure   {what}\n         {fix}"),
            Finding::Wrong(what, fix) => println!("WRONG    {what}\n         {fix}"),
        }
    }
    match findings
        .iter()
        .any(|finding| matches!(finding, Finding::Missing(..) | Finding::Wrong(..)))
    {
        true => ExitCode::FAILURE,
        false => {
            say("everything is there, or is set up by `cargo xtask up`");
            ExitCode::SUCCESS
        }
    }
}

fn privileges() -> Finding {
    match workspace::is_root() {
        true => Finding::There(
            "root: packages can be installed and a private Engine started".to_owned(),
        ),
        false => Finding::Optional(
            "root, which packages and a private Engine need; `cargo xtask test` needs both"
                .to_owned(),
            "sudo env PATH=\"$PATH\" cargo xtask …".to_owned(),
        ),
    }
}

fn compiler() -> Finding {
    match process::output(Command::new("rustc").arg("--version")) {
        Ok(version) => Finding::There(version.trim().to_owned()),
        Err(_) => Finding::Missing("rustc".to_owned(), "https://rustup.rs".to_owned()),
    }
}

fn target() -> Finding {
    let fix = format!("rustup target add {}", wasm::TARGET);
    match wasm::has_target() {
        true => Finding::There(format!("{}: installed", wasm::TARGET)),
        // Debian's compiler is used instead.
        false if workspace::is_root() && workspace::program("apt-get").is_some() => {
            Finding::Optional(format!("{}: not installed", wasm::TARGET), fix)
        }
        false => Finding::Missing(format!("{}: not installed", wasm::TARGET), fix),
    }
}

fn component() -> Finding {
    let path = wasm::component();
    match path.metadata() {
        Ok(metadata) => Finding::There(format!("component: {} kB", metadata.len() / 1000)),
        Err(_) => Finding::Optional(
            "component: not built".to_owned(),
            "cargo xtask build".to_owned(),
        ),
    }
}

fn spin() -> Finding {
    match Spin::installed() {
        Spin::TooOld(problem) => Finding::Missing(
            problem,
            format!("{INSTALL}; until then, the embedded host is used"),
        ),
        Spin::Usable(version) => Finding::There(version),
        Spin::Missing => Finding::Optional(
            "the Spin CLI; the embedded host is used instead".to_owned(),
            INSTALL.to_owned(),
        ),
    }
}

fn docker_engine(engine: &Result<Option<Docker>>) -> Finding {
    match engine {
        Ok(Some(docker)) => match docker.version() {
            Ok(version) => Finding::There(format!("Engine: {version} at {}", docker.endpoint())),
            Err(error) => unreachable_engine(&error),
        },
        Ok(None) => no_engine(),
        Err(error) => unreachable_engine(error),
    }
}

fn no_engine() -> Finding {
    let what = "Engine: none is named or local".to_owned();
    match workspace::is_root() {
        true => Finding::Optional(
            what,
            "cargo xtask up starts one for its run; cargo xtask engine start starts one that stays"
                .to_owned(),
        ),
        false => Finding::Missing(
            what,
            "as root: apt-get install docker.io, or cargo xtask engine start".to_owned(),
        ),
    }
}

fn unreachable_engine(error: &Error) -> Finding {
    Finding::Missing(
        "Engine: the named one cannot be used".to_owned(),
        format!("{error:#}"),
    )
}

fn agent_image(engine: &Result<Option<Docker>>) -> Option<Finding> {
    let docker = engine.as_ref().ok()?.as_ref()?;
    Some(match image::present(docker) {
        Some(agent) => Finding::There(format!("agent image: {} holds {agent}", image::IMAGE)),
        None => Finding::Optional(
            format!(
                "agent image: the Engine has no {} built by this project",
                image::IMAGE
            ),
            "cargo xtask image".to_owned(),
        ),
    })
}

/// What a server with the variables of this environment would meet on the Engine.
fn targets(engine: &Result<Option<Docker>>, start: &StartArguments) -> Vec<Finding> {
    let Ok(Some(docker)) = engine else {
        return Vec::new();
    };
    let values = variables::read();
    let config = values.and_then(|values| Ok((variables::parse(&values)?, values)));
    let (config, values) = match config {
        Ok(both) => both,
        Err(error) => {
            return vec![Finding::Wrong(
                format!("variables: {error:#}"),
                "docs/variables.md".to_owned(),
            )];
        }
    };
    let mut findings: Vec<Finding> = config
        .profiles
        .networks()
        .into_iter()
        .map(|name| network(docker, &config, name, start))
        .collect();
    let mut tried = Vec::new();
    let environments = match &start.environment_id {
        Some(id) => vec![id.clone()],
        None => environments(&values),
    };
    for environment in environments {
        let profile = config.profiles.of(&environment);
        let made_of = (&profile.image, &profile.body);
        if !tried.contains(&made_of) {
            tried.push(made_of);
            findings.push(target_of(docker, &config, &environment, start.start_for()));
        }
    }
    findings
}

/// The environments whose targets are made of something else, after one whose are not.
fn environments(values: &Values) -> Vec<String> {
    let text = values.get("environments").map_or("", String::as_str);
    let overridden = match serde_json::from_str(text) {
        Ok(Value::Object(all)) => all.keys().cloned().collect(),
        _ => Vec::new(),
    };
    let mut all = vec![NO_ENVIRONMENT.to_owned()];
    all.extend(overridden.into_iter().take(ENVIRONMENTS_MAX));
    all
}

/// Whether targets can reach each other on a network: tried if targets are started, and else as its options say.
fn network(docker: &Docker, config: &Config, name: &str, start: &StartArguments) -> Finding {
    let told = isolation(docker, name);
    let mut profiles = config.profiles.all();
    let image = profiles.find(|profile| profile.body.network() == Some(name));
    let image = image.map(|profile| profile.image.as_str());
    let (Some(_), SchedulerKind::Engine, Some(image)) =
        (start.start_for(), config.scheduler, image)
    else {
        return told;
    };
    if network::isolation(docker, name) == Isolation::Absent || !docker.has_image(image) {
        return told;
    }
    match reach::between_two(docker, name, image) {
        Ok(Reach::Apart) => Finding::There(format!(
            "network: {name}, on which two containers have not reached each other"
        )),
        Ok(Reach::Reached) => Finding::Wrong(
            format!("network: on {name}, two containers have reached each other"),
            "its options, and what they need of the Engine and of its host: docs/target.md#the-network"
                .to_owned(),
        ),
        Ok(Reach::Unknown) => Finding::Unsure(
            format!("network: whether containers of {name} reach each other was not tried, because {image} lacks bash or timeout"),
            "its options alone: cargo xtask doctor, without --start".to_owned(),
        ),
        Err(error) => Finding::Unsure(
            format!("network: whether containers of {name} reach each other cannot be tried: {error:#}"),
            "its options alone: cargo xtask doctor, without --start".to_owned(),
        ),
    }
}

fn isolation(docker: &Docker, name: &str) -> Finding {
    let make = network::how_to_make(name);
    match network::isolation(docker, name) {
        Isolation::Kept => {
            Finding::There(format!("network: {name}, without traffic between targets"))
        }
        Isolation::Unknown(driver) => Finding::Unsure(
            format!("network: {name} has the driver {driver}, whose isolation is not known here"),
            "make sure that its containers cannot reach each other".to_owned(),
        ),
        Isolation::Absent if name == network::NETWORK => {
            Finding::Optional(format!("network: {name}"), make)
        }
        Isolation::Absent => Finding::Missing(format!("network: {name}"), make),
        Isolation::Lacking if docker.is_podman() => Finding::Wrong(
            format!(
                "network: on {name}, targets can reach each other; Podman has no option for this"
            ),
            "a firewall rule keeps them apart; if it is there, ignore this: docs/target.md#podman"
                .to_owned(),
        ),
        Isolation::Lacking => Finding::Wrong(
            format!("network: on {name}, targets can reach each other"),
            format!("docker network rm {name}, and then: {make}"),
        ),
    }
}

fn target_of(
    docker: &Docker,
    config: &Config,
    environment_id: &str,
    start_for: Option<&str>,
) -> Finding {
    let image = config.profiles.of(environment_id).image.as_str();
    let what = match environment_id {
        NO_ENVIRONMENT => format!("a target of {image}"),
        _ => format!("a target of {image} in the environment {environment_id}"),
    };
    if config.scheduler == SchedulerKind::Swarm {
        return Finding::Optional(
            format!(
                "{what}: not tried, because only a start tells what the nodes of a Swarm can run"
            ),
            "start one: docs/api.md".to_owned(),
        );
    }
    if !docker.has_image(image) {
        return Finding::Optional(
            format!("{what}: not tried, because the Engine lacks the image"),
            format!("docker pull {image}, or build it: docs/target.md#the-agent-image"),
        );
    }
    let trial = Trial {
        docker,
        config,
        environment_id,
        start_for,
    };
    let done = match start_for {
        Some(_) => "created, started and removed",
        None => "created and removed; --start starts one too",
    };
    match trial.run() {
        Ok(warnings) if warnings.is_empty() => Finding::There(format!("{what}: {done}")),
        Ok(warnings) => Finding::Unsure(
            format!(
                "{what}: {done}, but the Engine says: {}",
                warnings.join("; ")
            ),
            "docs/operations.md#when-an-engine-refuses-a-target".to_owned(),
        ),
        Err(error) => Finding::Wrong(
            format!("{what}: {error:#}"),
            "a start would fail likewise: docs/operations.md#when-an-engine-refuses-a-target"
                .to_owned(),
        ),
    }
}

fn docker_cli() -> Finding {
    match version_of("docker") {
        Some(version) => Finding::There(version),
        None if workspace::is_root() => Finding::Optional(
            "the Docker CLI".to_owned(),
            "apt-get install docker.io".to_owned(),
        ),
        None => Finding::Missing(
            "the Docker CLI".to_owned(),
            "as root: apt-get install docker.io".to_owned(),
        ),
    }
}

fn debootstrap() -> Finding {
    match workspace::program("debootstrap") {
        Some(path) => Finding::There(format!("debootstrap: {}", path.display())),
        None => Finding::Optional(
            "debootstrap, for a base image where no registry is reachable".to_owned(),
            "as root: apt-get install debootstrap".to_owned(),
        ),
    }
}

fn curl() -> Finding {
    match workspace::program("curl") {
        Some(path) => Finding::There(format!("curl: {}", path.display())),
        None => Finding::Optional(
            "curl, for the lines that `cargo xtask up` prints".to_owned(),
            "as root: apt-get install curl".to_owned(),
        ),
    }
}

fn version_of(program: &str) -> Option<String> {
    process::output(Command::new(program).arg("--version"))
        .ok()
        .map(|version| version.trim().to_owned())
}
