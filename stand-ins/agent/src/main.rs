//! A stand-in for the BastionZero agent, for machines that cannot reach its package repository.
//!
//! It does what the real `bzero` does as far as a provisioning server can see:
//! a first run with a token registers and exits 0, a second run with a token
//! is refused, and a run without one serves until a signal and then exits 1.

mod flags;
mod service;
mod vault;

use std::process::ExitCode;
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::flags::Order;
use crate::vault::Vault;

fn main() -> ExitCode {
    match flags::parse(std::env::args().skip(1)).and_then(perform) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("bzero (stand-in): {reason}");
            ExitCode::FAILURE
        }
    }
}

fn perform(order: Order) -> Result<(), String> {
    match (order, Vault::read()) {
        (Order::Version, _) => {
            println!("stand-in {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
        (Order::Register(_), Some(_)) => {
            Err("already registered; a token is good for one registration".to_owned())
        }
        (Order::Register(target), None) => {
            let vault = Vault {
                target_id: service::register(&target, service::PATIENCE)?,
                service_url: target.service_url,
            };
            vault.write()?;
            println!("bzero (stand-in): registered");
            Ok(())
        }
        (Order::Serve, Some(vault)) => Err(serve(vault)),
        (Order::Serve, None) => Err("not registered".to_owned()),
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
    thread::spawn(move || service::keep_channel(&vault));
    match signals.forever().next() {
        Some(signal) => format!("ended by signal {signal}"),
        None => "ended without a signal".to_owned(),
    }
}
