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
mod request;
mod service;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

pub use moves::Move;
pub use request::{Labels, Op, Spec};
pub use service::{Service, TaskState};

use crate::digest::digest;
use crate::model::op::Filter;
use crate::model::{Change, Key, Reply, State, Step, Target, What};
use crate::scenario::Through;

/// A secret.
#[derive(Debug, Clone)]
pub struct Secret {
    pub key: Key,
    pub id: Arc<str>,
    pub name: String,
    pub labels: Labels,
    pub content: Arc<str>,
    pub created: Duration,
}

/// Whether a node was lost. The tasks that it had stay on it; all others are on one that
/// is not lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Nodes {
    AllThere,
    OneLost,
}

/// A Swarm and what it holds.
#[derive(Debug, Clone)]
pub struct Swarm {
    pub has_image: bool,
    /// Whether a task shows each of its states before it runs; otherwise a new task is on
    /// a node at once.
    pub is_fine: bool,
    pub older: Option<Through>,
    /// Whether it misses the first update after which a task is to end. A real one does if
    /// it updates the task at that moment.
    pub is_deaf: bool,
    pub services: Vec<Service>,
    pub secrets: Vec<Rc<Secret>>,
    pub nodes: Nodes,
}

impl Swarm {
    /// Carries out a request; `key` is the key of the object that it may create.
    pub fn step(&mut self, op: &Op, key: Key, now: Duration) -> Step {
        match op {
            Op::Create(spec) => self.create(&self.passed_on(spec), key, now),
            Op::Update { id, version, spec } => {
                self.update(id, *version, &self.passed_on(spec), now)
            }
            Op::Delete(id) => self.delete(id, now),
            Op::Inspect(id) => Step::says(match self.find(id) {
                Some(found) if self.looks_through_older() => {
                    let mut shown = self.services[found].clone();
                    shown.spec = shown.spec.as_older();
                    reply::service(&shown, now)
                }
                Some(found) => reply::service(&self.services[found], now),
                None => reply::absent("service", id, now),
            }),
            Op::Services(filter) => Step::says(self.list_services(filter, now)),
            Op::Tasks(filter) => Step::says(self.list_tasks(filter, now)),
            Op::CreateSecret {
                name,
                labels,
                content,
            } => Step::says(self.create_secret(name, labels, content, key, now)),
            Op::DeleteSecret(id) => Step::says(self.delete_secret(id, now)),
            Op::Secrets(filter) => {
                let is_meant =
                    |secret: &&Secret| filter.shows(&secret.id, &secret.name, &secret.labels);
                let shown = self.secrets.iter().map(|secret| &**secret).filter(is_meant);
                Step::says(reply::services(shown.map(reply::secret_entry), now))
            }
            Op::Nodes => Step::says(reply::nodes(self.nodes, self.older.is_some(), now)),
        }
    }

    /// A specification as the manager passes it on.
    fn passed_on(&self, spec: &Rc<Spec>) -> Rc<Spec> {
        match self.older {
            Some(Through::Changes | Through::Both) => spec.as_older(),
            Some(Through::Looks) | None => Rc::clone(spec),
        }
    }

    fn looks_through_older(&self) -> bool {
        matches!(self.older, Some(Through::Looks | Through::Both))
    }

    fn create(&mut self, spec: &Rc<Spec>, key: Key, now: Duration) -> Step {
        let mut there = self.services.iter().filter(|held| !held.is_deleted);
        if there.any(|held| held.spec.name == spec.name) {
            return Step::says(reply::name_taken("service", &spec.name, now));
        }
        let service = Service::new(key, Rc::clone(spec), now);
        let reply = reply::created(&service.id, now);
        self.services.push(service);
        Step {
            change: Some(Change {
                key,
                from: None,
                to: Some(State::Created),
                what: What::Made,
            }),
            reply: Some(reply),
        }
    }

    fn update(&mut self, id: &str, version: u64, spec: &Rc<Spec>, now: Duration) -> Step {
        let Some(found) = self.find(id) else {
            return Step::says(reply::absent("service", id, now));
        };
        self.services[found].allocate(now);
        if self.services[found].version() != version {
            return Step::says(reply::rpc(500, "Unknown", "update out of sequence", now));
        }
        let token = match self.first_of(&spec.secrets) {
            Ok(token) => token,
            Err(id) => {
                let what = format!("secret not found: {id}");
                return Step::says(reply::rpc(400, "InvalidArgument", &what, now));
            }
        };
        let service = &mut self.services[found];
        let from = service.state();
        let is_other = service.spec.template != spec.template;
        let (before, after) = (service.spec.replicas, spec.replicas);
        service.spec = Rc::clone(spec);
        service.writes += 1;
        service.is_missed = self.is_deaf && (before, after) == (1, 0);
        service.token = token.or_else(|| service.token.take());
        let what = match (before, after) {
            // Without a replica, nothing replaces it.
            _ if is_other && service.task.is_some() && after > 0 => What::Replaced,
            (0, 0) if service.is_fenced() => What::Withdrawn,
            (0, 1) if service.task.is_none() => What::Asked,
            (1, 0) => What::Withdrawn,
            (0, 0) | (1, 1) => What::Else,
            // A service has at most one task in all its life.
            _ => What::Replaced,
        };
        let change = Change {
            key: service.key,
            from: Some(from),
            to: Some(service.state()),
            what,
        };
        Step {
            change: Some(change),
            reply: Some(Reply::new(200, r#"{"Warnings":null}"#, now)),
        }
    }

    /// The content of the first of these secrets.
    ///
    /// # Errors
    ///
    /// The id of a secret that is missing.
    fn first_of(&self, ids: &[String]) -> Result<Option<Arc<str>>, String> {
        let mut contents = ids.iter().map(|id| {
            let secret = self.secrets.iter().find(|secret| *secret.id == **id);
            let content = secret.map(|secret| Arc::clone(&secret.content));
            content.ok_or_else(|| id.clone())
        });
        let first = contents.next().transpose()?;
        contents.try_for_each(|content| content.map(drop))?;
        Ok(first)
    }

    fn delete(&mut self, id: &str, now: Duration) -> Step {
        let Some(found) = self.find(id) else {
            return Step::says(reply::absent("service", id, now));
        };
        let service = &mut self.services[found];
        let from = service.state();
        let is_withdrawn = service.is_fenced();
        service.is_deleted = true;
        service.is_missed = false;
        let change = Change {
            key: service.key,
            from: Some(from),
            to: Some(service.state()),
            what: if is_withdrawn {
                What::Else
            } else {
                What::Withdrawn
            },
        };
        Step {
            change: Some(change),
            reply: Some(Reply::new(200, "", now)),
        }
    }

    fn create_secret(
        &mut self,
        name: &str,
        labels: &Labels,
        content: &str,
        key: Key,
        now: Duration,
    ) -> Reply {
        if self.secrets.iter().any(|held| held.name == name) {
            return reply::name_taken("secret", name, now);
        }
        let id: Arc<str> = key.swarm_id().into();
        let reply = reply::created(&id, now);
        self.secrets.push(Rc::new(Secret {
            key,
            id,
            name: name.to_owned(),
            labels: labels.clone(),
            content: content.into(),
            created: now,
        }));
        reply
    }

    fn delete_secret(&mut self, id: &str, now: Duration) -> Reply {
        if !self.secrets.iter().any(|secret| *secret.id == *id) {
            return reply::absent("secret", id, now);
        }
        let mut there = self.services.iter().filter(|held| !held.is_deleted);
        let user = there.find(|held| held.spec.secrets.iter().any(|used| used == id));
        if let Some(user) = user {
            let what = format!(
                "secret '{id}' is in use by the following service: {}",
                user.spec.name
            );
            return reply::rpc(400, "InvalidArgument", &what, now);
        }
        self.secrets.retain(|secret| *secret.id != *id);
        Reply::new(204, "", now)
    }

    fn list_services(&self, filter: &Filter, now: Duration) -> Reply {
        let there = self.services.iter().filter(|held| !held.is_deleted);
        let shown = there.filter(|held| filter.shows(&held.id, &held.spec.name, &held.spec.labels));
        reply::services(shown.map(reply::service_entry), now)
    }

    fn list_tasks(&self, filter: &Filter, now: Duration) -> Reply {
        let tasks = self
            .services
            .iter()
            .filter_map(|service| service.task.as_ref())
            .filter(|task| !task.is_forgotten);
        // The ids of tasks are not modelled, and their names begin with those of their
        // services.
        let shown = tasks.filter(|task| filter.shows("", &task.spec.name, &task.spec.labels));
        reply::services(shown.map(reply::task_entry), now)
    }

    /// The index of the service with this full id or name, while it is there.
    fn find(&self, id: &str) -> Option<usize> {
        let is_meant = |held: &Service| *held.id == *id || held.spec.name == id;
        let mut held = self.services.iter();
        held.position(|held| !held.is_deleted && is_meant(held))
    }

    /// Whether a change that somebody asked for vouches for a target.
    pub fn is_vouch(&self, change: Change) -> bool {
        let service = self.services.iter().find(|held| held.key == change.key);
        change.what == What::Else
            && service.is_some_and(|held| held.is_vouched() && !held.is_fenced())
    }

    pub fn targets(&self) -> impl Iterator<Item = Target<'_>> {
        let all = self.services.iter().map(Service::target);
        all.filter(|target| target.state != State::Gone)
    }

    /// The age up to which a target was renewed; zero if it was not.
    pub fn renewed(&self, key: Key) -> Duration {
        let service = self.services.iter().find(|held| held.key == key);
        let label = service.and_then(|held| held.spec.labels.get("dynamic-access.renewed"));
        let seconds = label.and_then(|seconds| seconds.parse().ok());
        Duration::from_secs(seconds.unwrap_or(0))
    }

    /// A target, even one that is gone.
    pub fn get(&self, key: Key) -> Option<Target<'_>> {
        let held = self.services.iter().find(|held| held.key == key);
        held.map(Service::target)
    }

    /// The keys of the secrets that a service refers to.
    pub fn secrets_of(&self, key: Key) -> impl Iterator<Item = Key> {
        let service = self.services.iter().find(|held| held.key == key);
        let ids = service.into_iter().flat_map(|held| &held.spec.secrets);
        let secret = |id: &String| self.secrets.iter().find(|secret| *secret.id == **id);
        ids.filter_map(secret).map(|secret| secret.key)
    }

    /// Whether a secret belongs to a target that is there.
    pub fn has_target_of(&self, secret: &Secret) -> bool {
        const ATTEMPT: &str = "dynamic-access.attempt";
        let attempt = secret.labels.get(ATTEMPT);
        let mut there = self
            .services
            .iter()
            .filter(|held| held.state() != State::Gone);
        there.any(|held| held.spec.labels.get(ATTEMPT) == attempt)
    }

    /// A digest of everything that is ours.
    pub fn digest(&self, is_foreign: impl Fn(Key) -> bool) -> u64 {
        let services = self.services.iter();
        let services = services
            .filter(|held| !held.is_over() && !is_foreign(held.key))
            .map(Service::digest);
        let secrets = self.secrets.iter();
        let secrets = secrets.filter(|secret| !is_foreign(secret.key));
        let secrets = secrets.map(|secret| digest((secret.key, secret.created, &secret.name)));
        // A sum, because the order of independent parts makes no difference.
        let sum = services.chain(secrets).fold(0, u64::wrapping_add);
        digest((sum, self.nodes))
    }
}
