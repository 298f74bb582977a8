//! The base image for stand-ins: a small Debian by debootstrap, packed once and kept for later
//! runs.

use std::fs;

use anyhow::{Context, Result};
use dev::docker::Docker;
use dev::process;
use dynamic_access_admin::progress::timed;

use crate::machine::{setup, workspace};

/// Its name on an Engine.
const IMAGE: &str = "dynamic-access-base:bookworm";

/// Puts it on an Engine, unless it is there. `None` without root, which debootstrap needs: the Engine then pulls the one
/// in the Dockerfile.
pub fn ensure(docker: &Docker) -> Result<Option<&'static str>> {
    let tarball = workspace::cache_dir().join("base-bookworm.tar");
    if docker.image_id(IMAGE).is_ok() {
        return Ok(Some(IMAGE));
    }
    if !tarball.exists() {
        if !workspace::is_root() {
            return Ok(None);
        }
        fs::create_dir_all(workspace::cache_dir())?;
        timed("base image: debootstrap", || {
            setup::run("base-image", [&tarball])
        })?;
    }
    let mut command = docker.command();
    command.arg("import").arg(&tarball).arg(IMAGE);
    process::output(&mut command).context("failed to import the base image")?;
    Ok(Some(IMAGE))
}
