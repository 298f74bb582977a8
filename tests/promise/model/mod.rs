//! What carries out the calls, as a value: what it holds, and what a request
//! does to it.
//!
//! Encodes what is known of the APIs, and knows nothing of the crate that is
//! tried against it.
//!
//! | module | knows |
//! |---|---|
//! | [`engine`] | what an Engine does with containers |
//! | [`swarm`] | what a Swarm does with services, their tasks and secrets |
//! | [`target`] | what promises are about, on both |
//! | `op`, `reply`, `date` | requests and answers |

mod date;
pub mod engine;
mod op;
mod reply;
pub mod swarm;
mod target;

use std::time::Duration;

pub use engine::{Engine, Kind};
pub use op::{Op, short};
pub use reply::Reply;
pub use swarm::Swarm;
pub use target::{Change, Key, State, Target, What};

/// What one step of a request brought: without a reply, there is another.
#[derive(Debug)]
pub struct Step {
    pub change: Option<Change>,
    pub reply: Option<Reply>,
}

impl Step {
    fn says(reply: Reply) -> Self {
        Self {
            change: None,
            reply: Some(reply),
        }
    }
}

/// What carries out the calls.
#[derive(Debug, Clone)]
pub enum Orchestrator {
    Engine(Engine),
    Swarm(Swarm),
}

impl Orchestrator {
    /// Takes a request one step on. `half` is what its first step has left for the
    /// second, and `key` the key of what it may create.
    pub fn step(&mut self, op: &Op, half: &mut Option<Key>, key: Key, now: Duration) -> Step {
        match (self, op) {
            (Self::Engine(engine), Op::Engine(op)) => engine.step(op, half, key, now),
            (Self::Swarm(swarm), Op::Swarm(op)) => swarm.step(op, key, now),
            (Self::Swarm(_), Op::Engine(engine::Op::Network(name))) => {
                Step::says(engine::network(name, now))
            }
            (Self::Engine(_) | Self::Swarm(_), _) => {
                let message = "This node is not a swarm manager, or none for containers.";
                Step::says(Reply::says(503, message, now))
            }
        }
    }

    /// All that is there, ours and others'.
    pub fn targets(&self) -> Vec<Target<'_>> {
        match self {
            Self::Engine(engine) => engine.targets().collect(),
            Self::Swarm(swarm) => swarm.targets().collect(),
        }
    }

    /// One of them, or one that is gone where that is known.
    pub fn get(&self, key: Key) -> Option<Target<'_>> {
        match self {
            Self::Engine(engine) => engine.get(key),
            Self::Swarm(swarm) => swarm.get(key),
        }
    }

    /// The id that the target of a key has, or would have.
    pub fn id_of(&self, key: Key) -> String {
        match self {
            Self::Engine(_) => key.container_id(),
            Self::Swarm(_) => key.swarm_id(),
        }
    }

    /// The age up to which a target was renewed; zero if it was not.
    pub fn renewed(&self, key: Key) -> Duration {
        match self {
            Self::Engine(engine) => engine.renewed(key),
            Self::Swarm(swarm) => swarm.renewed(key),
        }
    }

    /// Ends what runs in a target.
    pub fn end(&mut self, key: Key, now: Duration) -> Change {
        match self {
            Self::Engine(engine) => engine.end(key, now),
            Self::Swarm(swarm) => swarm.end(key, now),
        }
    }

    /// What stands for all that is ours in it.
    /// Whether a change says that somebody was told of a target of a Swarm.
    pub fn is_vouch(&self, change: Change) -> bool {
        match self {
            Self::Engine(_) => false,
            Self::Swarm(swarm) => swarm.is_vouch(change),
        }
    }

    pub fn digest(&self, is_foreign: impl Fn(Key) -> bool) -> u64 {
        match self {
            Self::Engine(engine) => engine.digest(is_foreign),
            Self::Swarm(swarm) => swarm.digest(is_foreign),
        }
    }
}
