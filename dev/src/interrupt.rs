//! Whether somebody asked us to end: Ctrl-C, SIGTERM, a closed terminal.
//!
//! The signals only set a flag. Every wait checks it and returns [`Interrupted`], so the clean-up
//! is the same as after any other error.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use anyhow::{Context, Result, ensure};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

static REQUESTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// The error of a wait that a signal cut short.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// Lets the signals set the flag; a second signal does not cut the clean-up short.
pub fn listen() -> Result<()> {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&REQUESTED))
            .context("failed to listen for signals")?;
    }
    Ok(())
}

/// Whether a signal has arrived.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}

/// Fails once a signal has arrived.
pub fn check() -> Result<()> {
    ensure!(!requested(), Interrupted);
    Ok(())
}
