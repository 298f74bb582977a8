//! The orchestrator, an Engine or a Swarm, as a value: its state, and the effect of each
//! request.
//!
//! Encodes the known behaviour of the APIs, and uses nothing of the crate under test.
//!
//! | module | knows |
//! |---|---|
//! | [`engine`] | an Engine and its containers |
//! | [`swarm`] | a Swarm and its services, tasks and secrets |
//! | [`target`] | targets as promises see them, on both |
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

/// The result of one step of a request; without a reply, another step follows.
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

/// The orchestrator, which carries out the calls.
#[derive(Debug, Clone)]
pub enum Orchestrator {
    Engine(Engine),
    Swarm(Swarm),
}

impl Orchestrator {
    /// Takes a request one step further. `half` is left by its first step for the second,
    /// and `key` is the key of the target that it may create.
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

    /// All targets, ours and others'.
    pub fn targets(&self) -> Vec<Target<'_>> {
        match self {
            Self::Engine(engine) => engine.targets().collect(),
            Self::Swarm(swarm) => swarm.targets().collect(),
        }
    }

    /// One of them, or one that is gone, if that is known.
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

    /// Ends the process of a target.
    pub fn end(&mut self, key: Key, now: Duration) -> Change {
        match self {
            Self::Engine(engine) => engine.end(key, now),
            Self::Swarm(swarm) => swarm.end(key, now),
        }
    }

    /// A digest of everything that is ours. Whether a change vouches for a target of a
    /// Swarm.
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
