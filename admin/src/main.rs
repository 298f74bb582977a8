//! The command line of `dynamic-access-admin`.

use std::process::ExitCode;

use clap::Parser;
use dynamic_access_admin::Command;

/// The tools for an operator of Dynamic Access
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    dynamic_access_admin::run(&Arguments::parse().command).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
