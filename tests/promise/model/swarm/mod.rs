//! A Swarm as a value: the state of its managers, and the effect of each request.
//!
//! Encodes the behaviour of real ones (`host/tests/swarm/`). A request takes one step:
//! Raft puts all writes in one order, and each look reads one state. The effects of a
//! write come later, in steps of their own ([`Move`]): a task is made, gets a node, runs,
//! and is taken from its node.
//!
//! There is one manager here. A write is the same through any of them; a manager that has
//! lost the others does not answer, which the fates of calls cover.

mod moves;
mod reply;
mod service;
mod spec;

use std::rc::Rc;
use std::time::Duration;

pub use moves::Move;
pub use service::{Service, TaskState};
pub use spec::Spec;

use crate::digest::digest;
use crate::model::op::{self, Op};
use crate::model::{Change, Key, Labels, Reply, State, Step, Target, What};

#[derive(Debug, Clone)]
pub struct Secret {
    pub key: Key,
    pub id: Rc<str>,
    pub name: String,
    pub labels: Labels,
    pub content: Rc<str>,
    pub created: Duration,
}

/// Whether a node was lost. The tasks that it had stay on it; all others are on one that
/// is not lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Nodes {
    AllThere,
    OneLost,
}

/// The behaviour of a Swarm between the calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// A new task is on a node at once.
    Plain,
    /// A task shows each of its states before it runs.
    Fine,
    /// The same, and no task makes this move during the work.
    Stuck(Move),
    /// These calls go through a manager that is older than the others.
    Older(Through),
    /// The Swarm misses the first update after which a task is to end. A real one does if
    /// it updates the task at that moment.
    Deaf,
}

/// The calls through an older manager, which drops an option of each service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Through {
    Looks,
    Changes,
    Both,
}

#[derive(Debug, Clone)]
pub struct Swarm {
    pub has_image: bool,
    pub habit: Habit,
    pub services: Vec<Service>,
    pub secrets: Vec<Rc<Secret>>,
    pub nodes: Nodes,
}

impl Swarm {
    /// Carries out a request, or returns the answer that refuses it. `key` is the key of
    /// the object that it may create.
    pub fn step(&mut self, op: &Op, key: Key, now: Duration) -> Result<Step, Reply> {
        let there = self.services.iter().filter(|held| !held.is_deleted);
        let reply = match &*op.route {
            op::CREATE_SERVICE => return self.create(&self.passed_on(op.spec()), key, now),
            op::UPDATE_SERVICE => return self.update(op, &self.passed_on(op.spec()), now),
            "DELETE /services/*" => return self.delete(&op.id),
            "GET /services/*" => {
                let mut shown = self.services[self.find(&op.id)?].clone();
                if matches!(self.habit, Habit::Older(Through::Looks | Through::Both)) {
                    shown.spec = shown.spec.as_older();
                }
                Reply::new(200, reply::service_entry(&shown))
            }
            "GET /services?filters" => {
                let shows = |held: &&Service| {
                    let spec = &held.spec;
                    op.filter().shows(&held.id, &spec.name, &spec.labels)
                };
                reply::list(there.filter(shows).map(reply::service_entry))
            }
            "GET /tasks?filters" => {
                let tasks = self.services.iter().filter_map(|held| held.task.as_ref());
                let tasks = tasks.filter(|task| !task.is_forgotten);
                // The ids of tasks are not modelled, and their names begin with those of
                // their services.
                let shows = |task: &&service::Task| {
                    let spec = &task.spec;
                    op.filter().shows("", &spec.name, &spec.labels)
                };
                reply::list(tasks.filter(shows).map(reply::task_entry))
            }
            op::CREATE_SECRET => self.create_secret(op, key, now)?,
            "DELETE /secrets/*" => self.delete_secret(&op.id)?,
            "GET /secrets?filters" => {
                let secrets = self.secrets.iter().filter(|secret| {
                    let filter = op.filter();
                    filter.shows(&secret.id, &secret.name, &secret.labels)
                });
                reply::list(secrets.map(|secret| reply::secret_entry(secret)))
            }
            "GET /nodes" => reply::nodes(self.nodes, matches!(self.habit, Habit::Older(_))),
            _ => panic!("the model of a Swarm does not know {op}"),
        };
        Ok((None, Some(reply)))
    }

    /// A specification as the manager passes it on.
    fn passed_on(&self, spec: &Rc<Spec>) -> Rc<Spec> {
        match self.habit {
            Habit::Older(Through::Changes | Through::Both) => spec.as_older(),
            _ => Rc::clone(spec),
        }
    }

    fn create(&mut self, spec: &Rc<Spec>, key: Key, now: Duration) -> Result<Step, Reply> {
        let mut there = self.services.iter().filter(|held| !held.is_deleted);
        if there.any(|held| held.spec.name == spec.name) {
            return Err(reply::name_taken("service", &spec.name));
        }
        let service = Service::new(key, Rc::clone(spec), now);
        let reply = reply::created(&service.id);
        self.services.push(service);
        Ok((Some(Change::made(key, State::Created)), Some(reply)))
    }

    fn update(&mut self, op: &Op, spec: &Rc<Spec>, now: Duration) -> Result<Step, Reply> {
        let found = self.find(&op.id)?;
        self.services[found].allocate(now);
        if Some(self.services[found].version()) != op.version {
            return Err(reply::rpc(500, "Unknown", "update out of sequence"));
        }
        let token = self.first_of(&spec.secrets)?;
        let is_deaf = self.habit == Habit::Deaf;
        let change = self.change(self.services[found].key, |service| {
            let is_other = service.spec.template != spec.template;
            let (before, after) = (service.spec.replicas, spec.replicas);
            service.spec = Rc::clone(spec);
            service.writes += 1;
            service.is_missed = is_deaf && (before, after) == (1, 0);
            service.token = token.or_else(|| service.token.take());
            match (before, after) {
                // Without a replica, nothing replaces it.
                _ if is_other && service.task.is_some() && after > 0 => What::Replaced,
                (0, 0) if service.is_fenced() => What::Withdrawn,
                (0, 1) if service.task.is_none() => What::Asked,
                (1, 0) => What::Withdrawn,
                (0, 0) | (1, 1) => What::Else,
                // A service has at most one task in all its life.
                _ => What::Replaced,
            }
        });
        let reply = Reply::new(200, r#"{"Warnings":null}"#);
        Ok((Some(change), Some(reply)))
    }

    /// The content of the first of these secrets, which must all be there.
    fn first_of(&self, ids: &[String]) -> Result<Option<Rc<str>>, Reply> {
        let contents = ids.iter().map(|id| {
            let secret = self.secrets.iter().find(|secret| *secret.id == **id);
            let content = secret.map(|secret| Rc::clone(&secret.content));
            let what = format!("secret not found: {id}");
            content.ok_or_else(|| reply::rpc(400, "InvalidArgument", &what))
        });
        let contents = contents.collect::<Result<Vec<_>, _>>()?;
        Ok(contents.into_iter().next())
    }

    fn delete(&mut self, id: &str) -> Result<Step, Reply> {
        let key = self.services[self.find(id)?].key;
        let change = self.change(key, |service| {
            let is_withdrawn = service.is_fenced();
            service.is_deleted = true;
            service.is_missed = false;
            match is_withdrawn {
                true => What::Else,
                false => What::Withdrawn,
            }
        });
        Ok((Some(change), Some(Reply::new(200, ""))))
    }

    fn create_secret(&mut self, op: &Op, key: Key, created: Duration) -> Result<Reply, Reply> {
        if self.secrets.iter().any(|held| held.name == op.name) {
            return Err(reply::name_taken("secret", &op.name));
        }
        let id: Rc<str> = key.swarm_id().into();
        let reply = reply::created(&id);
        self.secrets.push(Rc::new(Secret {
            key,
            id,
            name: op.name.clone(),
            labels: op.labels.clone(),
            content: op.content.as_deref().unwrap_or_default().into(),
            created,
        }));
        Ok(reply)
    }

    fn delete_secret(&mut self, id: &str) -> Result<Reply, Reply> {
        if !self.secrets.iter().any(|secret| *secret.id == *id) {
            return Err(reply::absent("secret", id));
        }
        let mut there = self.services.iter().filter(|held| !held.is_deleted);
        let user = there.find(|held| held.spec.secrets.iter().any(|used| used == id));
        if let Some(user) = user {
            let user = &user.spec.name;
            let what = format!("secret '{id}' is in use by the following service: {user}");
            return Err(reply::rpc(400, "InvalidArgument", &what));
        }
        self.secrets.retain(|secret| *secret.id != *id);
        Ok(Reply::new(204, ""))
    }

    /// The index of the service with this full id or name, while it is there.
    fn find(&self, id: &str) -> Result<usize, Reply> {
        let is_meant = |held: &Service| *held.id == *id || held.spec.name == id;
        let mut held = self.services.iter();
        let found = held.position(|held| !held.is_deleted && is_meant(held));
        found.ok_or_else(|| reply::absent("service", id))
    }

    /// A service, even one that is gone.
    pub fn service(&self, key: Key) -> Option<&Service> {
        self.services.iter().find(|held| held.key == key)
    }

    /// Whether a change that somebody asked for vouches for a target.
    pub fn is_vouch(&self, change: Change) -> bool {
        let service = self.service(change.key);
        change.what == What::Else
            && service.is_some_and(|held| held.is_vouched() && !held.is_fenced())
    }

    pub fn targets(&self) -> impl Iterator<Item = Target<'_>> {
        let all = self.services.iter().map(Service::target);
        all.filter(|target| target.state != State::Gone)
    }

    /// The age up to which a target was renewed; zero if it was not.
    pub fn renewed(&self, key: Key) -> Duration {
        let label = self
            .service(key)
            .and_then(|held| held.label("dynamic-access.renewed"));
        let seconds = label.and_then(|seconds| seconds.parse().ok());
        Duration::from_secs(seconds.unwrap_or(0))
    }

    /// The keys of the secrets that a service refers to.
    pub fn secrets_of(&self, key: Key) -> impl Iterator<Item = Key> {
        let ids = self.service(key).into_iter();
        let ids = ids.flat_map(|held| &held.spec.secrets);
        let secret = |id: &String| self.secrets.iter().find(|secret| *secret.id == **id);
        ids.filter_map(secret).map(|secret| secret.key)
    }

    /// Whether a secret belongs to a target that is there.
    pub fn has_target_of(&self, secret: &Secret) -> bool {
        let attempt = secret.labels.get("dynamic-access.attempt");
        let attempt = attempt.map(String::as_str);
        let all = self.services.iter();
        let mut there = all.filter(|held| held.state() != State::Gone);
        there.any(|held| held.label("dynamic-access.attempt") == attempt)
    }

    /// A digest of everything that is ours.
    pub fn digest(&self) -> u64 {
        let services = self.services.iter();
        let services = services
            .filter(|held| !held.is_over() && !held.key.is_foreign())
            .map(Service::digest);
        let secrets = self.secrets.iter();
        let secrets = secrets.filter(|secret| !secret.key.is_foreign());
        let secrets = secrets.map(|secret| digest((secret.key, secret.created, &secret.name)));
        // A sum, because the order of independent parts makes no difference.
        let sum = services.chain(secrets).fold(0, u64::wrapping_add);
        digest((sum, self.nodes))
    }
}
