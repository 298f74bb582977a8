//! Plays BastionZero's part towards a server that runs, and prints each step with its time.
//!
//! `cargo xtask demo` starts such a server and calls this.

use std::env;
use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Parser;
use stand_in_service::story::{self, Patience};
use stand_in_service::{Service, Webhooks};

/// Anybody can read a command line, so the secret is not there.
const SECRET: &str = "WEBHOOK_SECRET";

/// One user's visit to a target; WEBHOOK_SECRET is the secret that the server knows.
#[derive(Parser)]
struct Arguments {
    /// Where the server listens
    #[arg(long, value_name = "ADDRESS:PORT")]
    server: SocketAddr,

    /// Where to listen for the agents of targets
    #[arg(long, value_name = "ADDRESS:PORT")]
    agents: SocketAddr,
}

fn main() -> ExitCode {
    match play(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn play(arguments: &Arguments) -> Result<()> {
    let secret = env::var(SECRET).with_context(|| format!("{SECRET} must be set"))?;
    let webhooks = Webhooks::new(arguments.server, secret);
    let service = Service::listen(arguments.agents)?;
    let started = Instant::now();
    story::tell(&webhooks, &service, &Patience::default(), |step| {
        let seconds = started.elapsed().as_secs_f32();
        // Nobody reads any more, which does not change the story.
        let _ = writeln!(std::io::stdout(), "{seconds:>6.1} s  {step}");
    })
}
