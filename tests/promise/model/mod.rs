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
//! | `op`, `reply` | requests and answers |

pub mod engine;
mod op;
mod reply;
pub mod swarm;
mod target;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

pub use engine::{Engine, Kind};
pub use op::{Op, Request, short};
pub use reply::Reply;
pub use swarm::Swarm;
pub use target::{Change, Key, State, Target, What};

pub type Labels = BTreeMap<String, String>;

/// The result of one step of a request; without a reply, another step follows.
#[derive(Debug)]
pub struct Step {
    pub change: Option<Change>,
    pub reply: Option<Reply>,
}

impl Step {
    fn says(reply: Reply) -> Self {
        let (change, reply) = (None, Some(reply));
        Self { change, reply }
    }

    /// Without an answer yet.
    fn begins(change: Option<Change>) -> Self {
        let reply = None;
        Self { change, reply }
    }

    fn makes(change: Change, reply: Reply) -> Self {
        let (change, reply) = (Some(change), Some(reply));
        Self { change, reply }
    }
}

/// The answer to a request for the other kind of orchestrator.
fn not_known_here() -> Reply {
    let message = "This node is not a swarm manager, or none for containers.";
    Reply::says(503, message)
}

/// The networks with this name: one that always exists, and another whose name the filter
/// matches too.
fn networks(name: &str) -> Reply {
    let body = json!([{"Name": format!("{name}-node")}, {"Name": name}]);
    Reply::new(200, body.to_string())
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
        let step = match (self, &op.request) {
            (_, Request::Network(name)) => Ok(Step::says(networks(name))),
            (Self::Engine(engine), request) => engine.step(request, half, key, now),
            (Self::Swarm(swarm), request) => swarm.step(request, key, now),
        };
        let step = step.unwrap_or_else(Step::says);
        let reply = step.reply.map(|reply| reply.at(now));
        Step { reply, ..step }
    }

    /// All targets, ours and others'.
    pub fn targets(&self) -> Vec<Target<'_>> {
        match self {
            Self::Engine(engine) => engine.targets().collect(),
            Self::Swarm(swarm) => swarm.targets().collect(),
        }
    }

    /// All targets of ours.
    pub fn ours(&self) -> impl Iterator<Item = Target<'_>> {
        let all = self.targets().into_iter();
        all.filter(|target| !target.key.is_foreign())
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

    /// The Engine of an event that only an Engine has.
    pub fn engine(&mut self) -> &mut Engine {
        match self {
            Self::Engine(engine) => engine,
            Self::Swarm(_) => unreachable!("a Swarm has no such event"),
        }
    }

    /// The Swarm of an event that only a Swarm has.
    pub fn swarm(&mut self) -> &mut Swarm {
        match self {
            Self::Swarm(swarm) => swarm,
            Self::Engine(_) => unreachable!("an Engine has no such event"),
        }
    }

    /// Ends the process of a target.
    pub fn end(&mut self, key: Key, now: Duration) -> Change {
        match self {
            Self::Engine(engine) => engine.end(key, now),
            Self::Swarm(swarm) => swarm.end(key, now),
        }
    }

    /// Whether a change vouches for a target of a Swarm.
    pub fn is_vouch(&self, change: Change) -> bool {
        match self {
            Self::Engine(_) => false,
            Self::Swarm(swarm) => swarm.is_vouch(change),
        }
    }

    /// A digest of everything that is ours.
    pub fn digest(&self) -> u64 {
        match self {
            Self::Engine(engine) => engine.digest(),
            Self::Swarm(swarm) => swarm.digest(),
        }
    }
}
