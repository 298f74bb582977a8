//! Builds the agent image if it is missing or out of date.

mod base;
pub mod example;
mod probe;
mod stand_in;

use std::env;
use std::fmt;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use dev::docker::Docker;
use dev::process;
use sha2::{Digest, Sha256};

use crate::machine::workspace::{self, hex};
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

/// The label with the digest of the image's inputs.
const INPUTS_LABEL: &str = "dynamic-access.inputs";

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

/// Builds the image unless it is up to date; `wanted` is the agent it must hold, if that matters.
pub fn ensure(docker: &Docker, wanted: Option<Agent>) -> Result<Agent> {
    let Some(agent) = present(docker).filter(|agent| wanted.is_none_or(|wanted| wanted == *agent))
    else {
        return build(docker, wanted);
    };
    if docker.image_label(IMAGE, INPUTS_LABEL) != Some(Inputs::gather(agent)?.digest()?) {
        say("agent image: its sources have changed");
        return build(docker, wanted);
    }
    say(&format!("agent image: {IMAGE} exists, with {agent}"));
    if agent == Agent::StandIn && wanted.is_none() {
        remark("`cargo xtask image --agent bzero` builds one with the real agent");
    }
    Ok(agent)
}

/// The agent in the image that the Engine has.
pub fn present(docker: &Docker) -> Option<Agent> {
    Agent::from_str(&docker.image_label(IMAGE, AGENT_LABEL)?, false).ok()
}

/// Builds the image.
pub fn build(docker: &Docker, wanted: Option<Agent>) -> Result<Agent> {
    let agent = wanted.unwrap_or_else(choose);
    if agent == Agent::Bzero && !has_agent_key() {
        bail!(
            "{AGENT_KEY} is not set: it is the full fingerprint of the key that signs the agent's packages (docs/target.md)"
        );
    }
    build_as(docker, IMAGE, agent)?;
    Ok(agent)
}

/// Builds the image with the stand-in agent; the Engine's cache covers what has not changed.
pub fn build_stand_in(docker: &Docker) -> Result<()> {
    build_as(docker, STAND_IN_IMAGE, Agent::StandIn)
}

fn build_as(docker: &Docker, name: &str, agent: Agent) -> Result<()> {
    let inputs = Inputs::gather(agent)?;
    let base = match agent {
        Agent::Bzero => None,
        Agent::StandIn => stand_in_base(docker)?,
    };
    timed("agent image: build", || {
        docker_build(docker, name, agent, &inputs, base)
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

/// The base image for the stand-in, unless it is the one in the Dockerfile.
fn stand_in_base(docker: &Docker) -> Result<Option<&'static str>> {
    if !base::is_within_reach() && probe::registry() {
        return Ok(None);
    }
    base::ensure(docker)?;
    Ok(Some(base::IMAGE))
}

fn docker_build(
    docker: &Docker,
    name: &str,
    agent: Agent,
    inputs: &Inputs,
    base: Option<&str>,
) -> Result<()> {
    let context = inputs.lay_out()?;
    let mut command = docker.command();
    command
        .args(["build", "--tag", name])
        .args(["--build-arg", &format!("AGENT={}", word(agent))])
        .args(["--label", &format!("{INPUTS_LABEL}={}", inputs.digest()?)]);
    if agent == Agent::Bzero {
        // Without a value, Docker takes that of the variable.
        command.args(["--build-arg", AGENT_KEY]);
    }
    if let Some(base) = base {
        command.args(["--build-arg", &format!("BASE_IMAGE={base}")]);
    }
    // Building the stand-in needs no network. The real agent's package does, and a private
    // Engine's bridge does not lead beyond this machine.
    command.args([
        "--network",
        match agent {
            Agent::StandIn => "none",
            Agent::Bzero => "host",
        },
    ]);
    process::output(command.arg(&context))
        .map(drop)
        .with_context(|| match agent {
            Agent::Bzero => {
                "the image with the real agent cannot be built; `cargo xtask image --agent stand-in` builds one for tests"
            }
            Agent::StandIn => "the image cannot be built",
        })
}

/// The inputs of an image.
struct Inputs {
    files: Vec<PathBuf>,
}

impl Inputs {
    fn gather(agent: Agent) -> Result<Self> {
        let dir = workspace::root().join("agent-image");
        let mut files = vec![dir.join("Dockerfile"), dir.join("entrypoint.sh")];
        if agent == Agent::StandIn {
            files.push(stand_in::build()?);
        }
        Ok(Self { files })
    }

    fn digest(&self) -> Result<String> {
        let read = |path: &PathBuf| {
            fs::read(path).with_context(|| format!("failed to read {}", path.display()))
        };
        let contents: Vec<_> = self.files.iter().map(read).collect::<Result<_>>()?;
        Ok(digest_of(&contents))
    }

    /// Copies the files into a folder of their own, which `docker build` sends as it is.
    fn lay_out(&self) -> Result<PathBuf> {
        let context = workspace::cache_dir().join("agent-image");
        if context.exists() {
            fs::remove_dir_all(&context)?;
        }
        fs::create_dir_all(&context)?;
        for file in &self.files {
            let Some(name) = file.file_name() else {
                bail!("{} is not a file", file.display());
            };
            fs::copy(file, context.join(name))
                .with_context(|| format!("failed to copy {}", file.display()))?;
        }
        Ok(context)
    }
}

/// A digest of digests: no two lists of contents then share one.
fn digest_of(contents: &[Vec<u8>]) -> String {
    let mut digest = Sha256::new();
    for content in contents {
        digest.update(Sha256::digest(content));
    }
    hex(&digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_change_of_the_inputs_changes_the_digest() {
        let digest = |contents: &[&str]| {
            let contents: Vec<Vec<u8>> = contents
                .iter()
                .map(|text| text.as_bytes().to_vec())
                .collect();
            digest_of(&contents)
        };
        assert_eq!(digest(&["a", "b"]), digest(&["a", "b"]));
        assert_ne!(digest(&["a", "b"]), digest(&["ab", ""]));
        assert_ne!(digest(&["a", "b"]), digest(&["a", "c"]));
    }
}
