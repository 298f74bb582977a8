//! The command line and the signals.

use std::collections::BTreeMap;
use std::env;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use dynamic_access_host::{Host, Options};
use http::uri::Authority;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Runs a Spin application where the Spin CLI is not installed.
///
/// It takes the variables from the environment, as `SPIN_VARIABLE_<NAME>`. For development and tests. In production, use
/// Spin: `spin up`, SpinKube or a hosted platform.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The application's manifest
    #[arg(long, value_name = "FILE", default_value = "spin.toml")]
    from: PathBuf,

    /// Address to listen on; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,

    /// Runtime configuration with `[[client_tls]]` entries
    #[arg(long, value_name = "FILE")]
    runtime_config_file: Option<PathBuf>,

    /// Send plain HTTP requests for an authority (host:port) to a unix socket
    #[arg(long = "unix-socket", value_name = "AUTHORITY=PATH", value_parser = unix_socket)]
    unix_sockets: Vec<(String, PathBuf)>,
}

fn unix_socket(text: &str) -> Result<(String, PathBuf)> {
    const FORM: &str = "it has the form HOST:PORT=PATH";
    let (authority, path) = text.split_once('=').context(FORM)?;
    let parsed: Authority = authority.parse().ok().context(FORM)?;
    let has_both = !parsed.host().is_empty() && parsed.port().is_some();
    ensure!(
        has_both && !authority.contains('@') && !path.is_empty(),
        FORM
    );
    Ok((authority.to_owned(), path.into()))
}

impl Arguments {
    fn options(self) -> Result<Options> {
        Ok(Options {
            environment: environment()?,
            listen: self.listen,
            runtime_config: self.runtime_config_file,
            unix_sockets: self.unix_sockets.into_iter().collect(),
            ..Options::new(self.from)
        })
    }
}

/// The variables of the environment that are for the application. An error does not repeat a value: it can be a secret.
fn environment() -> Result<BTreeMap<String, String>> {
    let named = env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    named
        .filter(|(name, _)| name.starts_with("SPIN_VARIABLE_"))
        .map(|(name, value)| {
            let value = value.into_string().ok();
            let value = value.with_context(|| format!("the value of {name} is not UTF-8"))?;
            Ok((name, value))
        })
        .collect()
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
    let host = Host::prepare(Arguments::parse().options()?)?;
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
