//! The operator's tools.
//!
//! | module | does |
//! |---|---|
//! | [`certs`] | makes the certificates for mutual TLS between Spin and a Docker Engine |
//! | [`proxy_config`] | prints the configuration of a proxy in front of an Engine, or of a Swarm's managers |
//! | [`doctor`] | reports findings; checks a deployed server |
//! | [`progress`] | prints progress |
//! | [`random`] | gets randomness from the kernel |

pub mod certs;
pub mod doctor;
pub mod progress;
pub mod proxy_config;
pub mod random;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Subcommand, ValueEnum};

/// A command of an operator.
#[derive(Subcommand)]
pub enum Command {
    /// Make the certificates for mutual TLS between Spin and a Docker Engine
    Certs(certs::CertsArguments),
    /// Print the configuration of a proxy that lets only this server's calls through to a Docker Engine, or to the managers of a Swarm
    ProxyConfig(proxy_config::ProxyArguments),
    /// Check a deployed server, with the secret in SPIN_VARIABLE_WEBHOOK_SECRET
    Doctor(doctor::remote::DoctorArguments),
}

/// A choice, as it is typed on the command line.
///
/// # Panics
///
/// If the choice is hidden, which none is.
#[must_use]
pub fn word(choice: impl ValueEnum) -> String {
    let value = choice.to_possible_value().expect("no choice is hidden");
    value.get_name().to_owned()
}

/// Carries out a command.
///
/// # Errors
///
/// What went wrong, for a person to read.
pub fn run(command: &Command) -> Result<ExitCode> {
    match command {
        Command::Certs(arguments) => certs::certs(arguments)?,
        Command::ProxyConfig(arguments) => proxy_config::configure(arguments)?,
        Command::Doctor(arguments) => return doctor::remote::check(arguments),
    }
    Ok(ExitCode::SUCCESS)
}
