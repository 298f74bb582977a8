//! What a request does to containers: the order of the calls, the clean-up, and
//! every decision between them.
//!
//! Knows nothing of the caller's HTTP; the Engine's is in [`crate::docker`].
//!
//! | module | decides |
//! |---|---|
//! | `start` | what a start does next, from what it sees of its container |
//! | `order` | what a start asks for, and when two ask for the same |
//! | `attempt` | what the container of one start is made of |
//! | `create` | what is refused before there is a container |
//! | `capacity` | whether there is room for one more target |
//! | `clean_up` | what becomes of the container of a failed start |
//! | `stop` | when a target is gone |
//! | `health` | whether the next start can work |
//! | `renew` | how long a target may run on |
//! | `targets` | what the targets are |
//! | `wait` | how long a target is watched, and how often |
//! | `readings` | what a scrape of metrics needs to know |

pub mod attempt;
mod capacity;
mod clean_up;
mod create;
mod health;
mod order;
mod readings;
mod renew;
mod start;
mod stop;
mod targets;
mod wait;

pub use order::StartOrder;
pub use readings::Readings;
pub use targets::Overview;

use crate::backend::Backend;
use crate::budget::Budget;
use crate::config::Config;
use crate::docker::target::Target;

/// How often one part of a webhook makes a change that fails. Three failures in a
/// row are no accident, and the caller tries again too.
const FAULTS_MAX: u32 = 3;

/// A target that runs.
#[derive(Debug)]
pub struct Started {
    /// Its container.
    pub container: Target,
    /// Whether this order has started it; otherwise it ran already.
    pub is_new: bool,
    /// What the Engine left out of the container's configuration.
    pub warnings: Vec<String>,
}

/// Carries out webhooks for one deployment.
#[derive(Debug)]
pub struct Provisioner<'a, P> {
    /// Sleep and randomness.
    pub platform: &'a P,
    /// What the operator has set.
    pub config: &'a Config,
    /// What carries out decisions, until the end of the work.
    pub backend: Backend<'a, P>,
    /// The end of the work, and of the clean-up.
    pub budget: Budget,
}
