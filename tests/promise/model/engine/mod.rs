//! An Engine as a value: its state, and the effect of each request.
//!
//! Encodes the known behaviour of Docker's API, and of Podman's service for it. A create
//! and a removal take two steps, between which others can look: a name is taken before
//! its container is listed, and a container is being removed before it is gone. A list of
//! volumes takes two steps too, and shows only the volumes that are there at both.

mod container;
mod reply;
mod volume;

use std::time::Duration;

use serde_json::json;

pub use container::Container;
pub use volume::Volume;

use crate::digest::digest;
use crate::model::op::{Filter, Request};
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
    /// Takes a request one step further, or returns the answer that refuses it. `half` is
    /// left by its first step for the second, and `key` is the key of the object that it
    /// may create.
    pub fn step(
        &mut self,
        request: &Request,
        half: &mut Option<Key>,
        key: Key,
        now: Duration,
    ) -> Result<Step, Reply> {
        let begun = half.take();
        Ok(match (request, begun) {
            (
                Request::Create {
                    name,
                    labels,
                    has_check,
                },
                None,
            ) => {
                let labels = labels.clone();
                let mut made = Container::new(key, name, labels, State::Reserved, now);
                // Podman's list does not show it.
                made.has_check = *has_check && self.kind == Kind::Docker;
                let change = self.reserve(made)?;
                *half = Some(key);
                Step::begins(Some(change))
            }
            (Request::Create { .. }, Some(key)) => {
                let body = json!({"Id": key.container_id(), "Warnings": []});
                let change = self.turn(key, State::Created);
                Step::makes(change, Reply::new(201, body.to_string()))
            }
            (Request::Remove { id, force }, None) => match self.begin_removal(id, *force)? {
                Some(change) => {
                    *half = Some(change.key);
                    Step::begins(Some(change))
                }
                None => Step::says(Reply::new(204, "")),
            },
            (Request::Remove { .. }, Some(key)) => Step::makes(self.drop(key), Reply::new(204, "")),
            (Request::Archive { id, content }, _) => {
                let found = self.find(id)?;
                // A change of its files does not change its state.
                let change = self.turn(found.key, found.state);
                self.container(change.key).token = Some(content.as_str().into());
                Step::makes(change, Reply::new(200, ""))
            }
            (Request::Start(id), _) => self.start(id, now)?,
            (Request::List(filter), _) => Step::says(reply::list(self.matching(filter), now)),
            (Request::Inspect(id), _) => Step::says(reply::inspect(self.find(id)?, now)),
            (Request::Stats(id), _) => Step::says(reply::stats(self.find(id)?)),
            (Request::Image, _) if self.has_image => {
                Step::says(Reply::new(200, r#"{"Id":"sha256:0"}"#))
            }
            (Request::Image, _) => Step::says(Reply::says(404, "No such image: agent")),
            (Request::CreateVolume { name, deployment }, _) => {
                self.create_volume(name, deployment, now)
            }
            (Request::RemoveVolume(name), _) => self.remove_volume(name),
            (Request::Volumes(filter), None) => {
                self.begin_list(filter, key);
                *half = Some(key);
                Step::begins(None)
            }
            (Request::Volumes(_), Some(key)) => Step::says(self.finish_list(key)),
            _ => return Err(super::not_known_here()),
        })
    }

    /// Takes the name of a container that is not registered yet.
    fn reserve(&mut self, made: Container) -> Result<Change, Reply> {
        if !self.has_image {
            return Err(Reply::says(404, "No such image: agent:latest"));
        }
        if let Some(holder) = self.containers.iter().find(|held| held.name == made.name) {
            return Err(reply::name_taken(self.kind, &made.name, &holder.id));
        }
        let change = Change::made(made.key, State::Reserved);
        self.containers.push(made);
        Ok(change)
    }

    fn start(&mut self, id: &str, now: Duration) -> Result<Step, Reply> {
        let found = self.find(id)?;
        match found.state {
            State::Running => Err(Reply::new(304, "")),
            State::Removing | State::Dead => {
                let status = if self.kind == Kind::Podman { 500 } else { 409 };
                let message = "container is marked for removal and cannot be started";
                Err(Reply::says(status, message))
            }
            // An Engine runs an ended container once more.
            _ => {
                let change = self.turn(found.key, State::Running);
                self.container(change.key).started = Some(now);
                Ok(Step::makes(change, Reply::new(204, "")))
            }
        }
    }

    /// Begins a removal; `None` if another is under way and that is a success.
    fn begin_removal(&mut self, id: &str, force: bool) -> Result<Option<Change>, Reply> {
        let found = self.find(id)?;
        match (found.state, self.kind) {
            (State::Removing, Kind::Docker) => {
                let message = format!("removal of container {id} is already in progress");
                Err(Reply::says(409, &message))
            }
            (State::Removing, Kind::Podman) => Ok(None),
            (State::Running, kind) if !force => Err(reply::running(kind, id)),
            _ => Ok(Some(self.turn(found.key, State::Removing))),
        }
    }

    /// Drops a container: a removal ends, or somebody else prunes it.
    pub fn drop(&mut self, key: Key) -> Change {
        let from = Some(self.container(key).state);
        self.containers.retain(|container| container.key != key);
        Change {
            key,
            from,
            to: None,
            what: What::Else,
        }
    }

    fn container(&mut self, key: Key) -> &mut Container {
        let found = self.containers.iter_mut().find(|found| found.key == key);
        found.expect("a container is changed that is there")
    }

    /// Brings a container into another state.
    pub fn turn(&mut self, key: Key, to: State) -> Change {
        let container = self.container(key);
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
        self.container(key).finished = Some(now);
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
    fn find(&self, id: &str) -> Result<&Container, Reply> {
        let listed = |container: &&Container| container.state != State::Reserved;
        let mut listed = self.containers.iter().filter(listed);
        let found = listed.find(|container| *container.id == *id || *container.name == *id);
        found.ok_or_else(|| reply::absent(id))
    }

    pub fn get(&self, key: Key) -> Option<Target<'_>> {
        self.targets().find(|target| target.key == key)
    }

    pub fn targets(&self) -> impl Iterator<Item = Target<'_>> {
        self.containers.iter().map(Container::target)
    }

    /// A digest of all our containers.
    pub fn digest(&self) -> u64 {
        let ours = self.containers.iter();
        let ours = ours.filter(|container| !container.key.is_foreign());
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
                Filter::Name(name) => *container.name == **name,
                filter => filter.shows(&container.id, &container.name, &container.labels),
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
