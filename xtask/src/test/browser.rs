//! Finds a browser for the tests of the page.
//!
//! If there is none, only those tests fail, and say so.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use dev::process;

use crate::machine::setup;
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

/// Tells the tests where their browser is.
pub fn tell(command: &mut Command) {
    match browser() {
        Ok(path) => command.env("TEST_BROWSER", path),
        Err(error) => {
            say(&format!("tests of the page will fail: {error:#}"));
            command.env_remove("TEST_BROWSER")
        }
    };
}

fn browser() -> Result<PathBuf> {
    let find = || PROGRAMS.into_iter().find_map(process::program);
    if find().is_none() {
        setup::run("browser", ["a browser that shows the page"])?;
    }
    find().context("the browser that was installed is not there")
}
