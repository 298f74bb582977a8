//! Checks the requests that the tests have recorded against the published specifications of the Engine's API.
//!
//! | module | does |
//! |---|---|
//! | `recorded` | reads a recorded request |
//! | `specification` | knows the operations of one version of the API, and judges a request |
//! | `schema` | makes a JSON schema from a Swagger schema, and judges a value by it |
//! | `deviations` | lists the intended deviations, and why |
//! | `check` | checks a recording against all specifications |
//! | `patches` | checks the types that the server accepts in a patch against the specifications (only in tests) |
//!
//! Usage: `dynamic-access-engine-api RECORDING [--complete]`. With `--complete`, each deviation of a recorded operation must have been needed.

mod check;
mod deviations;
mod finding;
#[cfg(test)]
mod patches;
mod recorded;
mod schema;
mod specification;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::check::Check;
use crate::deviations::DEVIATIONS;
use crate::specification::Specification;

/// Every file here is compared with the requests, so another version needs only its file.
const SPECIFICATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/specifications");

fn main() -> ExitCode {
    match summary() {
        Ok(summary) => {
            println!("{summary}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn summary() -> Result<String> {
    let mut arguments = env::args().skip(1);
    let recording = arguments.next().context("usage: RECORDING [--complete]")?;
    let recording = fs::read_to_string(&recording).with_context(|| recording.clone())?;
    let specifications = specifications(Path::new(SPECIFICATIONS))?;
    let check = Check {
        specifications: &specifications,
        deviations: DEVIATIONS,
        is_complete: arguments.next().as_deref() == Some("--complete"),
    };
    check.run(&recording)
}

/// The specifications in a folder, by the names of their files.
fn specifications(folder: &Path) -> Result<Vec<Specification>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| folder.display().to_string())?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "json")
    });
    files.sort();
    files.iter().map(|file| Specification::read(file)).collect()
}
