//! What a request does to containers: the order of the calls, the clean-up, and
//! every decision between them.
//!
//! Knows nothing of the caller's HTTP; the Engine's is in [`crate::docker`].
//!
//! | module | decides |
//! |---|---|
//! | `start` | what a start does next, from what it sees of its container |
//! | `attempt` | what the container of one start is made of |
//! | `create` | what is refused before there is a container |
//! | `capacity` | whether there is room for one more target |
//! | `clean_up` | what becomes of the container of a failed start |
//! | `stop` | when a target is gone |
//! | `health` | whether the next start can work |
//! | `targets` | what the targets are |
//! | `readings` | what a scrape of metrics needs to know |

pub mod attempt;
mod capacity;
mod clean_up;
mod create;
mod health;
mod readings;
mod start;
mod stop;
mod targets;

use std::time::Duration;

pub use readings::Readings;
pub use targets::Overview;

use crate::backend::Backend;
use crate::budget::Budget;
use crate::config::Config;
use crate::docker::archive::{self, SecretFile};
use crate::docker::target::Target;
use crate::key::Key;
use crate::secret::Secret;

/// How often one part of a webhook makes a change that fails. Three failures in a
/// row are no accident, and the caller tries again too.
const FAULTS_MAX: u32 = 3;

/// What a start asks for.
#[derive(Debug, Clone)]
pub struct StartOrder {
    /// What makes repeated orders one.
    pub key: Key,
    /// Where the agent registers, if it does.
    pub service_url: Option<String>,
    /// Where the target belongs.
    pub environment_id: String,
    /// What the target gets and nobody else may read.
    pub secrets: Vec<SecretFile>,
    /// The age at which the target is removed, if it is to be less than that of its
    /// environment.
    pub lifetime: Option<Duration>,
}

impl StartOrder {
    /// The order of `/start`: its token is both the key and the one secret.
    pub fn of_webhook(service_url: String, token: Secret, environment_id: String) -> Self {
        Self {
            key: Key::ActivationToken(token.clone()),
            service_url: Some(service_url),
            environment_id,
            secrets: vec![SecretFile {
                name: archive::ACTIVATION_TOKEN.to_owned(),
                content: token,
            }],
            lifetime: None,
        }
    }

    /// The activation token, if the target gets one.
    pub fn activation_token(&self) -> Option<&Secret> {
        let mut secrets = self.secrets.iter();
        let found = secrets.find(|secret| secret.name == archive::ACTIVATION_TOKEN);
        found.map(|secret| &secret.content)
    }

    /// What no log line may show.
    pub fn all_secrets(&self) -> impl Iterator<Item = &Secret> {
        let (Key::ActivationToken(key) | Key::IdempotencyKey(key)) = &self.key;
        let contents = self.secrets.iter().map(|secret| &secret.content);
        contents.chain([key])
    }
}

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
