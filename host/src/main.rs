//! The command line and the signals.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;
use dynamic_access_host::{
    Host, Options, Sink, UnixSocket, parse_variable_flag, variables_from_environment,
};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Runs a Spin application where the Spin CLI is not installed.
///
/// For development and tests. In production, use Spin: `spin up`, SpinKube or a hosted platform.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The application's manifest
    #[arg(long, value_name = "FILE", default_value = "spin.toml")]
    from: PathBuf,

    /// Address to listen on; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,

    /// Set an application variable, like the environment variable SPIN_VARIABLE_NAME
    #[arg(long = "variable", value_name = "NAME=VALUE|NAME=@FILE")]
    variables: Vec<String>,

    /// Runtime configuration with `[[client_tls]]` entries
    #[arg(long, value_name = "FILE")]
    runtime_config_file: Option<PathBuf>,

    /// Certificate authorities to trust, instead of Mozilla's, where the runtime configuration names none
    #[arg(long, value_name = "FILE")]
    public_roots: Option<PathBuf>,

    /// Send plain HTTP requests for an authority (host:port) to a unix socket
    #[arg(long = "unix-socket", value_name = "AUTHORITY=PATH")]
    unix_sockets: Vec<UnixSocket>,

    /// Append a JSON object for each request that the component sends, with its body if that is JSON
    #[arg(long, value_name = "FILE")]
    record_requests: Option<PathBuf>,
}

impl Arguments {
    fn options(self) -> Result<Options> {
        Ok(Options {
            manifest: self.from,
            variables: self
                .variables
                .iter()
                .map(|flag| parse_variable_flag(flag))
                .collect::<Result<_>>()?,
            environment: variables_from_environment()?,
            listen: self.listen,
            runtime_config: self.runtime_config_file,
            public_roots: self.public_roots,
            unix_sockets: self.unix_sockets,
            record_requests: self.record_requests,
            meter: None,
            sink: Sink::stderr(),
        })
    }
}

#[tokio::main]
async fn main() {
    let status = run().await.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        2
    });
    // Returning would wait for threads that still resolve a name or run a guest.
    std::process::exit(status)
}

async fn run() -> Result<i32> {
    let options = Arguments::parse().options()?;
    let host = Host::prepare(options)?;
    // Until here, while the component compiles, a signal ends the process at once.
    let mut interrupt = listen_for(SignalKind::interrupt())?;
    let mut terminate = listen_for(SignalKind::terminate())?;
    let serving = host.serve().await?;
    eprintln!("Serving http://{}", serving.address());
    either(&mut interrupt, &mut terminate).await;
    eprintln!("Stopping; a second signal ends at once");
    Ok(tokio::select! {
        () = serving.stop() => 0,
        () = either(&mut interrupt, &mut terminate) => 1,
    })
}

fn listen_for(kind: SignalKind) -> Result<Signal> {
    signal(kind).context("cannot listen for signals")
}

async fn either(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
