//! Calls the script that sets up a machine, `xtask/setup.sh`, which says what it does and how it fails.

use std::ffi::OsStr;
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
    run("packages", [&[purpose], packages].concat())
}

/// Runs a subcommand of the script.
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
