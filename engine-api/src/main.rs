//! Checks the requests that the tests have recorded against the published specifications of the Engine's API, and against
//! the tables of calls that a proxy admits.
//!
//! | module | does |
//! |---|---|
//! | `request` | reads a recorded request |
//! | `specification` | judges a request by one version of the API |
//! | `check` | checks all requests |
//! | `patches` | checks the types that the server accepts in a patch against the specifications (only in tests) |
//!
//! Usage: `dynamic-access-engine-api RECORDING [--complete]`. `--complete` says that all tests were recorded: each call to
//! an Engine must then have been made. Those to a Swarm need not: its tests run only where they are named.

mod check;
#[cfg(test)]
mod patches;
mod request;
mod specification;

use std::env;
use std::fs;

use anyhow::{Context, Result};
use dynamic_access_admin::proxy_config::calls::{Scheduler, table};

use crate::request::Request;
use crate::specification::Specification;

/// The specifications. Another version needs its file, and its line here.
const SPECIFICATIONS: [&str; 2] = [
    include_str!("../specifications/v1.41.json"),
    include_str!("../specifications/v1.51.json"),
];

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let recording = arguments.next().context("usage: RECORDING [--complete]")?;
    let recording = fs::read_to_string(&recording).with_context(|| recording.clone())?;
    let requests = recording.lines().map(Request::parse);
    let requests = requests.collect::<Result<Vec<_>>>()?;
    let specifications = SPECIFICATIONS.into_iter().map(Specification::read);
    let specifications = specifications.collect::<Result<Vec<_>>>()?;
    check::by_specifications(&requests, &specifications)?;
    let listed = [table(Scheduler::Engine)?, table(Scheduler::Swarm)?].concat();
    let needed = match arguments.next().as_deref() {
        Some("--complete") => table(Scheduler::Engine)?,
        _ => Vec::new(),
    };
    check::by_tables(&requests, &listed, &needed)?;
    let versions: Vec<_> = specifications.iter().map(|one| &*one.version).collect();
    println!(
        "{} requests to the Engine, all as its API {} says, and all listed",
        requests.len(),
        versions.join(" and ")
    );
    Ok(())
}
