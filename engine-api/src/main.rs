//! Checks the requests that the tests have recorded against the published specifications of the Engine's API.
//!
//! | module | does |
//! |---|---|
//! | `recorded` | reads a recorded request |
//! | `specification` | judges a request by one version of the API |
//! | `check` | checks a recording against all specifications |
//! | `patches` | checks the types that the server accepts in a patch against the specifications (only in tests) |
//!
//! Usage: `dynamic-access-engine-api RECORDING [--complete]`. `--complete` says that all tests were recorded.

mod check;
#[cfg(test)]
mod patches;
mod recorded;
mod specification;

use std::env;
use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::specification::Specification;

/// The specifications. Another version needs its file, and its line here.
const SPECIFICATIONS: [&str; 2] = [
    include_str!("../specifications/v1.41.json"),
    include_str!("../specifications/v1.51.json"),
];

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
    let specifications = SPECIFICATIONS.iter().map(|text| Specification::read(text));
    let specifications: Vec<_> = specifications.collect::<Result<_>>()?;
    let is_complete = arguments.next().as_deref() == Some("--complete");
    check::check(&recording, &specifications, is_complete)
}
