//! The base image for stand-ins: a small Debian by debootstrap, packed once and kept for later
//! runs.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use dev::docker::Docker;
use dev::process;
use dynamic_access_admin::progress::timed;

use crate::machine::{setup, workspace};

/// Its name on an Engine.
pub const IMAGE: &str = "dynamic-access-base:bookworm";

/// Puts it on an Engine, unless it is there.
pub fn ensure(docker: &Docker) -> Result<()> {
    if docker.has_image(IMAGE) {
        return Ok(());
    }
    let tarball = tarball();
    if !tarball.exists() {
        fs::create_dir_all(workspace::cache_dir())?;
        timed("base image: debootstrap", || {
            setup::run("base-image", [&tarball])
        })?;
    }
    let mut command = docker.command();
    command.arg("import").arg(&tarball).arg(IMAGE);
    process::output(&mut command).context("failed to import the base image")?;
    Ok(())
}

/// Whether it is available without a registry.
pub fn is_within_reach() -> bool {
    tarball().exists() || workspace::is_root()
}

fn tarball() -> PathBuf {
    workspace::cache_dir().join("base-bookworm.tar")
}
