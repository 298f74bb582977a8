//! The orchestrator, an Engine or a Swarm, as a value: its state, and the effect of each
//! request.
//!
//! Encodes the known behaviour of the APIs, and uses nothing of the crate under test.
//!
//! | module | knows |
//! |---|---|
//! | [`engine`] | an Engine, its containers and volumes |
//! | [`swarm`] | a Swarm and its services, tasks and secrets |
//! | [`target`] | targets as promises see them, on both |
//! | [`op`], [`reply`] | requests and answers |

pub mod engine;
pub mod op;
mod reply;
pub mod swarm;
mod target;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

pub use engine::{Engine, Kind};
pub use op::{Op, short};
pub use reply::Reply;
pub use swarm::Swarm;
pub use target::{Change, Key, State, Target, What};

pub type Labels = BTreeMap<String, String>;

/// The result of one step of a request; without a reply, another step follows.
pub type Step = (Option<Change>, Option<Reply>);

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
        let step = match self {
            // One that always exists, and another whose name the filter matches too.
            _ if op.route == "GET /networks?filters" => {
                let op::Filter::Name(name) = op.filter() else {
                    panic!("the model does not know networks by other filters: {op}");
                };
                let both = json!([{"Name": format!("{name}-node")}, {"Name": name}]);
                Ok((None, Some(Reply::new(200, both))))
            }
            Self::Engine(engine) => engine.step(op, half, key, now),
            Self::Swarm(swarm) => swarm.step(op, key, now),
        };
        let (change, reply) = step.unwrap_or_else(|refusal| (None, Some(refusal)));
        (change, reply.map(|reply| reply.at(now)))
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
            Self::Engine(engine) => engine.targets().find(|target| target.key == key),
            Self::Swarm(swarm) => swarm.service(key).map(swarm::Service::target),
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

    /// The Swarm, if it is one.
    pub fn as_swarm(&self) -> Option<&Swarm> {
        match self {
            Self::Engine(_) => None,
            Self::Swarm(swarm) => Some(swarm),
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

    /// A digest of everything that is ours.
    pub fn digest(&self) -> u64 {
        match self {
            Self::Engine(engine) => engine.digest(),
            Self::Swarm(swarm) => swarm.digest(),
        }
    }
}
