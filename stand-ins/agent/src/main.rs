//! A stand-in for the BastionZero agent, for machines that cannot reach its package repository.
//!
//! It does what the real `bzero` does as far as a provisioning server can see:
//! a first run with a token registers and exits 0, a second run with a token
//! is refused, and a run without one serves until a signal and then exits 1.

mod control_channel;
mod flags;
mod http;
mod registration;
mod service_url;
mod vault;

use std::path::Path;
use std::process::ExitCode;
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::flags::{Flags, Order};
use crate::vault::Vault;

fn main() -> ExitCode {
    let outcome = Flags::parse(std::env::args().skip(1)).and_then(|flags| perform(flags.order()));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("bzero (stand-in): {reason}");
            ExitCode::FAILURE
        }
    }
}

fn perform(order: Order) -> Result<(), String> {
    let place = Path::new(vault::PLACE);
    match (order, Vault::read(place)) {
        (Order::Version, _) => {
            println!("stand-in {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
        (Order::Register(_), Some(_)) => {
            Err("already registered; a token is good for one registration".to_owned())
        }
        (Order::Register(target), None) => {
            let vault = Vault {
                target_id: registration::register(&target, registration::PATIENCE)?,
                service_url: target.service_url,
            };
            vault
                .write(place)
                .map_err(|error| format!("failed to write {}: {error}", vault::PLACE))?;
            println!("bzero (stand-in): registered");
            Ok(())
        }
        (Order::Serve, Some(vault)) => Err(serve(vault)),
        (Order::Serve, None) => Err(format!(
            "not registered: {} is missing or empty",
            vault::PLACE
        )),
    }
}

/// Blocks until a signal. The real agent also ends only by a signal, and always exits 1.
fn serve(vault: Vault) -> String {
    let mut signals = match Signals::new([SIGTERM, SIGINT]) {
        Ok(signals) => signals,
        Err(error) => return format!("failed to listen for signals: {error}"),
    };
    println!("bzero (stand-in): serving");
    // It ends with the process.
    thread::spawn(move || control_channel::keep(&vault));
    match signals.forever().next() {
        Some(signal) => format!("ended by signal {signal}"),
        None => "ended without a signal".to_owned(),
    }
}
