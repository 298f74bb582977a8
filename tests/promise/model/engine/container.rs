//! One container of an Engine.

use std::rc::Rc;
use std::time::Duration;

use serde_json::json;

use crate::model::reply::unix;
use crate::model::{Key, Labels, State, Target};

#[derive(Debug, Clone)]
pub struct Container {
    pub key: Key,
    pub id: Rc<str>,
    pub name: Rc<str>,
    pub labels: Rc<Labels>,
    /// Its entry in a list, except for its state.
    pub entry: Rc<str>,
    pub state: State,
    pub created: Duration,
    /// When it was started, if an actor has started it.
    pub started: Option<Duration>,
    pub finished: Option<Duration>,
    /// The content of its token's file.
    pub token: Option<Rc<str>>,
    /// Whether it has a health check that the Engine shows.
    pub has_check: bool,
}

/// How long after its start the health check of a container passes.
const HEALTHY_AFTER: Duration = Duration::from_secs(3);

impl Container {
    pub fn new(key: Key, name: &str, labels: Labels, state: State, created: Duration) -> Self {
        let id = key.container_id();
        let entry = json!({
            "Id": id,
            "Names": [format!("/{name}")],
            "Image": "dynamic-access-agent",
            "Labels": labels,
            "Created": unix(created),
        });
        Self {
            key,
            id: id.into(),
            name: name.into(),
            labels: Rc::new(labels),
            entry: entry.to_string().into(),
            state,
            created,
            started: None,
            finished: None,
            token: None,
            has_check: false,
        }
    }

    /// The result of its health check while it runs, if it has one.
    pub fn is_healthy(&self, now: Duration) -> Option<bool> {
        let since = self.started.unwrap_or(self.created);
        self.has_check.then_some(now >= since + HEALTHY_AFTER)
    }

    pub fn target(&self) -> Target<'_> {
        Target {
            key: self.key,
            id: &self.id,
            name: &self.name,
            labels: &self.labels,
            state: self.state,
            runs: self.state == State::Running,
            created: self.created,
            started: self.started,
            finished: self.finished,
            token: self.token.as_deref(),
        }
    }
}
