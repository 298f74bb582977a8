//! A stand-in for the BastionZero agent, for machines that cannot reach its package repository.
//!
//! It does what the real `bzero` does as far as a provisioning server can see:
//! a first run with a token registers and exits 0, a further run with a token
//! is refused, and a run without one serves until a signal and then exits 1.

mod flags;
mod registration;
mod service_url;

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::process::ExitCode;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::flags::{Flags, Order};

/// Where the real agent keeps its key; the entrypoint looks for it too.
const VAULT: &str = "/etc/bzero/vault.json";

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
    let vault = Path::new(VAULT);
    match order {
        Order::Version => {
            println!("stand-in {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
        Order::Register(_) if is_registered(vault) => {
            Err("already registered; a token is good for one registration".to_owned())
        }
        Order::Register(target) => {
            registration::register(&target, registration::PATIENCE)?;
            write_vault(vault).map_err(|error| format!("failed to write {VAULT}: {error}"))?;
            println!("bzero (stand-in): registered");
            Ok(())
        }
        Order::Serve if is_registered(vault) => Err(serve()),
        Order::Serve => Err(format!("not registered: {VAULT} is missing or empty")),
    }
}

fn is_registered(vault: &Path) -> bool {
    vault.metadata().is_ok_and(|metadata| metadata.len() > 0)
}

fn write_vault(vault: &Path) -> io::Result<()> {
    if let Some(dir) = vault.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    }
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(vault)?
        .write_all(b"{\"agent\":\"stand-in\"}\n")
}

/// Blocks until a signal; the real agent has no other end either, and always exits 1.
fn serve() -> String {
    let mut signals = match Signals::new([SIGTERM, SIGINT]) {
        Ok(signals) => signals,
        Err(error) => return format!("failed to listen for signals: {error}"),
    };
    println!("bzero (stand-in): serving");
    match signals.forever().next() {
        Some(signal) => format!("ended by signal {signal}"),
        None => "ended without a signal".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_written_vault_counts_as_registered_and_is_private() {
        let dir = std::env::temp_dir().join(format!("stand-in-{}", std::process::id()));
        let vault = dir.join("bzero/vault.json");
        assert!(!is_registered(&vault));
        write_vault(&vault).expect("the folder is writable");
        assert!(is_registered(&vault));
        let mode = fs::metadata(&vault)
            .expect("was written")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(&vault, "").expect("the folder is writable");
        assert!(!is_registered(&vault), "an empty vault holds no key");
        fs::remove_dir_all(&dir).expect("the folder is ours");
    }
}
