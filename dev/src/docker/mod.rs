//! Talks to an Engine through the Docker CLI.

pub mod context;
pub mod endpoint;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::docker::endpoint::Endpoint;
use crate::process;

/// Questions about images and networks take milliseconds. If one takes longer than this, the Engine
/// hangs.
const ASK_BOUND: Duration = Duration::from_secs(10);

/// Docker kills and removes containers one after the other, 0.1 s each on an idle machine.
const REMOVE_BOUND: Duration = Duration::from_secs(60);

/// An image has a few hundred MB at most.
const IMAGE_BOUND: Duration = Duration::from_secs(120);

/// One Engine.
#[derive(Debug, Clone)]
pub struct Docker {
    endpoint: Endpoint,
    /// The context that names it, whose TLS files the Docker CLI has.
    pub context: Option<String>,
    is_private: bool,
}

impl Docker {
    /// An Engine that somebody else runs.
    pub fn at(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            context: None,
            is_private: false,
        }
    }

    /// An Engine that this run has started.
    pub fn private(socket: &Path) -> Self {
        Self {
            is_private: true,
            ..Self::at(Endpoint::Unix(socket.to_owned()))
        }
    }

    /// Where it listens.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The Docker CLI for this Engine, whatever the environment says.
    pub fn command(&self) -> Command {
        let mut command = Command::new("docker");
        command
            .env_remove("DOCKER_HOST")
            .env_remove("DOCKER_CONTEXT");
        match &self.context {
            Some(name) => command.args(["--context", name]),
            None => command.arg("--host").arg(self.endpoint.docker_host()),
        };
        if self.is_private {
            // The private Engine may be older than the CLI's builder expects.
            command
                .env("DOCKER_BUILDKIT", "0")
                .env_remove("DOCKER_API_VERSION");
        } else {
            // Another builder would neither see the images of this Engine nor leave its own there.
            command.env("BUILDX_BUILDER", "default");
        }
        match self.endpoint {
            Endpoint::Tls(_) if self.context.is_none() => command.arg("--tlsverify"),
            _ => command.env_remove("DOCKER_TLS_VERIFY"),
        };
        command
    }

    /// Fails unless the Engine answers.
    pub fn ping(&self) -> Result<()> {
        self.version().map(drop)
    }

    /// The Engine's version.
    pub fn version(&self) -> Result<String> {
        self.ask(&["version", "--format", "{{.Server.Version}}"])
    }

    /// The id of an image; fails if the Engine lacks it.
    pub fn image_id(&self, image: &str) -> Result<String> {
        self.ask(&["image", "inspect", "--format", "{{.Id}}", image])
    }

    /// The address of this machine on the network that containers join by default.
    pub fn bridge_address(&self) -> Result<String> {
        let format = "{{range .IPAM.Config}}{{.Gateway}} {{end}}";
        self.ask(&["network", "inspect", "--format", format, "bridge"])?
            .split_whitespace()
            .find(|address| !address.contains(':'))
            .map(str::to_owned)
            .context("the Engine's default bridge has no address")
    }

    /// Kills and removes the containers with a label, and returns how many.
    pub fn remove_labelled(&self, label: &str) -> Result<usize> {
        let filter = format!("label={label}");
        let list = ["ps", "--all", "--quiet", "--no-trunc", "--filter", &filter];
        let list = self.ask(&list)?;
        let ids: Vec<&str> = list.split_whitespace().collect();
        if !ids.is_empty() {
            let remove = [&["rm", "--force", "--volumes"], &*ids].concat();
            self.ask_within(&remove, REMOVE_BOUND)?;
        }
        Ok(ids.len())
    }

    /// Writes an image into a file.
    pub fn save_image(&self, name: &str, file: &Path) -> Result<()> {
        let mut save = self.command();
        save.args(["image", "save", name, "--output"]).arg(file);
        process::output_within(&mut save, IMAGE_BOUND).map(drop)
    }

    /// Loads the image of a file.
    pub fn load_image(&self, file: &Path) -> Result<()> {
        let mut load = self.command();
        load.args(["image", "load", "--quiet", "--input"]).arg(file);
        process::output_within(&mut load, IMAGE_BOUND).map(drop)
    }

    /// The answer to a short question.
    pub fn ask(&self, arguments: &[&str]) -> Result<String> {
        self.ask_within(arguments, ASK_BOUND)
    }

    /// The answer to a question that may take this long.
    pub fn ask_within(&self, arguments: &[&str], bound: Duration) -> Result<String> {
        process::output_within(self.command().args(arguments), bound)
            .map(|printed| printed.trim().to_owned())
    }
}
