//! Builds the agent image, and those of the examples.

mod base;
pub mod example;
mod probe;
mod stand_in;

use std::env;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use dev::docker::Docker;
use dev::process;

use crate::machine::workspace;
use dynamic_access_admin::progress::{remark, say, timed};
use dynamic_access_admin::word;

/// The name of the image on an Engine.
pub const IMAGE: &str = "dynamic-access-agent";

/// The image that always holds the stand-in agent: the demonstration then does not touch [`IMAGE`].
pub const STAND_IN_IMAGE: &str = "dynamic-access-stand-in";

/// The label that says which agent the image holds; the Dockerfile sets it.
pub const AGENT_LABEL: &str = "dynamic-access.agent";

/// The variable with the full fingerprint of the key that signs BastionZero's packages.
const AGENT_KEY: &str = "AGENT_KEY";

/// Which agent an image holds. A label of the image has the word for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Agent {
    /// BastionZero's own, from its package repository
    Bzero,
    /// The stand-in of this project, for tests
    StandIn,
}

impl fmt::Display for Agent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Bzero => "BastionZero's own agent",
            Self::StandIn => "the stand-in agent",
        })
    }
}

/// Builds the image, of which the Engine keeps what has not changed; `wanted` is the agent it must hold, if that matters.
pub fn ensure(docker: &Docker, wanted: Option<Agent>) -> Result<Agent> {
    let present = present(docker);
    let agent = wanted.or(present).unwrap_or_else(choose);
    if agent == Agent::Bzero && !has_agent_key() {
        if present == Some(agent) {
            say(&format!("agent image: {IMAGE} exists, with {agent}"));
            return Ok(agent);
        }
        bail!(
            "{AGENT_KEY} is not set: it is the full fingerprint of the key that signs the agent's packages (docs/target.md)"
        );
    }
    build(docker, IMAGE, agent)?;
    if wanted.is_none() && present == Some(Agent::StandIn) {
        remark("`cargo xtask image --agent bzero` builds one with the real agent");
    }
    Ok(agent)
}

/// The agent in the image that the Engine has.
pub fn present(docker: &Docker) -> Option<Agent> {
    Agent::from_str(&docker.image_label(IMAGE, AGENT_LABEL)?, false).ok()
}

/// Builds the image with the stand-in agent.
pub fn build_stand_in(docker: &Docker) -> Result<()> {
    build(docker, STAND_IN_IMAGE, Agent::StandIn)
}

fn build(docker: &Docker, name: &str, agent: Agent) -> Result<()> {
    let (base, network) = match agent {
        // Building the stand-in needs no network. The real agent's package does, and a private
        // Engine's bridge does not lead beyond this machine.
        Agent::StandIn => (base::ensure(docker)?, "none"),
        Agent::Bzero => (None, "host"),
    };
    let kind = format!("AGENT={}", word(agent));
    let mut options = vec!["--build-arg", &kind, "--network", network];
    if agent == Agent::Bzero {
        // Without a value, Docker takes that of the variable.
        options.extend(["--build-arg", AGENT_KEY]);
    }
    let context = lay_out(agent)?;
    timed("agent image: build", || docker_build(docker, name, base, &options, &context)).with_context(|| match agent {
        Agent::Bzero => {
            "the image with the real agent cannot be built; `cargo xtask image --agent stand-in` builds one for tests"
        }
        Agent::StandIn => "the image cannot be built",
    })?;
    say(&format!("agent image: {name} holds {agent}"));
    Ok(())
}

fn has_agent_key() -> bool {
    env::var_os(AGENT_KEY).is_some_and(|key| !key.is_empty())
}

fn choose() -> Agent {
    if !has_agent_key() {
        say(&format!(
            "agent image: {AGENT_KEY} is not set, and the real agent's packages cannot be trusted without it"
        ));
    } else if probe::agent_repository() && probe::registry() {
        return Agent::Bzero;
    } else {
        say(
            "agent image: the registry or the agent's package repository cannot be reached (tried with curl)",
        );
    }
    remark(
        "so it holds the stand-in agent; `cargo xtask image --agent bzero` insists on the real one",
    );
    Agent::StandIn
}

/// Builds an image from a folder, on this base unless it is the one in the Dockerfile.
fn docker_build(
    docker: &Docker,
    name: &str,
    base: Option<&str>,
    options: &[&str],
    context: &Path,
) -> Result<()> {
    let mut command = docker.command();
    command.args(["build", "--tag", name]).args(options);
    if let Some(base) = base {
        command.args(["--build-arg", &format!("BASE_IMAGE={base}")]);
    }
    process::output(command.arg(context)).map(drop)
}

/// Copies the files of an image into a folder of their own, which `docker build` sends as it is.
fn lay_out(agent: Agent) -> Result<PathBuf> {
    let dir = workspace::root().join("agent-image");
    let mut files = vec![dir.join("Dockerfile"), dir.join("entrypoint.sh")];
    if agent == Agent::StandIn {
        files.push(stand_in::build()?);
    }
    let context = workspace::cache_dir().join("agent-image");
    if context.exists() {
        fs::remove_dir_all(&context)?;
    }
    fs::create_dir_all(&context)?;
    for file in &files {
        let name = file.file_name().context("each is a file")?;
        fs::copy(file, context.join(name))
            .with_context(|| format!("failed to copy {}", file.display()))?;
    }
    Ok(context)
}
