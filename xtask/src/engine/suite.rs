//! Chooses the programs of a private Engine: this machine's own, or those of another Debian suite, in a root of their own.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use dynamic_access_admin::word;

use crate::machine::{setup, workspace};

/// Which private Engine to start.
#[derive(Args, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EngineArguments {
    /// The Debian suite of the private Engine, and of Podman beside it
    #[arg(long = "engine", value_name = "SUITE", default_value_t, value_enum)]
    pub suite: Suite,

    /// Where Docker keeps its images
    #[arg(long, value_name = "STORE", default_value_t, value_enum)]
    pub image_store: ImageStore,
}

/// A Debian suite.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Suite {
    /// This machine's own docker.io and podman, which on Debian 12 are Docker 20.10 and Podman 4.3
    #[default]
    Bookworm,
    /// Debian 13: Docker 26.1, Podman 5.4
    Trixie,
    /// Debian unstable, which changes: Docker 28.5, Podman 5.8 and later
    Sid,
}

/// Where Docker keeps its images.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ImageStore {
    /// In its own store, overlay2
    #[default]
    Overlay2,
    /// In that of containerd
    Containerd,
}

impl EngineArguments {
    /// The folder that holds the Engine's programs, installed first if it is not there;
    /// `None` for this machine's own. Fails if there is no such Engine.
    pub fn root(self) -> Result<Option<PathBuf>> {
        if self.suite == Suite::Bookworm {
            ensure!(
                self.image_store != ImageStore::Containerd,
                "Docker 20.10 cannot keep its images in containerd; choose --engine trixie or sid"
            );
            return Ok(None);
        }
        let suite = word(self.suite);
        let engines = workspace::cache_dir().join("engines");
        fs::create_dir_all(&engines)?;
        let root = engines.join(&suite);
        setup::run("engine-root", [suite.as_ref(), root.as_os_str()])?;
        Ok(Some(root))
    }
}
