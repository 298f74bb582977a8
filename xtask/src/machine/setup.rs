//! Calls the script that sets up a machine, `xtask/setup.sh`, which says what it does and how it fails.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use dev::process;

use crate::machine::workspace;
use dynamic_access_admin::progress::say;

/// Shows that no other run of this checkout sets up the machine. The kernel releases the lock when the file is closed,
/// however the run ends.
pub struct Alone(#[expect(dead_code, reason = "it holds the lock")] File);

/// Waits until no other run of this checkout sets up the machine, since two would install into the same folders.
pub fn alone() -> Result<Alone> {
    fs::create_dir_all(workspace::cache_dir())?;
    alone_with(&workspace::cache_dir().join("set-up.lock"))
}

fn alone_with(path: &Path) -> Result<Alone> {
    let lock = File::create(path).with_context(|| path.display().to_string())?;
    if lock.try_lock().is_err() {
        say("set-up: waiting for another run that sets up this machine");
        lock.lock()?;
    }
    Ok(Alone(lock))
}

/// Installs Debian packages; `purpose` tells the person what they are for.
pub fn packages(purpose: &str, packages: &[&str]) -> Result<()> {
    process::run(script("packages").arg(purpose).args(packages))
}

/// Keeps a service from starting with the machine, if there is one with this name.
pub fn keep_off(service: &str) -> Result<()> {
    process::run(script("keep-off").arg(service))
}

/// Installs a Docker Engine and its CLI.
pub fn docker(purpose: &str) -> Result<()> {
    process::run(script("docker").arg(purpose))
}

/// Installs the Engines of a Debian suite into a folder of their own, if they are not there.
pub fn engine_root(suite: &str, folder: &Path, _: &Alone) -> Result<()> {
    process::run(script("engine-root").arg(suite).arg(folder))
}

/// Installs a browser without windows.
pub fn browser(purpose: &str) -> Result<()> {
    process::run(script("browser").arg(purpose))
}

/// Gets axe-core as a file, unless it is there.
pub fn axe(file: &Path) -> Result<()> {
    process::run(script("axe").arg(file))
}

/// Packs a small Debian.
pub fn base_image(tarball: &Path) -> Result<()> {
    process::run(script("base-image").arg(tarball))
}

/// Builds a package of the workspace with Debian's compiler, which it installs.
pub fn wasm_build(package: &str, folder: &Path) -> Result<()> {
    let mut command = script("wasm-build");
    workspace::forget_our_package(&mut command);
    process::run(command.arg(package).arg(folder))
}

fn script(subcommand: &str) -> Command {
    let mut command = Command::new("bash");
    command
        .arg(workspace::root().join("xtask/setup.sh"))
        .arg(subcommand);
    command
}

#[cfg(test)]
mod tests {
    use std::env;

    use super::*;

    #[test]
    fn one_run_sets_up_at_a_time() {
        let path = env::temp_dir().join(format!("set-up-{}.lock", std::process::id()));
        let first = alone_with(&path).expect("the file is ours");
        let second = File::open(&path).expect("it was made");
        second.try_lock().expect_err("the first has not set up yet");
        drop(first);
        second.try_lock().expect("the first has set up");
        fs::remove_file(&path).expect("the file is ours");
    }
}
