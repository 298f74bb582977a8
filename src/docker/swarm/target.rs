//! A target of a Swarm: a service and its tasks, read as the one thing that they are.

use std::collections::HashMap;

use time::OffsetDateTime;

use super::service::Service;
use super::task::{Task, TaskState};
use crate::docker::inspect::Ended;
use crate::docker::list::{Listed, State, age};
use crate::docker::{TargetId, label};

/// Targets from a list of services and a later list of their tasks, the youngest
/// first. A task that may run without a service is a target that is being ended.
pub fn merged(
    services: Vec<Service>,
    tasks: Vec<Task>,
    now: Option<OffsetDateTime>,
) -> Vec<Listed> {
    let mut by_service: HashMap<TargetId, Vec<Task>> = HashMap::new();
    for task in tasks {
        let own = by_service.entry(task.service.clone()).or_default();
        own.push(task);
    }
    let mut targets: Vec<_> = services
        .into_iter()
        .map(|service| {
            let own = by_service.remove(&service.id).unwrap_or_default();
            listed(service, &own, now)
        })
        .collect();
    let left = by_service.into_values();
    let left = left.filter_map(|tasks| tasks.into_iter().find(Task::is_live));
    targets.extend(left.map(|task| without_service(task, now)));
    targets.sort_by_key(|target| std::cmp::Reverse(target.created));
    targets
}

/// A service and its tasks.
fn listed(service: Service, tasks: &[Task], now: Option<OffsetDateTime>) -> Listed {
    let state = state(&service, tasks);
    // A restart policy of none leaves one, unless somebody has forced an update.
    let last = tasks.iter().max_by_key(|task| (task.is_live(), task.since));
    Listed {
        state,
        ended: (state == State::Ended).then(|| ended(&service, last, now)),
        age: now.map(|now| age(service.created, now)),
        created: service.created,
        image_id: service.image.clone(),
        image: service.image,
        node: last.and_then(|task| task.node.clone()),
        names: vec![service.name],
        labels: service.labels,
        id: service.id,
    }
}

fn state(service: &Service, tasks: &[Task]) -> State {
    let any = |is: &dyn Fn(&Task) -> bool| tasks.iter().any(is);
    if any(&|task| task.is_live() && (task.is_doomed || service.is_fenced())) {
        State::Stopping
    } else if service.is_fenced() {
        State::Dead
    } else if any(&|task| task.state == TaskState::Running) {
        State::Running
    } else if service.replicas == 0 && !service.is_vouched() && tasks.is_empty() {
        State::Created
    } else if service.replicas > 0 && any(&Task::is_live) {
        State::Starting
    } else if any(&|task| task.state == TaskState::Rejected) {
        State::Dead
    } else if tasks.is_empty() && service.replicas > 0 && !service.is_vouched() {
        // Its task is yet to be made.
        State::Starting
    } else {
        // Also one whose task was forgotten together with its node.
        State::Ended
    }
}

/// How the last task of a service has ended. One that was forgotten has ended at some
/// time since the service was created.
fn ended(service: &Service, last: Option<&Task>, now: Option<OffsetDateTime>) -> Ended {
    let since = last.and_then(|task| task.since);
    let since = since.map_or(service.created, OffsetDateTime::unix_timestamp);
    Ended {
        seconds_ago: now.map(|now| now.unix_timestamp().saturating_sub(since)),
        exit_code: last.and_then(|task| task.exit_code),
    }
}

/// What is left of a target whose service is deleted.
fn without_service(task: Task, now: Option<OffsetDateTime>) -> Listed {
    Listed {
        id: task.service,
        state: State::Stopping,
        age: now.map(|now| age(task.created, now)),
        created: task.created,
        image_id: task.image.clone(),
        image: task.image,
        ended: None,
        node: task.node,
        names: task.labels.get(label::NAME).cloned().into_iter().collect(),
        labels: task.labels,
    }
}
