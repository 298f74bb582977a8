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

use super::op::{self, Filter, Op};
use super::{Change, Key, Reply, State, Step, Target, What};
use crate::digest::digest;

/// Whose behaviour the model has where the two differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Docker,
    Podman,
}

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
        op: &Op,
        half: &mut Option<Key>,
        key: Key,
        now: Duration,
    ) -> Result<Step, Reply> {
        let reply = match (&*op.route, half.take()) {
            (op::CREATE, None) => {
                let mut made =
                    Container::new(key, &op.name, op.labels.clone(), State::Reserved, now);
                // Podman's list does not show it.
                made.has_check = op.has_check && self.kind == Kind::Docker;
                let change = self.reserve(made)?;
                *half = Some(key);
                return Ok((Some(change), None));
            }
            (op::CREATE, Some(key)) => {
                let body = json!({"Id": key.container_id(), "Warnings": []});
                let change = self.turn(key, State::Created);
                return Ok((Some(change), Some(Reply::new(201, body))));
            }
            (op::REMOVE | op::REMOVE_BY_FORCE, None) => {
                let change = self.begin_removal(&op.id, op.route == op::REMOVE_BY_FORCE)?;
                *half = Some(change.key);
                return Ok((Some(change), None));
            }
            (op::REMOVE | op::REMOVE_BY_FORCE, Some(key)) => {
                return Ok((Some(self.drop(key)), Some(Reply::new(204, ""))));
            }
            (op::ARCHIVE, _) => {
                let found = self.find(&op.id)?;
                // A change of its files does not change its state.
                let change = self.turn(found.key, found.state);
                self.container(change.key).token = op.content.as_deref().map(Into::into);
                return Ok((Some(change), Some(Reply::new(200, ""))));
            }
            (op::START, _) => {
                let change = self.start(&op.id, now)?;
                return Ok((Some(change), Some(Reply::new(204, ""))));
            }
            (op::LIST, _) => reply::list(self.matching(op.filter()), now),
            ("GET /containers/*/json", _) => reply::inspect(self.find(&op.id)?, now),
            ("GET /containers/*/stats?one-shot=true&stream=false", _) => {
                let runs = self.find(&op.id)?.state == State::Running;
                Reply::new(
                    200,
                    json!({"pids_stats": {"current": if runs { 3 } else { 0 }}}),
                )
            }
            ("GET /images/*/json", _) if self.has_image => Reply::new(200, r#"{"Id":"sha256:0"}"#),
            ("GET /images/*/json", _) => Reply::says(404, "No such image: agent"),
            (op::CREATE_VOLUME, _) => return Ok(self.create_volume(op, now)),
            ("DELETE /volumes/*", _) => return Ok(self.remove_volume(&op.id)),
            ("GET /volumes?filters", None) => {
                self.begin_list(op.filter(), key);
                *half = Some(key);
                return Ok((None, None));
            }
            ("GET /volumes?filters", Some(key)) => self.finish_list(key),
            _ => panic!("the model of an Engine does not know {op}"),
        };
        Ok((None, Some(reply)))
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

    fn start(&mut self, id: &str, now: Duration) -> Result<Change, Reply> {
        let found = self.find(id)?;
        match found.state {
            State::Running => Err(Reply::new(304, "")),
            State::Removing | State::Dead => Err(reply::marked(self.kind)),
            // An Engine runs an ended container once more.
            _ => {
                let change = self.turn(found.key, State::Running);
                self.container(change.key).started = Some(now);
                Ok(change)
            }
        }
    }

    /// Begins a removal.
    fn begin_removal(&mut self, id: &str, force: bool) -> Result<Change, Reply> {
        let found = self.find(id)?;
        match (found.state, self.kind) {
            (State::Removing, Kind::Docker) => {
                let message = format!("removal of container {id} is already in progress");
                Err(Reply::says(409, message))
            }
            // A success, although another is under way.
            (State::Removing, Kind::Podman) => Err(Reply::new(204, "")),
            (State::Running, kind) if !force => Err(reply::running(kind, id)),
            _ => Ok(self.turn(found.key, State::Removing)),
        }
    }

    /// Drops a container: a removal ends, or somebody else prunes it.
    pub fn drop(&mut self, key: Key) -> Change {
        let from = Some(self.container(key).state);
        self.containers.retain(|container| container.key != key);
        Change::new(key, from, None, What::Else)
    }

    fn container(&mut self, key: Key) -> &mut Container {
        let found = self.containers.iter_mut().find(|found| found.key == key);
        found.expect("a container is changed that is there")
    }

    /// Brings a container into another state.
    pub fn turn(&mut self, key: Key, to: State) -> Change {
        let container = self.container(key);
        let from = Some(std::mem::replace(&mut container.state, to));
        let what = match to {
            _ if from == Some(to) => What::Else,
            State::Running => What::Runs,
            State::Exited | State::Dead => What::Ends,
            State::Removing => What::Withdrawn,
            _ => What::Else,
        };
        Change::new(key, from, Some(to), what)
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
        let to = self.turn(key, State::Dead).to;
        Change { to, ..change }
    }

    /// Kills the Engine and starts it again: running containers end, and everything in
    /// its memory is lost.
    pub fn restart(&mut self, now: Duration) -> Vec<Change> {
        self.lists.clear();
        self.containers.retain(|held| held.state != State::Reserved);
        let held = self.containers.iter();
        let cut_off = held.filter(|held| matches!(held.state, State::Running | State::Removing));
        let keys: Vec<Key> = cut_off.map(|container| container.key).collect();
        keys.into_iter().map(|key| self.end(key, now)).collect()
    }

    /// The containers that are registered.
    fn listed(&self) -> impl Iterator<Item = &Container> {
        let held = self.containers.iter();
        held.filter(|container| container.state != State::Reserved)
    }

    /// The container with this full id or name.
    fn find(&self, id: &str) -> Result<&Container, Reply> {
        let mut listed = self.listed();
        let found = listed.find(|container| *container.id == *id || *container.name == *id);
        found.ok_or_else(|| Reply::says(404, format!("No such container: {id}")))
    }

    pub fn targets(&self) -> impl Iterator<Item = Target<'_>> {
        self.containers.iter().map(Container::target)
    }

    /// A digest of all our containers.
    pub fn digest(&self) -> u64 {
        let ours = self.containers.iter();
        let ours = ours.filter(|container| !container.key.is_foreign());
        let digests = ours.map(|found| {
            let times = (found.created, found.started, found.finished);
            digest((found.key, found.state, times, &found.token))
        });
        let volumes = self.volumes.iter().map(digest);
        let lists = self.lists.iter().map(digest);
        // A sum, because the order of independent parts makes no difference.
        let digests = digests.chain(volumes).chain(lists);
        digests.fold(0, u64::wrapping_add)
    }

    fn matching(&self, filter: &Filter) -> Vec<&Container> {
        let is_meant = |found: &&Container| match filter {
            Filter::Name(name) => *found.name == **name,
            filter => filter.shows(&found.id, &found.name, &found.labels),
        };
        self.listed().filter(is_meant).collect()
    }
}
