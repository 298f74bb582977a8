//! An Engine as a value: its state, and the effect of each request.
//!
//! Encodes the known behaviour of Docker's API, and of Podman's service for it. A create
//! and a removal take two steps, between which others can look: a name is taken before
//! its container is listed, and a container is being removed before it is gone. A list of
//! volumes takes two steps too, and shows only the volumes that are there at both.

mod container;
mod reply;
mod request;
mod volume;

use std::time::Duration;

pub use container::Container;
pub use request::Op;
pub use volume::Volume;

use crate::digest::digest;
use crate::model::op::Filter;
use crate::model::{Change, Key, Reply, State, Step, Target, What};

/// Whose behaviour the model has where the two differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Docker,
    Podman,
}

/// An Engine and its state.
#[derive(Debug, Clone)]
pub struct Engine {
    pub kind: Kind,
    pub has_image: bool,
    pub containers: Vec<Container>,
    pub volumes: Vec<Volume>,
    /// The lists of volumes that have begun, each with the volumes at that moment.
    pub lists: Vec<(Key, Vec<Volume>)>,
}

impl Engine {
    /// Takes a request one step further. `half` is left by its first step for the second,
    /// and `key` is the key of the object that it may create.
    pub fn step(&mut self, op: &Op, half: &mut Option<Key>, key: Key, now: Duration) -> Step {
        match op {
            Op::Create {
                name,
                labels,
                has_check,
                ..
            } => match half.take() {
                None => {
                    let labels = labels.clone();
                    let mut made = Container::new(key, name, labels, State::Reserved, now);
                    // Podman's list does not show it.
                    made.has_check = *has_check && self.kind == Kind::Docker;
                    self.reserve(made, half, now)
                }
                Some(key) => self.register(key, now),
            },
            Op::Remove { id, force } => match half.take() {
                None => self.begin_removal(id, *force, half, now),
                Some(key) => self.finish_removal(key, now),
            },
            Op::Archive { id, content } => self.write(id, content, now),
            Op::Start(id) => self.start(id, now),
            Op::List(filter) => Step::says(reply::list(self.matching(filter), now)),
            Op::Inspect(id) => Step::says(match self.find(id) {
                Some(container) => reply::inspect(container, now),
                None => reply::absent(id, now),
            }),
            Op::Stats(id) => Step::says(match self.find(id) {
                Some(container) => reply::stats(container, now),
                None => reply::absent(id, now),
            }),
            Op::Image(_) if self.has_image => {
                Step::says(Reply::new(200, r#"{"Id":"sha256:0"}"#, now))
            }
            Op::Image(_) => Step::says(Reply::says(404, "No such image: agent", now)),
            Op::Network(name) => Step::says(network(name, now)),
            Op::CreateVolume { name, deployment } => self.create_volume(name, deployment, now),
            Op::Volumes(filter) => match half.take() {
                None => self.begin_list(filter, half, key),
                Some(key) => self.finish_list(key, now),
            },
            Op::RemoveVolume(name) => self.remove_volume(name, now),
        }
    }

    fn reserve(&mut self, made: Container, half: &mut Option<Key>, now: Duration) -> Step {
        if !self.has_image {
            return Step::says(Reply::says(404, "No such image: agent:latest", now));
        }
        let (key, name) = (made.key, &made.name);
        if let Some(holder) = self.containers.iter().find(|held| held.name == *name) {
            return Step::says(reply::name_taken(self.kind, name, &holder.id, now));
        }
        self.containers.push(made);
        *half = Some(key);
        Step {
            change: Some(Change {
                key,
                from: None,
                to: Some(State::Reserved),
                what: What::Made,
            }),
            reply: None,
        }
    }

    fn register(&mut self, key: Key, now: Duration) -> Step {
        let body = serde_json::json!({"Id": key.container_id(), "Warnings": []});
        Step {
            change: Some(self.turn(key, State::Created)),
            reply: Some(Reply::new(201, body.to_string(), now)),
        }
    }

    fn write(&mut self, id: &str, content: &str, now: Duration) -> Step {
        let Some(found) = self.find(id) else {
            return Step::says(reply::absent(id, now));
        };
        let key = found.key;
        // A change of its files does not change its state.
        let change = self.turn(key, found.state);
        let container = self.containers.iter_mut().find(|found| found.key == key);
        container.expect("it was found").token = Some(content.into());
        Step {
            change: Some(change),
            reply: Some(Reply::new(200, "", now)),
        }
    }

    fn start(&mut self, id: &str, now: Duration) -> Step {
        let Some(found) = self.find(id) else {
            return Step::says(reply::absent(id, now));
        };
        match found.state {
            State::Running => Step::says(Reply::new(304, "", now)),
            State::Removing | State::Dead => {
                let status = if self.kind == Kind::Podman { 500 } else { 409 };
                let message = "container is marked for removal and cannot be started";
                Step::says(Reply::says(status, message, now))
            }
            // An Engine runs an ended container once more.
            _ => {
                let key = found.key;
                let change = self.turn(key, State::Running);
                let container = self.containers.iter_mut().find(|found| found.key == key);
                container.expect("it was found").started = Some(now);
                Step {
                    change: Some(change),
                    reply: Some(Reply::new(204, "", now)),
                }
            }
        }
    }

    fn begin_removal(
        &mut self,
        id: &str,
        force: bool,
        half: &mut Option<Key>,
        now: Duration,
    ) -> Step {
        let Some(found) = self.find(id) else {
            return Step::says(reply::absent(id, now));
        };
        match (found.state, self.kind) {
            (State::Removing, Kind::Docker) => {
                let message = format!("removal of container {id} is already in progress");
                Step::says(Reply::says(409, &message, now))
            }
            (State::Removing, Kind::Podman) => Step::says(Reply::new(204, "", now)),
            (State::Running, kind) if !force => Step::says(reply::running(kind, id, now)),
            _ => {
                let key = found.key;
                *half = Some(key);
                Step {
                    change: Some(self.turn(key, State::Removing)),
                    reply: None,
                }
            }
        }
    }

    fn finish_removal(&mut self, key: Key, now: Duration) -> Step {
        self.containers.retain(|container| container.key != key);
        Step {
            change: Some(Change {
                key,
                from: Some(State::Removing),
                to: None,
                what: What::Else,
            }),
            reply: Some(Reply::new(204, "", now)),
        }
    }

    /// Removes a created container, like a prune by somebody else.
    pub fn prune(&mut self, key: Key) -> Change {
        self.containers.retain(|container| container.key != key);
        Change {
            key,
            from: Some(State::Created),
            to: None,
            what: What::Else,
        }
    }

    /// Brings a container into another state.
    pub fn turn(&mut self, key: Key, to: State) -> Change {
        let container = self.containers.iter_mut().find(|found| found.key == key);
        let container = container.expect("a state is changed of a container that is there");
        let from = Some(container.state);
        container.state = to;
        Change {
            key,
            from,
            to: Some(to),
            what: what(from, to),
        }
    }

    /// Ends the process of a container.
    pub fn end(&mut self, key: Key, now: Duration) -> Change {
        let change = self.turn(key, State::Exited);
        let container = self.containers.iter_mut().find(|found| found.key == key);
        container.expect("its state was changed").finished = Some(now);
        change
    }

    /// Ends a removal half-way: the rest of the container never runs again.
    pub fn fail_halfway(&mut self, key: Key, now: Duration) -> Change {
        let change = self.end(key, now);
        self.turn(key, State::Dead);
        Change {
            to: Some(State::Dead),
            ..change
        }
    }

    /// Kills the Engine and starts it again: running containers end, and everything in
    /// its memory is lost.
    pub fn restart(&mut self, now: Duration) -> Vec<Change> {
        self.lists.clear();
        self.containers
            .retain(|container| container.state != State::Reserved);
        let cut_off =
            |container: &&Container| matches!(container.state, State::Running | State::Removing);
        let keys: Vec<Key> = self
            .containers
            .iter()
            .filter(cut_off)
            .map(|container| container.key)
            .collect();
        keys.into_iter().map(|key| self.end(key, now)).collect()
    }

    /// The container with this full id or name, once it is registered.
    pub fn find(&self, id: &str) -> Option<&Container> {
        self.containers
            .iter()
            .filter(|container| container.state != State::Reserved)
            .find(|container| *container.id == *id || *container.name == *id)
    }

    pub fn get(&self, key: Key) -> Option<Target<'_>> {
        self.targets().find(|target| target.key == key)
    }

    pub fn targets(&self) -> impl Iterator<Item = Target<'_>> {
        self.containers.iter().map(Container::target)
    }

    /// A digest of all our containers.
    pub fn digest(&self, is_foreign: impl Fn(Key) -> bool) -> u64 {
        let ours = self.containers.iter();
        let ours = ours.filter(|container| !is_foreign(container.key));
        // A sum, because the order of independent parts makes no difference.
        let digests = ours.map(|found| {
            digest((
                found.key,
                found.state,
                found.created,
                found.started,
                found.finished,
                &found.token,
            ))
        });
        let volumes = self.volumes.iter();
        let volumes = volumes.map(digest);
        let lists = self.lists.iter().map(digest);
        let digests = digests.chain(volumes).chain(lists);
        digests.fold(0, u64::wrapping_add)
    }

    fn matching(&self, filter: &Filter) -> Vec<&Container> {
        self.containers
            .iter()
            .filter(|container| container.state != State::Reserved)
            .filter(|container| match filter {
                Filter::Id(prefix) => container.id.starts_with(prefix.as_str()),
                Filter::Name(name) => *container.name == **name,
                Filter::Labels(asked) => Filter::meets(asked, &container.labels),
                // Nobody asks an Engine for a part.
                Filter::Part(..) => false,
            })
            .collect()
    }
}

/// The kind of a container's change of state.
fn what(from: Option<State>, to: State) -> What {
    match to {
        _ if from == Some(to) => What::Else,
        State::Running => What::Runs,
        State::Exited | State::Dead => What::Ends,
        State::Removing => What::Withdrawn,
        _ => What::Else,
    }
}

/// A network, which always exists, and another whose name the filter matches too.
pub fn network(name: &str, now: Duration) -> Reply {
    let body = serde_json::json!([{"Name": format!("{name}-node")}, {"Name": name}]);
    Reply::new(200, body.to_string(), now)
}
