//! Reports what is there, what is missing, and how to fix it.

mod engine_call;
mod reach;
mod trial;
mod variables;

use std::process::{Command, ExitCode};

use anyhow::Error;
use dev::docker::Docker;
use dev::process;
use dynamic_access::config::{Config, SchedulerKind};
use dynamic_access::docker::network::{Network, find};
use dynamic_access_admin::doctor::{Finding, NO_ENVIRONMENT, StartArguments, State, tell};
use serde_json::Value;

use crate::doctor::engine_call::send;
use crate::doctor::reach::Reach;
use crate::doctor::trial::Trial;
use crate::doctor::variables::Variables;
use crate::engine::choice;
use crate::image;
use crate::machine::workspace;
use crate::targets::{NETWORK, how_to_make_network};
use crate::up::spin::{self, INSTALL};
use crate::wasm;
use dynamic_access_admin::progress::say;

/// How many environments are tried: each takes a second, and three with a start.
const ENVIRONMENTS_MAX: usize = 20;

/// Runs every check, and fails if something indispensable is missing.
pub fn doctor(engine: Option<&str>, start: &StartArguments) -> ExitCode {
    let engine = choice::existing(engine);
    let mut findings = vec![
        privileges(),
        version_of("rustc", State::Missing, "rustc", "https://rustup.rs"),
        target(),
        component(),
        spin(),
    ];
    let (if_missing, how) = match workspace::is_root() {
        true => (State::Absent, "apt-get install docker.io"),
        false => (State::Missing, "as root: apt-get install docker.io"),
    };
    match engine {
        Ok(Some(docker)) => {
            findings.extend([engine_version(&docker), agent_image(&docker)]);
            findings.extend(targets(&docker, start));
        }
        Ok(None) => findings.push(if_missing.finding(
            "Engine: none is named, and there is no local one",
            match workspace::is_root() {
                true => "cargo xtask up starts one for its run; apt-get install docker.io one that stays",
                false => how,
            },
        )),
        Err(error) => findings.push(unreachable_engine(&error)),
    }
    findings.extend([
        version_of("docker", if_missing, "the Docker CLI", how),
        program("debootstrap", "a base image where no registry is reachable"),
        program("curl", "the lines that `cargo xtask up` prints"),
    ]);
    let told = tell(&findings);
    if told == ExitCode::SUCCESS {
        say("nothing is missing that `cargo xtask up` does not set up");
    }
    told
}

fn privileges() -> Finding {
    match workspace::is_root() {
        true => Finding::fine("root: packages can be installed and a private Engine started"),
        false => State::Absent.finding(
            "root, which packages and a private Engine need; `cargo xtask test` needs both",
            "sudo env PATH=\"$PATH\" cargo xtask …",
        ),
    }
}

fn target() -> Finding {
    if wasm::has_target() {
        return Finding::fine(format!("{}: installed", wasm::TARGET));
    }
    // Debian's compiler is used instead.
    let state = match workspace::is_root() && process::program("apt-get").is_some() {
        true => State::Absent,
        false => State::Missing,
    };
    let fix = format!("rustup target add {}", wasm::TARGET);
    state.finding(format!("{}: not installed", wasm::TARGET), fix)
}

fn component() -> Finding {
    let path = wasm::component();
    match path.metadata() {
        Ok(metadata) => Finding::fine(format!("component: {} kB", metadata.len() / 1000)),
        Err(_) => State::Absent.finding("component: not built", "cargo xtask build"),
    }
}

fn spin() -> Finding {
    match spin::installed() {
        Err(problem) => State::Missing.finding(
            problem,
            format!("{INSTALL}; until then, the embedded host is used"),
        ),
        Ok(Some(version)) => Finding::fine(version),
        Ok(None) => {
            State::Absent.finding("the Spin CLI; the embedded host is used instead", INSTALL)
        }
    }
}

fn engine_version(docker: &Docker) -> Finding {
    match docker.version() {
        Ok(version) => Finding::fine(format!("Engine: {version} at {}", docker.endpoint())),
        Err(error) => unreachable_engine(&error),
    }
}

fn unreachable_engine(error: &Error) -> Finding {
    State::Missing.finding("Engine: the named one cannot be used", format!("{error:#}"))
}

fn agent_image(docker: &Docker) -> Finding {
    let image = image::IMAGE;
    match image::present(docker) {
        Some(agent) => Finding::fine(format!("agent image: {image} holds {agent}")),
        None => State::Absent.finding(
            format!("agent image: the Engine has no {image} built by this project"),
            "cargo xtask image",
        ),
    }
}

/// The Engine as a server with the variables of this environment would find it.
fn targets(docker: &Docker, start: &StartArguments) -> Vec<Finding> {
    let read = variables::read();
    let read = read.and_then(|variables| Ok((variables.parse()?, variables)));
    let (config, variables) = match read {
        Ok(both) => both,
        Err(error) => {
            return vec![
                State::Wrong.finding(format!("variables: {error:#}"), "docs/variables.md"),
            ];
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
        None => environments(&variables),
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

/// The environments with options of their own, after one with the defaults.
fn environments(variables: &Variables) -> Vec<String> {
    let text = variables.get("environments").unwrap_or_default();
    let overridden = match serde_json::from_str(&text) {
        Ok(Value::Object(all)) => all.keys().cloned().collect(),
        _ => Vec::new(),
    };
    let mut all = vec![NO_ENVIRONMENT.to_owned()];
    all.extend(overridden.into_iter().take(ENVIRONMENTS_MAX));
    all
}

/// Whether targets can reach each other on a network: by a try if targets are started, or else from
/// its options.
fn network(docker: &Docker, config: &Config, name: &str, start: &StartArguments) -> Finding {
    let told = isolation(docker, name);
    let mut profiles = config.profiles.all();
    let image = profiles.find(|profile| profile.body.networks().contains(&name));
    let image = image.map(|profile| profile.image.as_str());
    let (Some(_), SchedulerKind::Engine, Some(image)) =
        (start.start_for(), config.scheduler, image)
    else {
        return told;
    };
    if matches!(told.state, State::Absent | State::Missing) || !docker.has_image(image) {
        return told;
    }
    let unsure = |why: String| {
        State::Unsure.finding(
            format!("network: whether containers of {name} reach each other {why}"),
            "its options alone: cargo xtask doctor, without --start",
        )
    };
    match reach::between_two(docker, name, image) {
        Ok(Reach::Apart) => Finding::fine(format!(
            "network: on {name}, two containers did not reach each other"
        )),
        Ok(Reach::Reached) => State::Wrong.finding(
            format!("network: on {name}, two containers reached each other"),
            "check its options, and the settings of the Engine and its host: docs/target.md#the-network",
        ),
        Ok(Reach::Unknown) => {
            unsure(format!("was not tried, because {image} lacks bash or timeout"))
        }
        Err(error) => unsure(format!("cannot be tried: {error:#}")),
    }
}

fn isolation(docker: &Docker, name: &str) -> Finding {
    let found = send(docker, find(name)).ok().flatten();
    let driver = docker.ask(&["network", "inspect", "--format", "{{.Driver}}", name]);
    let driver = driver.unwrap_or_default();
    of_network(name, found, &driver, docker.is_podman())
}

fn of_network(name: &str, found: Option<Network>, driver: &str, is_podman: bool) -> Finding {
    let make = how_to_make_network(name);
    match found {
        None if name == NETWORK => State::Absent.finding(format!("network: {name}"), make),
        None => State::Missing.finding(format!("network: {name}"), make),
        Some(_) if is_podman => State::Wrong.finding(
            format!(
                "network: on {name}, targets can reach each other; Podman has no option for this"
            ),
            "a firewall rule keeps them apart; if it is there, ignore this: docs/firewall.md#keep-targets-apart-on-podman",
        ),
        Some(_) if driver != "bridge" => State::Unsure.finding(
            format!("network: {name} has the driver {driver}, whose isolation is not known here"),
            "make sure that its containers cannot reach each other",
        ),
        Some(Network { isolates: true }) => {
            Finding::fine(format!("network: {name}, without traffic between targets"))
        }
        Some(Network { isolates: false }) => State::Wrong.finding(
            format!("network: on {name}, targets can reach each other"),
            match name {
                "bridge" => "use a network of your own: docs/target.md#the-network".to_owned(),
                _ => format!("docker network rm {name}, and then: {make}"),
            },
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
        return State::Absent.finding(
            format!(
                "{what}: not tried, because only a start shows what the nodes of a Swarm can run"
            ),
            "start one: docs/api.md",
        );
    }
    if !docker.has_image(image) {
        return State::Absent.finding(
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
        Ok(warnings) if warnings.is_empty() => Finding::fine(format!("{what}: {done}")),
        Ok(warnings) => State::Unsure.finding(
            format!(
                "{what}: {done}, but the Engine says: {}",
                warnings.join("; ")
            ),
            "docs/troubleshooting.md#the-engine-refuses-a-target",
        ),
        Err(error) => State::Wrong.finding(
            format!("{what}: {error:#}"),
            "a start would fail too: docs/troubleshooting.md#the-engine-refuses-a-target",
        ),
    }
}

/// A program with its version, or how to get it.
fn version_of(name: &str, if_missing: State, what: &str, fix: &str) -> Finding {
    match process::output(Command::new(name).arg("--version")) {
        Ok(version) => Finding::fine(version.trim()),
        Err(_) => if_missing.finding(what, fix),
    }
}

/// A program that only some commands need.
fn program(name: &str, what_for: &str) -> Finding {
    match process::program(name) {
        Some(path) => Finding::fine(format!("{name}: {}", path.display())),
        None => State::Absent.finding(
            format!("{name}, for {what_for}"),
            format!("as root: apt-get install {name}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bridge_of_docker_is_judged_by_its_option() {
        let network = |isolates| Some(Network { isolates });
        for (found, driver, is_podman, state) in [
            (network(true), "bridge", false, State::Fine),
            (network(false), "bridge", false, State::Wrong),
            (network(true), "macvlan", false, State::Unsure),
            (network(false), "macvlan", false, State::Unsure),
            (network(true), "bridge", true, State::Wrong),
            (None, "", false, State::Missing),
        ] {
            assert_eq!(
                of_network("n", found, driver, is_podman).state,
                state,
                "{driver}"
            );
        }
        let absent = of_network(NETWORK, None, "", false);
        assert_eq!(absent.state, State::Absent);
    }
}
