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

/// An event that no request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// A target ends by itself.
    End(Key),
    /// Somebody removes a created container.
    Prune(Key),
    /// The Engine is killed and started again.
    Restart,
    /// A task of a Swarm goes one step further.
    Move(Key, swarm::Move),
    /// A node of the Swarm is lost.
    Loss,
    /// It is back.
    Return,
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

    /// The Swarm, if it is one.
    pub fn as_swarm(&self) -> Option<&Swarm> {
        match self {
            Self::Engine(_) => None,
            Self::Swarm(swarm) => Some(swarm),
        }
    }

    /// Lets something happen that no request asks for.
    pub fn happen(&mut self, event: Happening, now: Duration) -> Vec<Change> {
        match (self, event) {
            (Self::Engine(engine), Happening::End(key)) => vec![engine.end(key, now)],
            (Self::Engine(engine), Happening::Prune(key)) => vec![engine.drop(key)],
            (Self::Engine(engine), Happening::Restart) => engine.restart(now),
            (Self::Swarm(swarm), Happening::End(key)) => vec![swarm.end(key, now)],
            (Self::Swarm(swarm), Happening::Move(key, next)) => vec![swarm.make(key, next, now)],
            (Self::Swarm(swarm), Happening::Loss) => swarm.lose(),
            (Self::Swarm(swarm), Happening::Return) => swarm.find_again(),
            _ => unreachable!("{event:?} happens elsewhere"),
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
