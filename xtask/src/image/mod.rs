//! Builds the agent image, and those of the examples.

mod base;
pub mod example;

use std::env;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use clap::ValueEnum;
use dev::docker::Docker;
use dev::process;
use dynamic_access_admin::progress::{say, timed};
use dynamic_access_admin::word;

use crate::machine::workspace;

/// The name of the image on an Engine.
pub const IMAGE: &str = "dynamic-access-agent";

/// The image that always holds the stand-in agent: the demonstration then does not touch [`IMAGE`].
pub const STAND_IN_IMAGE: &str = "dynamic-access-stand-in";

/// The label that says which agent the image holds; the Dockerfile sets it.
const AGENT_LABEL: &str = "dynamic-access.agent";

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

/// Builds the image, with the real agent if its key is known; the Engine reuses the layers that have not changed.
pub fn ensure(docker: &Docker) -> Result<Agent> {
    let real = Agent::Bzero;
    if env::var_os(AGENT_KEY).is_some_and(|key| !key.is_empty()) {
        build(docker, IMAGE, real)
            .with_context(|| format!("without {AGENT_KEY}, the image has a stand-in for tests"))?;
    } else if present(docker) == Some(real) {
        say(&format!("agent image: {IMAGE} exists, with {real}"));
    } else {
        say(
            "agent image: AGENT_KEY is not set, and nobody can trust the real agent's packages without it (docs/target.md)",
        );
        build(docker, IMAGE, Agent::StandIn)?;
        return Ok(Agent::StandIn);
    }
    Ok(real)
}

/// The agent in the image that the Engine has.
pub fn present(docker: &Docker) -> Option<Agent> {
    let format = format!("{{{{index .Config.Labels {AGENT_LABEL:?}}}}}");
    let held = docker.ask(&["image", "inspect", "--format", &format, IMAGE]);
    Agent::from_str(&held.ok()?, false).ok()
}

/// Builds an image with this agent.
pub fn build(docker: &Docker, name: &str, agent: Agent) -> Result<()> {
    let kind = format!("AGENT={}", word(agent));
    let mut options = vec!["--build-arg", &kind, "--network"];
    let (base, context) = match agent {
        Agent::StandIn => {
            options.push("none");
            (base::ensure(docker)?, lay_out(Some(stand_in()?))?)
        }
        Agent::Bzero => {
            // A private Engine's bridge does not lead to the packages. Without a value, Docker takes that of the variable.
            options.extend(["host", "--build-arg", AGENT_KEY]);
            (None, lay_out(None)?)
        }
    };
    timed("agent image: build", || {
        docker_build(docker, name, base, &options, &context)
    })
    .with_context(|| format!("the image with {agent} cannot be built"))?;
    say(&format!("agent image: {name} holds {agent}"));
    Ok(())
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

/// Copies the files of an agent image into a folder of their own, which `docker build` sends as it is.
fn lay_out(stand_in: Option<PathBuf>) -> Result<PathBuf> {
    let dir = workspace::root().join("agent-image");
    let files = ["Dockerfile", "entrypoint.sh"].map(|name| dir.join(name));
    let context = workspace::cache_dir().join("agent-image");
    if context.exists() {
        fs::remove_dir_all(&context)?;
    }
    fs::create_dir_all(&context)?;
    for file in files.into_iter().chain(stand_in) {
        let name = file.file_name().context("each is a file")?;
        fs::copy(&file, context.join(name))
            .with_context(|| format!("failed to copy {}", file.display()))?;
    }
    Ok(context)
}

/// Builds the stand-in agent, statically linked so that it runs on any base image, and returns its path.
fn stand_in() -> Result<PathBuf> {
    let host = process::output(Command::new("rustc").args(["--print", "host-tuple"]))?;
    let host = host.trim();
    let mut command = workspace::cargo();
    command
        .args(["build", "--quiet", "--release"])
        .args(["--package", "stand-in-agent", "--target", host])
        // The person's own flags would replace these.
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        // With an explicit target, flags do not apply to build scripts.
        .env("RUSTFLAGS", "-C target-feature=+crt-static");
    process::run(&mut command).context(
        "failed to build the stand-in agent; it needs the C library's libc.a (libc6-dev)",
    )?;
    let built = workspace::target_dir().join(host);
    Ok(built.join("release/stand-in-agent"))
}
