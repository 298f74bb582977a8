//! Finds a browser for the tests of the page, and axe-core, which they run in it.
//!
//! If either is missing, only those tests fail, and name it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use dev::process;

use crate::machine::{setup, workspace};
use dynamic_access_admin::progress::say;

/// The accepted programs: Debian's, the smallest first, and Google's, which GitHub's runners have.
/// The first one's script in `/usr/bin` would stay between us and the browser, which would then
/// outlive it.
const PROGRAMS: [&str; 4] = [
    "/usr/lib/chromium/chromium-headless-shell",
    "chromium",
    "google-chrome",
    "google-chrome-stable",
];

/// Tells the tests where their browser and axe-core are.
pub fn tell(command: &mut Command) {
    for (variable, found) in [("TEST_BROWSER", browser()), ("TEST_AXE", axe())] {
        match found {
            Ok(path) => {
                command.env(variable, path);
            }
            Err(error) => {
                say(&format!("tests of the page will fail: {error:#}"));
                command.env_remove(variable);
            }
        }
    }
}

fn browser() -> Result<PathBuf> {
    let find = || PROGRAMS.into_iter().find_map(process::program);
    if find().is_none() {
        setup::run("browser", ["a browser that shows the page"])?;
    }
    find().context("the browser that was installed is not there")
}

fn axe() -> Result<PathBuf> {
    let file = workspace::cache_dir().join("axe.min.js");
    setup::run("axe", [&file])?;
    Ok(file)
}
