//! A Python of our own, with the packages that tests need.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use dev::process;

use crate::machine::{setup, workspace};
use dynamic_access_admin::progress::say;

/// The packages, each with its digests.
const REQUIREMENTS: &str = "host/tests/requirements.txt";

/// The folder of Python and the programs, schemathesis and openapi-python-client, installed if they
/// are missing or differ from [`REQUIREMENTS`].
pub fn programs() -> Result<PathBuf> {
    let requirements = workspace::root().join(REQUIREMENTS);
    let wanted = fs::read(&requirements).with_context(|| requirements.display().to_string())?;
    let dir = workspace::cache_dir().join("python");
    let programs = dir.join("bin");
    let installed = dir.join("requirements.txt");
    if fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(programs);
    }
    say(
        "tests of the OpenAPI document: installing schemathesis and openapi-python-client from PyPI",
    );
    let _ = fs::remove_dir_all(&dir);
    make_environment(&dir)?;
    let mut install = Command::new(programs.join("pip"));
    install
        .args([
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--require-hashes",
        ])
        .arg("--requirement")
        .arg(&requirements);
    process::run(&mut install)?;
    // Written last: an unfinished installation is then repeated.
    fs::write(&installed, wanted)?;
    Ok(programs)
}

/// Makes a virtual environment. Debian has the module that fills it in a separate package.
fn make_environment(dir: &PathBuf) -> Result<()> {
    let mut probe = Command::new("python3");
    probe.args(["-c", "import ensurepip, venv"]);
    if !probe.output().is_ok_and(|probe| probe.status.success()) {
        setup::packages("tests of the OpenAPI document", &["python3-venv"])?;
    }
    process::run(Command::new("python3").args(["-m", "venv"]).arg(dir))
}
