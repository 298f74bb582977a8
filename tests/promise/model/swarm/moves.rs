//! The effects of a write, which come later and in steps of their own.

use std::time::Duration;

use super::service::{Desired, Service, Task, TaskState};
use super::{Habit, Nodes, Swarm};
use crate::model::{Change, Key, What};

/// An event of a service's task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Move {
    /// It is made.
    Make,
    /// It is to end, because its service is gone or should have no task.
    Doom,
    /// No node has room for it.
    NoNode,
    /// A node begins to prepare it.
    Prepare,
    /// Its node runs it.
    Run,
    /// Its node rejects it.
    Reject,
    /// Its node confirms the end.
    Confirm,
    /// Another manager leads, and forgets the task of a deleted service, although a lost
    /// node may still run it.
    Forget,
}

impl Swarm {
    /// All next events of our tasks, always in the same order.
    pub fn moves(&self) -> impl Iterator<Item = (Key, Move)> {
        let ours = self.services.iter();
        let ours = ours.filter(|service| !service.key.is_foreign());
        ours.flat_map(|service| {
            let moves = self.moves_of(service);
            moves.into_iter().map(|next| (service.key, next))
        })
    }

    fn moves_of(&self, service: &Service) -> Vec<Move> {
        let Some(task) = &service.task else {
            return Vec::from_iter(service.is_wanted().then_some(Move::Make));
        };
        let is_to_end = !service.is_wanted() && !service.is_missed;
        let is_late = is_to_end && task.desired != Desired::Remove;
        let doom = is_late.then_some(Move::Doom);
        let is_doomed = task.desired != Desired::Running;
        let own = match task.state {
            // A lost node continues, unseen, with the work that it began.
            TaskState::Preparing if task.is_lost() => vec![Move::Run],
            state if task.is_lost() => {
                let may_be_forgotten = service.is_deleted && state.is_live() && !task.is_forgotten;
                Vec::from_iter(may_be_forgotten.then_some(Move::Forget))
            }
            TaskState::Pending | TaskState::NoNode if is_doomed => vec![Move::Confirm],
            TaskState::Pending => vec![Move::Prepare, Move::NoNode],
            TaskState::NoNode if task.node.is_none() => Vec::new(),
            TaskState::NoNode => vec![Move::Prepare],
            // Its node may not know yet that the task is to end.
            TaskState::Preparing if is_doomed => vec![Move::Confirm, Move::Run],
            TaskState::Preparing => vec![Move::Run, Move::Reject],
            TaskState::Running if is_doomed => vec![Move::Confirm],
            // An ended task goes once its node can report it.
            state if !state.is_live() && task.desired == Desired::Remove => vec![Move::Confirm],
            _ => Vec::new(),
        };
        let own = own.into_iter();
        let own = own.filter(|next| self.has_image || *next != Move::Run);
        doom.into_iter().chain(own).collect()
    }

    /// Makes one of them happen.
    pub fn make(&mut self, key: Key, next: Move, now: Duration) -> Change {
        let is_fine = matches!(self.habit, Habit::Fine | Habit::Stuck(_));
        self.change(key, |service| match next {
            Move::Make => {
                let state = match service.spec.node() {
                    None => TaskState::NoNode,
                    Some(_) if is_fine => TaskState::Pending,
                    Some(_) => TaskState::Preparing,
                };
                service.make_task(state, now);
                What::Else
            }
            Move::Doom => {
                service.task_mut().desired = Desired::Remove;
                // An ended task goes at once, unless its node cannot report it.
                service
                    .task
                    .take_if(|task| !task.state.is_live() && !task.is_lost());
                What::Else
            }
            Move::Forget => {
                service.task_mut().is_forgotten = true;
                What::Else
            }
            Move::NoNode => turn(service, TaskState::NoNode, now),
            Move::Prepare => turn(service, TaskState::Preparing, now),
            Move::Run => turn(service, TaskState::Running, now),
            Move::Reject => turn(service, TaskState::Rejected, now),
            Move::Confirm => {
                if service.task_mut().desired == Desired::Remove {
                    service.task = None;
                    What::Ends
                } else {
                    turn(service, TaskState::Shutdown, now)
                }
            }
        })
    }

    /// Ends the process of a task.
    pub fn end(&mut self, key: Key, now: Duration) -> Change {
        self.change(key, |service| {
            let what = turn(service, TaskState::Failed, now);
            // It was to go as soon as it ended.
            service
                .task
                .take_if(|task| task.desired == Desired::Remove && !task.is_lost());
            what
        })
    }

    /// Loses the node that has our tasks. The Swarm gives up those whose services it
    /// still has, and replaces none.
    pub fn lose(&mut self) -> Vec<Change> {
        self.nodes = Nodes::OneLost;
        let is_on_it =
            |service: &Service, task: &Task| task.state.is_on_a_node() && !service.key.is_foreign();
        self.change_all(is_on_it, |task| {
            task.shown = Some(task.state);
            if task.desired == Desired::Running {
                task.desired = Desired::Shutdown;
            }
            What::Ends
        })
    }

    /// The node is back, and reports its tasks.
    pub fn find_again(&mut self) -> Vec<Change> {
        self.nodes = Nodes::AllThere;
        self.change_all(
            |_, task| task.is_lost(),
            |task| {
                task.shown = None;
                What::Else
            },
        )
    }

    /// Changes the tasks that are meant.
    fn change_all(
        &mut self,
        is_meant: impl Fn(&Service, &Task) -> bool,
        change: impl Fn(&mut Task) -> What,
    ) -> Vec<Change> {
        let services = self.services.iter();
        let keys = services.filter_map(|service| {
            let task = service.task.as_ref()?;
            is_meant(service, task).then_some(service.key)
        });
        let keys: Vec<Key> = keys.collect();
        let changed = keys.into_iter();
        let changed = changed.map(|key| self.change(key, |service| change(service.task_mut())));
        changed.collect()
    }

    /// Changes a service.
    pub fn change(&mut self, key: Key, change: impl FnOnce(&mut Service) -> What) -> Change {
        let service = self.services.iter_mut().find(|service| service.key == key);
        let service = service.expect("a service is changed that is there");
        let from = Some(service.state());
        let what = change(service);
        Change::new(key, from, Some(service.state()), what)
    }
}

/// Brings the task of a service into another state.
fn turn(service: &mut Service, to: TaskState, now: Duration) -> What {
    let task = service.task_mut();
    task.state = to;
    task.since = now;
    match to {
        TaskState::Running => {
            task.started = Some(now);
            What::Runs
        }
        TaskState::Failed | TaskState::Shutdown | TaskState::Rejected => What::Ends,
        TaskState::Pending | TaskState::NoNode | TaskState::Preparing => What::Else,
    }
}
