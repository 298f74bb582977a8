//! What an Engine holds of one container.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::date::unix;
use super::short;

/// Tells a container from every other, and the same one in every schedule:
/// by the actor that asked for it and the number of its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub actor: usize,
    pub call: usize,
}

impl Key {
    /// The container that is there before any actor, by number.
    pub fn given(number: usize) -> Self {
        Self {
            actor: usize::MAX,
            call: number,
        }
    }

    /// Whether the container was there before any actor.
    pub fn is_given(self) -> bool {
        self.actor == usize::MAX
    }

    /// The 64 digits that an Engine would have made up.
    pub fn id(self) -> String {
        let quarter = |salt: u64| {
            let mut hasher = DefaultHasher::new();
            (self, salt).hash(&mut hasher);
            format!("{:016x}", hasher.finish())
        };
        (0..4).map(quarter).collect()
    }
}

/// A container's state; no list shows one that is reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    Reserved,
    Created,
    Running,
    Removing,
    Exited,
    Dead,
}

impl State {
    /// The Engine's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reserved | Self::Created => "created",
            Self::Running => "running",
            Self::Removing => "removing",
            Self::Exited => "exited",
            Self::Dead => "dead",
        }
    }
}

/// A container.
#[derive(Debug, Clone)]
pub struct Container {
    pub key: Key,
    pub id: Arc<str>,
    pub name: Arc<str>,
    pub labels: Arc<BTreeMap<String, String>>,
    /// What a list shows of it, but for its state.
    pub entry: Arc<str>,
    pub state: State,
    pub created: Duration,
    /// When it was started, if an actor has started it.
    pub started: Option<Duration>,
    pub finished: Option<Duration>,
    /// What its token's file holds.
    pub token: Option<Arc<str>>,
}

impl Container {
    pub fn new(
        key: Key,
        name: &str,
        labels: BTreeMap<String, String>,
        state: State,
        created: Duration,
    ) -> Self {
        let id = key.id();
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
        }
    }

    pub fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.created)
    }
}

/// A container's way from one state to the next; none where it is not there.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    pub key: Key,
    pub from: Option<State>,
    pub to: Option<State>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |state: Option<State>| match state {
            None => "absent",
            Some(State::Reserved) => "reserved",
            Some(state) => state.word(),
        };
        let (from, to) = (word(self.from), word(self.to));
        write!(f, "{}: {from} -> {to}", short(&self.key.id()))
    }
}
