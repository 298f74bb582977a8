//! What a request does to containers: the order of the calls, the clean-up, and
//! every decision between them.
//!
//! Knows nothing of the caller's HTTP; the Engine's is in [`crate::docker`].
//!
//! | module | decides |
//! |---|---|
//! | `start` | what a start does next, from what it sees of its container |
//! | `attempt` | what the container of one start is made of |
//! | `capacity` | whether there is room for one more target |
//! | `clean_up` | what becomes of the container of a failed start |
//! | `stop` | when a target is gone |
//! | `health` | whether the next start can work |
//! | `targets` | what the targets are |

pub mod attempt;
mod capacity;
mod clean_up;
mod health;
mod start;
mod stop;
mod targets;

pub use targets::Overview;

use crate::budget::Budget;
use crate::config::Config;
use crate::docker::ContainerId;
use crate::engine::Engine;
use crate::secret::Secret;

/// How often one part of a webhook makes a change that fails. Three failures in a
/// row are no accident, and the caller tries again too.
const FAULTS_MAX: u32 = 3;

/// What `/start` asks for.
#[derive(Debug)]
pub struct StartOrder {
    /// Where the agent registers.
    pub service_url: String,
    /// What the agent registers with, once.
    pub activation_token: Secret,
    /// Where in the organisation the target belongs.
    pub environment_id: String,
}

/// A target that runs.
#[derive(Debug)]
pub struct Started {
    /// Its container.
    pub id: ContainerId,
    /// What the Engine left out of the container's configuration.
    pub warnings: Vec<String>,
}

/// Carries out webhooks on one Engine for one deployment.
#[derive(Debug)]
pub struct Provisioner<'a, P> {
    /// Sleep and randomness.
    pub platform: &'a P,
    /// What the operator has set.
    pub config: &'a Config,
    /// The Engine, until the end of the work.
    pub engine: Engine<'a, P>,
    /// The end of the work, and of the clean-up.
    pub budget: Budget,
}
