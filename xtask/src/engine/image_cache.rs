//! Keeps the images of a private Engine for the next run, which would otherwise spend most of its
//! start on new builds.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use dev::docker::Docker;

use crate::engine::dir::EngineDir;
use crate::machine::workspace;

/// Gives the kept images, if any, to an Engine that has not started yet.
///
/// A rename is atomic, so one of two simultaneous runs starts empty.
pub fn take(engine: &EngineDir) {
    let _ = fs::rename(place(), engine.data());
}

/// Removes images that are not worth keeping, while the Engine still runs.
pub fn tidy(docker: &Docker) -> Result<()> {
    docker.remove_all()?;
    docker.prune_images()
}

/// Keeps the data of an Engine that has ended without containers.
pub fn keep(engine: &EngineDir) -> Result<()> {
    // Its networks are gone with its bridge.
    let networks = engine.data().join("network");
    fs::remove_dir_all(&networks)
        .with_context(|| format!("failed to remove {}", networks.display()))?;
    let place = place();
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    fs::create_dir_all(workspace::cache_dir())?;
    // This fails across file systems; the next run then starts empty.
    fs::rename(engine.data(), place).context("failed to keep the images")
}

fn place() -> PathBuf {
    workspace::cache_dir().join("engine-images")
}
