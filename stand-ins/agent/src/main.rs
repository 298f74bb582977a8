//! A stand-in for the BastionZero agent, for machines that cannot reach its package repository.
//!
//! It does what the real `bzero` does as far as a provisioning server can see:
//! a first run with a token registers and exits 0, a second run with a token
//! is refused, and a run without one serves until a signal and then exits 1.

mod flags;
mod service;

use std::env;
use std::fs;
use std::process::ExitCode;
use std::thread;

use serde_json::{Value, json};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Where the real agent keeps its key, and where the entrypoint looks for it. The image has made the folder private.
const VAULT: &str = "/etc/bzero/vault.json";

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("bzero (stand-in): {reason}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Vec<String>) -> Result<(), String> {
    if arguments == ["-version"] {
        println!("stand-in {}", env!("CARGO_PKG_VERSION"));
        return Ok(());
    }
    let flags = flags::parse(arguments)?;
    let vault = fs::read(VAULT).ok();
    let vault: Option<Value> = vault.and_then(|vault| serde_json::from_slice(&vault).ok());
    let has_token = flags
        .get("activationToken")
        .is_some_and(|it| !it.is_empty());
    match (has_token, vault) {
        (true, Some(_)) => Err("already registered; a token is good for one registration".into()),
        (true, None) => {
            let target_id = service::register(&flags, service::PATIENCE)?;
            let vault = json!({"serviceUrl": flags.get("serviceUrl"), "targetId": target_id});
            fs::write(VAULT, vault.to_string())
                .map_err(|error| format!("failed to write {VAULT}: {error}"))?;
            println!("bzero (stand-in): registered");
            Ok(())
        }
        (false, Some(vault)) => Err(serve(vault)),
        (false, None) => Err("not registered".to_owned()),
    }
}

/// Blocks until a signal. The real agent also ends only by a signal, and always exits 1.
fn serve(vault: Value) -> String {
    let mut signals = match Signals::new([SIGTERM, SIGINT]) {
        Ok(signals) => signals,
        Err(error) => return format!("failed to listen for signals: {error}"),
    };
    println!("bzero (stand-in): serving");
    // It ends with the process.
    thread::spawn(move || {
        if let (Some(url), Some(id)) = (vault["serviceUrl"].as_str(), vault["targetId"].as_str()) {
            service::keep_channel(url, id);
        }
    });
    match signals.forever().next() {
        Some(signal) => format!("ended by signal {signal}"),
        None => "ended without a signal".to_owned(),
    }
}
