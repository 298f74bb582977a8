//! One service of a Swarm.

use std::rc::Rc;
use std::time::Duration;

use serde_json::json;

use super::spec::Spec;
use crate::digest::digest;
use crate::model::reply::rfc3339;
use crate::model::{Key, State, Target};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskState {
    /// It waits for a node.
    Pending,
    /// It waits for a node, and none has room.
    NoNode,
    /// Its node prepares it.
    Preparing,
    Running,
    Failed,
    /// It has ended, as it was told to.
    Shutdown,
    /// Its node rejected it.
    Rejected,
}

impl TaskState {
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending | Self::NoNode => "pending",
            Self::Preparing => "preparing",
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Shutdown => "shutdown",
            Self::Rejected => "rejected",
        }
    }

    /// Whether it runs or may still run.
    pub fn is_live(self) -> bool {
        !matches!(self, Self::Failed | Self::Shutdown | Self::Rejected)
    }

    pub fn is_on_a_node(self) -> bool {
        matches!(self, Self::Preparing | Self::Running)
    }
}

/// The state that a Swarm wants for a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Desired {
    Running,
    /// Its node is lost.
    Shutdown,
    /// Its service is gone, or should have no task.
    Remove,
}

impl Desired {
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Shutdown => "shutdown",
            Self::Remove => "remove",
        }
    }
}

/// A task. A service of one replica without restarts has at most one.
#[derive(Debug, Clone)]
pub struct Task {
    pub state: TaskState,
    pub desired: Desired,
    /// The state in lists, if it differs from the real one: its node is lost.
    pub shown: Option<TaskState>,
    /// Whether lists no longer show it, although it is there.
    pub is_forgotten: bool,
    /// The specification of its service when the task was made.
    pub spec: Rc<Spec>,
    /// The part of a list's entry that is the same in any state.
    pub entry: Rc<str>,
    /// When it reached its state.
    pub since: Duration,
    pub started: Option<Duration>,
    /// The node that it may go to; none if the constraints leave none.
    pub node: Option<&'static str>,
}

/// The nodes that take tasks.
pub const WORKERS: [&str; 2] = ["0123456789abcdefghijkwrk1", "0123456789abcdefghijkwrk2"];

impl Task {
    /// Whether its node is lost.
    pub fn is_lost(&self) -> bool {
        self.shown.is_some()
    }
}

/// How long the leader may take to allocate the ports of a new service. On a busy machine
/// this was seen to take longer than the three calls to the start.
const ALLOCATED_WITHIN: Duration = Duration::from_secs(2);

/// A service, from its create on. A deleted one is kept, and no list shows it.
#[derive(Debug, Clone)]
pub struct Service {
    pub key: Key,
    pub id: Rc<str>,
    pub spec: Rc<Spec>,
    pub created: Duration,
    /// The number of writes: each makes another version.
    pub writes: u64,
    /// Whether the leader has allocated its ports, which makes a version.
    pub is_allocated: bool,
    pub is_deleted: bool,
    /// Whether the Swarm has missed its last update.
    pub is_missed: bool,
    pub task: Option<Task>,
    /// The content of its first secret, once it refers to one.
    pub token: Option<Rc<str>>,
}

impl Service {
    pub fn new(key: Key, spec: Rc<Spec>, created: Duration) -> Self {
        Self {
            key,
            id: key.swarm_id().into(),
            is_allocated: !spec.has_ports,
            spec,
            created,
            writes: 0,
            is_deleted: false,
            is_missed: false,
            task: None,
            token: None,
        }
    }

    /// Allocates its ports at the worst moment: after the look from which its first
    /// update was made, if that is soon after its create.
    pub fn allocate(&mut self, now: Duration) {
        let is_new = now < self.created + ALLOCATED_WITHIN;
        self.writes += u64::from(is_new && !self.is_allocated);
        self.is_allocated = true;
    }

    /// The index of its last write. Raft has one index for all writes; here it does not
    /// depend on the writes to other services, because more schedules then meet, and
    /// still differs from that of every other service.
    pub fn version(&self) -> u64 {
        digest((self.key, self.writes)) >> 16
    }

    pub fn label(&self, name: &str) -> Option<&str> {
        self.spec.labels.get(name).map(String::as_str)
    }

    /// Whether its start was withdrawn: it should have no task any more.
    pub fn is_fenced(&self) -> bool {
        self.spec.replicas == 0 && self.label("dynamic-access.fenced").is_some()
    }

    pub fn is_vouched(&self) -> bool {
        self.label("dynamic-access.vouched") == Some("true")
    }

    /// Whether its start was withdrawn before anybody had vouched for it.
    pub fn is_taken_back(&self) -> bool {
        self.is_fenced() && !self.is_vouched()
    }

    /// Whether nothing is left of it.
    pub fn is_over(&self) -> bool {
        self.is_deleted && self.task.is_none()
    }

    /// Whether it should have a task.
    pub fn is_wanted(&self) -> bool {
        self.spec.replicas > 0 && !self.is_deleted
    }

    /// Makes its task, in this state.
    pub fn make_task(&mut self, state: TaskState, now: Duration) {
        let call = usize::MAX - self.key.call;
        let entry = json!({
            "ID": Key { call, ..self.key }.swarm_id(),
            "Version": {"Index": 7},
            "CreatedAt": rfc3339(now),
            "Labels": {},
            "Spec": self.spec.template,
            "ServiceID": *self.id,
            "Slot": 1,
        });
        self.task = Some(Task {
            state,
            desired: Desired::Running,
            shown: None,
            is_forgotten: false,
            spec: Rc::clone(&self.spec),
            entry: entry.to_string().into(),
            since: now,
            started: None,
            node: self.spec.node(),
        });
    }

    /// Its task, in an event of which it has one.
    pub fn task_mut(&mut self) -> &mut Task {
        let task = self.task.as_mut();
        task.expect("a task is changed that is there")
    }

    pub fn state(&self) -> State {
        let Some(task) = &self.task else {
            return match self.spec.replicas {
                _ if self.is_deleted => State::Gone,
                _ if self.is_fenced() => State::Dead,
                0 => State::Created,
                _ => State::Starting,
            };
        };
        let is_to_end = !self.is_wanted() || task.desired != Desired::Running;
        match task.state {
            _ if is_to_end && task.state.is_live() => State::Stopping,
            TaskState::Running => State::Running,
            TaskState::Pending | TaskState::NoNode | TaskState::Preparing => State::Starting,
            _ if self.is_deleted => State::Gone,
            TaskState::Rejected => State::Dead,
            _ if self.is_fenced() => State::Dead,
            TaskState::Failed | TaskState::Shutdown => State::Exited,
        }
    }

    pub fn target(&self) -> Target<'_> {
        let task = self.task.as_ref();
        let ended = task.filter(|task| !task.state.is_live());
        Target {
            key: self.key,
            id: &self.id,
            name: &self.spec.name,
            labels: &self.spec.labels,
            state: self.state(),
            runs: task.is_some_and(|task| task.state == TaskState::Running),
            created: self.created,
            started: task.and_then(|task| task.started),
            finished: ended.map(|task| task.since),
            token: self.token.as_deref(),
        }
    }

    /// A digest of everything in it that can change.
    pub fn digest(&self) -> u64 {
        let task = self.task.as_ref().map(|task| {
            let states = (task.state, task.desired, task.shown, task.is_forgotten);
            (states, task.since, task.started)
        });
        digest((
            (self.key, self.created, self.writes),
            (self.is_deleted, self.is_missed),
            (self.spec.digest, task, &self.token),
        ))
    }
}
