//! The work of a request on containers: the order of the calls, the clean-up, and every
//! decision between them.
//!
//! Does not know the caller's HTTP; the Engine's is in [`crate::docker`].
//!
//! | module | decides |
//! |---|---|
//! | `start` | the next step of a start, from the state of its container |
//! | `order` | what a start asks for, and when two starts ask for the same |
//! | `attempt` | the body of the container of one start |
//! | `create` | which orders are refused before there is a container |
//! | `capacity` | whether there is room for one more target |
//! | `clean_up` | whether the container of a failed start is removed |
//! | `stop` | when a target is gone |
//! | `health` | whether the next start can work |
//! | `renew` | how long a target may run on |
//! | `targets` | which targets are shown |
//! | `wait` | how often and how long to look at a target |
//! | `readings` | the values for a scrape of metrics |

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

/// How often one part of a webhook repeats a change that fails. Three failures in a row
/// are no accident, and the caller retries too.
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
