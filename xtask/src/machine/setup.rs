//! Calls the script that sets up a machine, `xtask/setup.sh`, which says what it does and how it fails.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::process::Command;

use anyhow::{Context, Result};
use dev::process;

use crate::machine::workspace;
use dynamic_access_admin::progress::say;

/// Waits until no other run of this checkout sets up the machine, since two would install into the same folders. The
/// kernel releases the lock when the file is closed, however the run ends.
pub fn alone() -> Result<File> {
    fs::create_dir_all(workspace::cache_dir())?;
    let path = workspace::cache_dir().join("set-up.lock");
    let lock = File::create(&path).with_context(|| path.display().to_string())?;
    if lock.try_lock().is_err() {
        say("set-up: waiting for another run that sets up this machine");
        lock.lock()?;
    }
    Ok(lock)
}

/// Installs Debian packages; `purpose` tells the person what they are for.
pub fn packages(purpose: &str, packages: &[&str]) -> Result<()> {
    run("packages", [&[purpose], packages].concat())
}

pub fn run<P: AsRef<OsStr>>(
    subcommand: &str,
    parameters: impl IntoIterator<Item = P>,
) -> Result<()> {
    let mut command = Command::new("bash");
    command.arg(workspace::root().join("xtask/setup.sh"));
    // Cargo, which builds the component there, would take them for its own.
    workspace::forget_our_package(&mut command);
    process::run(command.arg(subcommand).args(parameters))
}
