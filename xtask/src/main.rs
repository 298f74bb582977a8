//! Set-up and developer commands: `cargo xtask --help`.
//!
//! This file knows the command line. Each command is a module of its name, except for `build`, which is `wasm`, and for the
//! operator's commands, which are in `admin/`. `dev/` has what the tests share. Commands share these, each of which uses
//! only those above it:
//!
//! | module | does |
//! |---|---|
//! | `machine` | installs packages, and knows where files are |
//! | `targets` | makes what targets need of an Engine, and removes targets |
//! | `engine` | starts private Engines and Swarms, and chooses the Engine of a command |
//! | `image`, `wasm` | build the agent image and the component |

mod bench;
mod demo;
mod doctor;
mod engine;
mod image;
mod machine;
mod targets;
mod test;
mod up;
mod wasm;

use std::process::ExitCode;

use anyhow::{Context, Error, Result};
use clap::{Parser, Subcommand};
use dev::interrupt::{self, Interrupted};
use dynamic_access_admin::certs::CertsArguments;
use dynamic_access_admin::doctor::StartArguments;
use dynamic_access_admin::doctor::remote::DoctorArguments;
use dynamic_access_admin::progress;
use dynamic_access_admin::proxy_config::ProxyArguments;
use dynamic_access_admin::{Command, run};

use crate::engine::choice;
use crate::engine::suite::EngineArguments;
use crate::engine::swarm::SwarmArguments;
use crate::up::UpArguments;

/// What a shell reports for a program ended by Ctrl-C: 128 plus the number of SIGINT.
const INTERRUPTED: u8 = 130;

/// Set-up and developer commands of this project.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Set up whatever is missing, serve, and print three commands to try
    Up(UpArguments),
    /// Play one visit to a target, from its start to its stop, with stand-ins for BastionZero and its agent
    Demo,
    /// Run every test, on a private Engine (needs root)
    Test {
        #[command(flatten)]
        engine: EngineArguments,
        /// Further arguments of `cargo test`, after `--`
        #[arg(last = true, value_name = "ARGUMENTS")]
        arguments: Vec<String>,
    },
    /// Measure the component against its floors, on two private Engines or on a Swarm (needs root)
    Bench {
        #[command(flatten)]
        engine: EngineArguments,
        #[command(flatten)]
        swarm: SwarmArguments,
        /// Further arguments of the bench, after `--`; `-- --help` lists them
        #[arg(last = true, value_name = "ARGUMENTS")]
        arguments: Vec<String>,
    },
    /// Build the component: target/wasm32-wasip2/release/dynamic_access.wasm
    Build,
    /// Build the agent image, dynamic-access-agent: with the real agent if AGENT_KEY is set
    Image,
    /// The same as `dynamic-access-admin certs`
    Certs(CertsArguments),
    /// The same as `dynamic-access-admin proxy-config`
    ProxyConfig(ProxyArguments),
    /// Report what is there, what is missing, and the command that fixes it
    Doctor {
        /// The Engine, instead of SPIN_VARIABLE_DOCKER_URL, DOCKER_HOST, the docker context or the local one
        #[arg(long, value_name = "URL|SOCKET")]
        engine: Option<String>,
        /// Check a deployed server instead, as `dynamic-access-admin doctor` does
        #[arg(long, value_name = "URL", conflicts_with = "engine")]
        against: Option<String>,
        #[command(flatten)]
        start: StartArguments,
    },
}

fn main() -> ExitCode {
    let task = Arguments::parse().command;
    let outcome = interrupt::listen().and_then(|()| perform(task));
    outcome.unwrap_or_else(|error| report(&error))
}

fn perform(task: Task) -> Result<ExitCode> {
    match task {
        Task::Up(arguments) => up::up(arguments)?,
        Task::Demo => demo::demo()?,
        Task::Test { engine, arguments } => return test::test(engine, &arguments),
        Task::Bench {
            engine,
            swarm,
            arguments,
        } => {
            let engine = swarm.engine(engine)?;
            match swarm.count {
                Some(count) => bench::bench_swarm(engine, count, &arguments)?,
                None => bench::bench(engine, &arguments)?,
            }
        }
        Task::Build => wasm::build()?,
        Task::Image => {
            let docker = choice::existing(None)?;
            let docker = docker
                .context("there is no Docker Engine; start one, or name one with DOCKER_HOST")?;
            image::ensure(&docker)?;
        }
        Task::Certs(arguments) => return run(&Command::Certs(arguments)),
        Task::ProxyConfig(arguments) => return run(&Command::ProxyConfig(arguments)),
        Task::Doctor {
            against: Some(url),
            start,
            ..
        } => return run(&Command::Doctor(DoctorArguments { url, start })),
        Task::Doctor { engine, start, .. } => {
            return Ok(doctor::doctor(engine.as_deref(), &start));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn report(error: &Error) -> ExitCode {
    if error.is::<Interrupted>() {
        progress::say("interrupted");
        return ExitCode::from(INTERRUPTED);
    }
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}
