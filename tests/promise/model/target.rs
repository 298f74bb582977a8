//! The subject of the promises, on an Engine and on a Swarm alike: targets and their
//! changes.

use std::fmt;
use std::time::Duration;

use super::{Labels, short};
use crate::digest::digest;

/// The number from which given targets are somebody else's.
const FIRST_FOREIGN: usize = 10_000_000;

/// Identifies a target, in the same way in every schedule: by the actor that asked for it
/// and the number of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub actor: usize,
    pub call: usize,
}

impl Key {
    /// The given target with this number.
    pub fn given(call: usize) -> Self {
        let actor = usize::MAX;
        Self { actor, call }
    }

    /// Whether the target was given.
    pub fn is_given(self) -> bool {
        self.actor == usize::MAX
    }

    /// Somebody else's object, which was given too.
    pub fn foreign(number: usize) -> Self {
        Self::given(FIRST_FOREIGN + number)
    }

    pub fn is_foreign(self) -> bool {
        self.is_given() && self.call >= FIRST_FOREIGN
    }

    /// An id as an Engine makes it up: 64 digits.
    pub fn container_id(self) -> String {
        let part = |salt| format!("{:016x}", self.digits(salt));
        (0..4).map(part).collect()
    }

    /// An id as a Swarm makes it up: 25 letters and digits.
    pub fn swarm_id(self) -> String {
        let mut left = (u128::from(self.digits(0)) << 64) | u128::from(self.digits(1));
        let digit = |_| {
            let digit = (left % 36) as u32;
            left /= 36;
            char::from_digit(digit, 36).unwrap_or_default()
        };
        (0..25).map(digit).collect()
    }

    fn digits(self, salt: u64) -> u64 {
        digest((self, salt))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Its name is taken, and no list shows it.
    Reserved,
    Created,
    /// On a Swarm: its task is to run, and does not yet.
    Starting,
    Running,
    /// On a Swarm: its task is to end, and runs or may still run.
    Stopping,
    Removing,
    Exited,
    Dead,
    /// It was there.
    Gone,
}

impl State {
    /// A word for it: the Engine's, where an Engine has one.
    pub fn word(self) -> &'static str {
        const WORDS: &str = "reserved created starting running stopping removing exited dead gone";
        let mut words = WORDS.split(' ');
        words.nth(self as usize).unwrap_or_default()
    }

    /// Whether it counts towards `max_targets`, at any age.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Stopping)
    }
}

/// A target as promises see it.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    pub key: Key,
    pub id: &'a str,
    pub name: &'a str,
    pub labels: &'a Labels,
    pub state: State,
    /// Whether its first process really runs, on any node.
    pub runs: bool,
    pub created: Duration,
    /// When its first process began, if that was in the schedule.
    pub started: Option<Duration>,
    pub finished: Option<Duration>,
    /// The content of its token's file.
    pub token: Option<&'a str>,
}

impl<'a> Target<'a> {
    pub fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.created)
    }

    /// Its owner; empty if it has none.
    pub fn owner(&self) -> &'a str {
        let label = self.labels.get("dynamic-access.owner");
        label.map_or("", String::as_str)
    }
}

/// A change, as promises see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// There is a new target.
    Made,
    /// On a Swarm: somebody asks for its task.
    Asked,
    /// Its first process runs from now on.
    Runs,
    /// It has ended, or its Swarm has given up on it.
    Ends,
    /// Somebody has begun to remove it.
    Withdrawn,
    /// On a Swarm: another task replaces its task.
    Replaced,
    /// A change that no promise is about.
    Else,
}

/// A target's change from one state to the next; none while it does not exist.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    pub key: Key,
    pub from: Option<State>,
    pub to: Option<State>,
    pub what: What,
}

impl Change {
    pub fn new(key: Key, from: Option<State>, to: Option<State>, what: What) -> Self {
        Self {
            key,
            from,
            to,
            what,
        }
    }

    pub fn made(key: Key, to: State) -> Self {
        Self::new(key, None, Some(to), What::Made)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |state: Option<State>| state.map_or("absent", State::word);
        let (from, to) = (word(self.from), word(self.to));
        write!(f, "{}: {from} -> {to}", short(&self.key.container_id()))
    }
}
