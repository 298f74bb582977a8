//! Chooses the Engine: the named one, else the local one, else a private one for this run.

use std::env;
use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context, Result};
use dev::docker::endpoint::Endpoint;
use dev::docker::{Docker, context};
use dev::process;
use stand_in_service::Service;

use crate::engine::suite::EngineArguments;
use crate::engine::{Engine, Listen};
use crate::machine::setup;
use dynamic_access_admin::progress::say;

/// The variable of the application that names an Engine.
pub const DOCKER_URL: &str = "SPIN_VARIABLE_DOCKER_URL";

const LOCAL_SOCKET: &str = "/var/run/docker.sock";

/// The Engine to use; dropping it removes a private one.
pub struct Chosen {
    pub docker: Docker,
    /// The same, if it was started for this run.
    pub private: Option<Engine>,
}

impl Chosen {
    /// Plays BastionZero's service where the Engine's containers reach this machine.
    pub fn listen_for_agents(&self) -> Result<Service> {
        let address: IpAddr = self.docker.bridge_address()?.parse()?;
        Service::listen((address, 0).into())
            .context("containers reach this machine there, so the Engine must run on it")
    }
}

/// Chooses an Engine, and starts one if there is none.
pub fn choose() -> Result<Chosen> {
    if let Some(docker) = existing(None)? {
        return Ok(Chosen {
            docker,
            private: None,
        });
    }
    say("Engine: there is none; starting a private one for this run");
    private(Listen::Socket, EngineArguments::default())
}

/// Starts a private Engine, whatever other Engines there are.
pub fn private(listen: Listen, which: EngineArguments) -> Result<Chosen> {
    let _alone = setup::alone()?;
    let engine = Engine::start(listen, which)?;
    Ok(Chosen {
        docker: engine.docker(),
        private: Some(engine),
    })
}

/// The Engine that somebody else runs, if there is one: the named one, else the local one.
pub fn existing(flag: Option<&str>) -> Result<Option<Docker>> {
    let named = match named(flag, |name| env::var(name).ok())? {
        Some((endpoint, origin)) => Some((Docker::at(endpoint), origin.to_owned())),
        None => context::current()?.map(|docker| {
            let name = docker.context.as_deref().unwrap_or_default();
            let origin = format!("the docker context {name}");
            (docker, origin)
        }),
    };
    if named.is_none() && !Path::new(LOCAL_SOCKET).exists() {
        return Ok(None);
    }
    if process::program("docker").is_none() {
        setup::run("docker", ["the Docker CLI"])?;
    }
    if let Some((docker, origin)) = named {
        let endpoint = docker.endpoint();
        docker.ping().with_context(|| {
            format!("the Engine at {endpoint} does not answer; start it, or change {origin}, which names it")
        })?;
        say(&format!("Engine: {endpoint}, named by {origin}"));
        return Ok(Some(docker));
    }
    let local = Docker::at(Endpoint::Unix(LOCAL_SOCKET.into()));
    if let Err(error) = local.ping() {
        say(&format!("Engine: the local one cannot be used: {error:#}"));
        return Ok(None);
    }
    say(&format!(
        "Engine: {}, the local one (DOCKER_HOST or `docker context use` selects another)",
        local.endpoint()
    ));
    Ok(Some(local))
}

/// The Engine that the command line or the environment names, and which of them.
fn named(
    flag: Option<&str>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<(Endpoint, &'static str)>> {
    let named = [
        (flag.map(str::to_owned), "the command line"),
        (variable(DOCKER_URL), DOCKER_URL),
        (variable("DOCKER_HOST"), "DOCKER_HOST"),
    ];
    let mut named = named
        .into_iter()
        .filter_map(|(url, origin)| Some((url?, origin)));
    let Some((url, origin)) = named.find(|(url, _)| !url.is_empty()) else {
        return Ok(None);
    };
    let is_verified = variable("DOCKER_TLS_VERIFY").is_some_and(|value| !value.is_empty());
    let endpoint = match origin {
        "DOCKER_HOST" if is_verified => Endpoint::parse_verified(&url)?,
        _ => Endpoint::parse(&url)?,
    };
    Ok(Some((endpoint, origin)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_goes_before_the_application_and_that_before_docker() {
        let flag = Some("/flag.sock");
        let application = "SPIN_VARIABLE_DOCKER_URL=http://application:2375";
        let docker = "DOCKER_HOST=tcp://docker:2375";
        for (flag, set, expected) in [
            (
                flag,
                &[application, docker][..],
                "unix:///flag.sock, the command line",
            ),
            (
                None,
                &[application, docker],
                "http://application:2375, SPIN_VARIABLE_DOCKER_URL",
            ),
            (None, &[docker], "http://docker:2375, DOCKER_HOST"),
            (
                None,
                &[docker, "DOCKER_TLS_VERIFY=1"],
                "https://docker:2375, DOCKER_HOST",
            ),
            // An empty variable names nothing.
            (None, &["SPIN_VARIABLE_DOCKER_URL=", "DOCKER_HOST="], ""),
            (None, &[], ""),
        ] {
            let variable = |name: &str| {
                let mut values = set
                    .iter()
                    .filter_map(|set| set.strip_prefix(name)?.strip_prefix('='));
                values.next().map(str::to_owned)
            };
            let found = named(flag, variable).expect("all are Engines");
            let found = found.map(|(endpoint, origin)| format!("{endpoint}, {origin}"));
            assert_eq!(found.unwrap_or_default(), expected);
        }
    }
}
