//! Programs from npm that tests need.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use dev::process;

use crate::machine::{setup, workspace};
use dynamic_access_admin::progress::say;

/// The folder of the packages' list, whose lock has the digest of each.
const LISTS: &str = "host/tests/node";

/// The `node_modules` with openapi-typescript and TypeScript, installed if they are missing or
/// differ from the lock.
pub fn modules() -> Result<PathBuf> {
    let lists = workspace::root().join(LISTS);
    let wanted =
        fs::read(lists.join("package-lock.json")).with_context(|| lists.display().to_string())?;
    let dir = workspace::cache_dir().join("node");
    let modules = dir.join("node_modules");
    let installed = dir.join("installed.json");
    if fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(modules);
    }
    say("the test of the generated types: installing TypeScript from npm");
    if process::program("npm").is_none() {
        setup::packages("the test of the generated types", &["npm"])?;
    }
    fs::create_dir_all(&dir)?;
    for list in ["package.json", "package-lock.json"] {
        fs::copy(lists.join(list), dir.join(list))?;
    }
    let mut install = Command::new("npm");
    install.args(["ci", "--silent", "--ignore-scripts", "--no-audit"]);
    process::run(install.current_dir(&dir))?;
    // Written last: an unfinished installation is then repeated.
    fs::write(&installed, wanted)?;
    Ok(modules)
}
