//! The work of a request on containers: the order of the calls, the clean-up, and every
//! decision between them.
//!
//! Does not know the caller's HTTP; the Engine's is in [`crate::docker`]. Each file decides
//! one thing, which its first line names.

mod capacity;
mod clean_up;
mod create;
mod health;
mod readings;
mod renew;
mod start;
mod stop;
mod targets;
mod wait;

pub use readings::Readings;
pub use targets::Overview;

use crate::backend::Backend;
use crate::budget::Budget;
use crate::config::Config;
use crate::docker::target::Target;

/// How often one part of a webhook tries a change that fails. Three failures in a row are
/// no accident, and the caller retries too.
const FAULTS_MAX: u32 = 3;

/// A target that runs.
#[derive(Debug)]
pub struct Started {
    /// Its container.
    pub container: Target,
    /// Whether this order started it; otherwise it already ran.
    pub is_new: bool,
    /// The Engine's warnings about options that it left out.
    pub warnings: Vec<String>,
}

/// Carries out webhooks for one deployment.
#[derive(Debug)]
pub struct Provisioner<'a, P> {
    /// Sleep and randomness.
    pub platform: &'a P,
    /// The operator's settings.
    pub config: &'a Config,
    /// The backend, until the end of the work.
    pub backend: Backend<'a, P>,
    /// The end of the work, and of the clean-up.
    pub budget: Budget,
}
