//! Checks the requests that the tests have recorded against the published specifications of the Engine's API.
//!
//! | module | does |
//! |---|---|
//! | `recorded` | reads a recorded request |
//! | `specification` | knows the operations of one version of the API |
//! | `operation` | judges a request by one operation |
//! | `schema` | makes a JSON schema from a Swagger schema, and judges a value by it |
//! | `check` | checks a recording against all specifications |
//! | `patches` | checks the types that the server accepts in a patch against the specifications (only in tests) |
//!
//! Usage: `dynamic-access-engine-api RECORDING [--complete]`. `--complete` says that all tests were recorded.

mod check;
mod finding;
mod operation;
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
    let is_complete = arguments.next().as_deref() == Some("--complete");
    check::check(&recording, &specifications, is_complete)
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
