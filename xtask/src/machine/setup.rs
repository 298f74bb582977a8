//! Calls the script that sets up a machine, `xtask/setup.sh`, which says what it does and how it fails.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use dev::process;

use crate::machine::workspace;
use dynamic_access_admin::progress::say;

/// Waits until no other run of this checkout's tests sets up the machine, since two would install into the same
/// the same folders. The kernel releases the lock when the file is closed, however the run ends.
pub fn alone() -> Result<File> {
    let path = workspace::cache_dir().join("set-up.lock");
    fs::create_dir_all(workspace::cache_dir())?;
    let lock = File::create(&path).with_context(|| path.display().to_string())?;
    if lock.try_lock().is_err() {
        say("set-up: waiting for another run that sets up this machine");
        lock.lock()?;
    }
    Ok(lock)
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
pub fn engine_root(suite: &str, folder: &Path) -> Result<()> {
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
    use std::fs::{self, File};
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    use super::*;

    #[test]
    fn a_second_run_waits_for_the_engine_that_the_first_installs() {
        let dir = env::temp_dir().join(format!("engine-root-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("the folder is ours");
        let folder = dir.join("no-such-suite");
        let first = File::create(dir.join("no-such-suite.lock")).expect("the folder is ours");
        first.lock().expect("nobody else has it");
        let mut second = script("engine-root")
            .arg("no-such-suite")
            .arg(&folder)
            .stderr(Stdio::piped())
            .spawn()
            .expect("bash is there");
        let said = second.stderr.take().map(BufReader::new).expect("a pipe");
        let mut said = said.lines().map_while(Result::ok);
        let waits = said.next().is_some_and(|line| line.contains("waiting"));
        let script =
            fs::read_to_string(workspace::root().join("xtask/setup.sh")).expect("a script");
        let mut lines = script.lines();
        let packages = lines.find_map(|line| line.strip_prefix("engine_packages="));
        fs::create_dir(&folder).expect("the second run makes none");
        fs::write(folder.join("packages"), packages.expect("a list")).expect("the folder is ours");
        drop(first);
        let rest: Vec<_> = said.collect();
        let ended = second.wait().expect("it is ours");
        fs::remove_dir_all(&dir).expect("the folder is ours");
        assert!(waits && ended.success() && rest.is_empty(), "{rest:?}");
    }
}
