//! Chooses the Engine: the named one, else the local one, else a private one for this run.

use std::env;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::{Context, Result, bail};
use dev::docker::endpoint::Endpoint;
use dev::docker::{Docker, context};
use dev::process;

use crate::engine::suite::EngineArguments;
use crate::engine::{Engine, Listen};
use crate::machine::setup;
use dynamic_access_admin::progress::{remark, say};

/// The variable of the application that names an Engine.
pub const DOCKER_URL: &str = "SPIN_VARIABLE_DOCKER_URL";

/// Where a local Engine listens by default.
const LOCAL_SOCKET: &str = "/var/run/docker.sock";

/// The Engine to use; dropping it removes a private one.
pub struct Chosen {
    /// The Engine.
    pub docker: Docker,
    /// The same, if it was started for this run.
    pub private: Option<Engine>,
}

impl Chosen {
    /// The address at which the Engine's containers reach its host.
    pub fn bridge_address(&self) -> Result<IpAddr> {
        match &self.private {
            Some(engine) => Ok(engine.bridge_address().into()),
            None => Ok(self.docker.bridge_address()?.parse()?),
        }
    }
}

/// Chooses an Engine, and starts one if there is none.
pub fn choose(flag: Option<&str>) -> Result<Chosen> {
    if let Some(docker) = existing(flag)? {
        return Ok(Chosen {
            docker,
            private: None,
        });
    }
    say(
        "Engine: none is named (DOCKER_HOST, `docker context use`, --docker-url) and no local one runs; starting a private one for this run",
    );
    private(Listen::Socket, EngineArguments::default())
}

/// Starts a private Engine, whatever other Engines there are.
pub fn private(listen: Listen, which: EngineArguments) -> Result<Chosen> {
    let engine = Engine::start(listen, which, true, &setup::alone()?)?;
    Ok(Chosen {
        docker: engine.docker(),
        private: Some(engine),
    })
}

/// The Engine that somebody else runs, if there is one: the named one, else the local one.
pub fn existing(flag: Option<&str>) -> Result<Option<Docker>> {
    let named = match named(flag, |name| env::var(name).ok())? {
        Some((endpoint, origin)) => Some((Docker::at(endpoint), origin.to_owned())),
        None => context::current()?.map(|context| {
            let origin = format!("the docker context {}", context.name);
            (Docker::of(context), origin)
        }),
    };
    if let Some((docker, origin)) = named {
        ensure_cli()?;
        docker.ping().with_context(|| {
            format!(
                "the Engine at {} does not answer; start it, or change {origin}, which names it",
                docker.endpoint()
            )
        })?;
        say(&format!("Engine: {}, named by {origin}", docker.endpoint()));
        return Ok(Some(docker));
    }
    let local = Docker::at(Endpoint::Unix(LOCAL_SOCKET.into()));
    if !is_connectable(Path::new(LOCAL_SOCKET)) {
        return Ok(None);
    }
    ensure_cli()?;
    if local.ping().is_err() {
        return Ok(None);
    }
    say(&format!(
        "Engine: {}, the local one (DOCKER_HOST, `docker context use` or --docker-url selects another)",
        local.endpoint()
    ));
    Ok(Some(local))
}

/// As [`existing`], for commands that make no sense on a private Engine.
pub fn must_exist(flag: Option<&str>) -> Result<Docker> {
    match existing(flag)? {
        Some(docker) => Ok(docker),
        None => bail!("there is no Docker Engine; start one, or name one with DOCKER_HOST"),
    }
}

/// Installs the Docker CLI if it is missing.
fn ensure_cli() -> Result<()> {
    match process::program("docker") {
        Some(_) => Ok(()),
        None => setup::run("docker", ["the Docker CLI"]),
    }
}

/// The Engine that the command line or the environment names, and which of them.
fn named(
    flag: Option<&str>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<(Endpoint, &'static str)>> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    if let Some(url) = flag {
        return Ok(Some((Endpoint::parse(url)?, "the command line")));
    }
    if let Some(url) = set(DOCKER_URL) {
        return Ok(Some((Endpoint::parse(&url)?, DOCKER_URL)));
    }
    let Some(host) = set("DOCKER_HOST") else {
        return Ok(None);
    };
    let endpoint = match set("DOCKER_TLS_VERIFY") {
        Some(_) => Endpoint::parse_verified(&host)?,
        None => Endpoint::parse(&host)?,
    };
    Ok(Some((endpoint, "DOCKER_HOST")))
}

/// Whether we may connect; prints a hint if only the permission is missing.
fn is_connectable(socket: &Path) -> bool {
    match UnixStream::connect(socket) {
        Ok(_) => true,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            say(&format!(
                "Engine: no permission to use {}",
                socket.display()
            ));
            remark("as root: usermod --append --groups docker \"$SUDO_USER\", and log in again");
            false
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_goes_before_the_application_and_that_before_docker() {
        let application = (DOCKER_URL, "http://application:2375");
        let docker = ("DOCKER_HOST", "tcp://docker:2375");
        let verified = ("DOCKER_TLS_VERIFY", "1");
        let flag = Some("/flag.sock");
        for (flag, variables, expected) in [
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
                &[docker, verified],
                "https://docker:2375, DOCKER_HOST",
            ),
            // An empty variable names nothing.
            (None, &[(DOCKER_URL, ""), ("DOCKER_HOST", "")], ""),
            (None, &[], ""),
        ] {
            let set = variables.iter();
            let lookup =
                |name: &str| Some(set.clone().find(|(known, _)| *known == name)?.1.to_owned());
            let found = named(flag, lookup).expect("all are Engines");
            let found = found.map(|(endpoint, origin)| format!("{endpoint}, {origin}"));
            assert_eq!(found.unwrap_or_default(), expected);
        }
    }
}
