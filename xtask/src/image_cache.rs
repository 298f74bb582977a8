//! Keeps the images of a private Engine for the next run, which would otherwise spend most of its
//! start on making them anew.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::docker::Docker;
use crate::engine_dir::EngineDir;
use crate::workspace;

/// Gives an Engine that has not started yet what was kept, if there is anything.
///
/// A move is all or nothing, so of two runs at once one starts out empty.
pub fn take(record: &EngineDir) {
    let _ = fs::rename(place(), record.data());
}

/// Takes away, while the Engine still runs, what is not worth keeping.
pub fn tidy(docker: &Docker) -> Result<()> {
    docker.remove_all()?;
    docker.prune_images()
}

/// Keeps the data of an Engine that has ended without containers.
pub fn keep(record: &EngineDir) -> Result<()> {
    // Its networks end with its bridge.
    let networks = record.data().join("network");
    fs::remove_dir_all(&networks)
        .with_context(|| format!("failed to remove {}", networks.display()))?;
    let place = place();
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    fs::create_dir_all(workspace::cache_dir())?;
    // Across file systems this fails, and the next run starts out empty.
    fs::rename(record.data(), place).context("failed to keep the images")
}

fn place() -> PathBuf {
    workspace::cache_dir().join("engine-images")
}
