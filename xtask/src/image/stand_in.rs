//! Builds the stand-in agent, statically linked so that it runs on any base image.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use dev::process;

use crate::machine::workspace;

/// Builds the stand-in and returns its path.
pub fn build() -> Result<PathBuf> {
    let host = host_target()?;
    let mut command = workspace::cargo();
    command
        .args(["build", "--quiet", "--release"])
        .args(["--package", "stand-in-agent", "--target", &host])
        // The person's own flags would replace these.
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        // With an explicit target, flags do not apply to build scripts.
        .env("RUSTFLAGS", "-C target-feature=+crt-static");
    process::run(&mut command).context(
        "failed to build the stand-in agent; it needs the C library's libc.a (libc6-dev)",
    )?;
    Ok(workspace::target_dir()
        .join(host)
        .join("release/stand-in-agent"))
}

/// The compiler's default target.
pub fn host_target() -> Result<String> {
    let version = process::output(Command::new("rustc").arg("-vV"))?;
    version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .context("`rustc -vV` names no host")
}
