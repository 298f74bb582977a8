//! One container of an Engine.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::model::reply::unix;
use crate::model::{Key, State, Target};

/// A container.
#[derive(Debug, Clone)]
pub struct Container {
    pub key: Key,
    pub id: Arc<str>,
    pub name: Arc<str>,
    pub labels: Arc<BTreeMap<String, String>>,
    /// Its entry in a list, except for its state.
    pub entry: Arc<str>,
    pub state: State,
    pub created: Duration,
    /// When it was started, if an actor has started it.
    pub started: Option<Duration>,
    pub finished: Option<Duration>,
    /// The content of its token's file.
    pub token: Option<Arc<str>>,
    /// Whether it has a health check that the Engine shows.
    pub has_check: bool,
}

/// How long after its start the health check of a container passes.
const HEALTHY_AFTER: Duration = Duration::from_secs(3);

impl Container {
    pub fn new(
        key: Key,
        name: &str,
        labels: BTreeMap<String, String>,
        state: State,
        created: Duration,
    ) -> Self {
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
            labels: Arc::new(labels),
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

    /// The container as promises see it.
    pub fn target(&self) -> Target<'_> {
        let environment = self.labels.get("dynamic-access.environment-id");
        let owner = self.labels.get("dynamic-access.owner");
        Target {
            key: self.key,
            id: &self.id,
            name: &self.name,
            environment: environment.map_or("", String::as_str),
            owner: owner.map_or("", String::as_str),
            state: self.state,
            runs: self.state == State::Running,
            created: self.created,
            started: self.started,
            finished: self.finished,
            token: self.token.as_deref(),
        }
    }
}
