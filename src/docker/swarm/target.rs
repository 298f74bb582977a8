//! A target on a Swarm: its service and tasks, read together.

use std::collections::HashMap;

use time::OffsetDateTime;

use super::service::Service;
use super::task::{Desired, Task, TaskState};
use crate::docker::target::{Ended, State, Target, age};
use crate::docker::{TargetId, label};

/// The targets in a list of services and a later list of their tasks, the youngest first.
/// A task that may run without a service in the list is a target that stops.
pub fn merged(
    services: Vec<Service>,
    tasks: Vec<Task>,
    now: Option<OffsetDateTime>,
) -> Vec<Target> {
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
    targets.sort_unstable_by(|one, other| {
        let youngest_first = other.created.cmp(&one.created);
        youngest_first.then_with(|| one.id.as_str().cmp(other.id.as_str()))
    });
    targets
}

/// A service and its tasks.
fn listed(service: Service, tasks: &[Task], now: Option<OffsetDateTime>) -> Target {
    let state = state(&service, tasks);
    // The restart policy `none` leaves one, unless somebody has forced an update.
    let last = tasks.iter().max_by_key(|task| (task.is_live(), task.since));
    // A Swarm calls a task with a check running once the check has passed, and ends the
    // task once it fails.
    let has_passed = state == State::Running && last.is_some_and(|task| task.has_check);
    Target {
        state,
        ready: has_passed.then_some(true),
        ended: (state == State::Ended).then(|| ended(&service, last, now)),
        age: now.map(|now| age(service.created, now)),
        created: service.created,
        renewed: service.renewed(),
        image_id: service.image.clone(),
        image: service.image,
        node: last.and_then(|task| task.node.clone()),
        address: None,
        published: last.map(|task| task.published.clone()).unwrap_or_default(),
        names: vec![service.name],
        labels: service.labels,
        id: service.id,
    }
}

fn state(service: &Service, tasks: &[Task]) -> State {
    let any = |is: &dyn Fn(&Task) -> bool| tasks.iter().any(is);
    if any(&|task| task.is_live() && (task.desired != Desired::Running || service.is_fenced())) {
        State::Stopping
    } else if service.is_fenced() {
        State::Dead
    } else if any(&|task| task.state == TaskState::Running) {
        State::Running
    } else if service.replicas == 0 && !service.is_vouched() && tasks.is_empty() {
        State::Created
    } else if any(&Task::is_live) {
        // The task may be newer than the list of services, which then shows no replica.
        State::Starting
    } else if any(&|task| task.state == TaskState::Rejected) {
        State::Dead
    } else if tasks.is_empty() && service.replicas > 0 && !service.is_vouched() {
        // The Swarm has not made its task yet.
        State::Starting
    } else {
        // This includes a task that was forgotten together with its node.
        State::Ended
    }
}

/// How the last task of a service ended. A forgotten task ended at some time after the
/// service was created.
fn ended(service: &Service, last: Option<&Task>, now: Option<OffsetDateTime>) -> Ended {
    let since = last.and_then(|task| task.since);
    let since = since.map_or(service.created, OffsetDateTime::unix_timestamp);
    Ended {
        seconds_ago: now.map(|now| now.unix_timestamp().saturating_sub(since)),
        exit_code: last.and_then(|task| task.exit_code),
        is_unhealthy: last.is_some_and(Task::is_unhealthy),
    }
}

/// A target whose service was deleted or not listed.
fn without_service(task: Task, now: Option<OffsetDateTime>) -> Target {
    let service = Service {
        id: task.service.clone(),
        name: task.labels.get(label::NAME).cloned().unwrap_or_default(),
        labels: task.labels.clone(),
        image: task.image.clone(),
        replicas: 0,
        created: task.created,
    };
    Target {
        state: State::Stopping,
        ready: None,
        ended: None,
        ..listed(service, &[task], now)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const NOW: i64 = 1_795_395_661;

    fn id(letter: char) -> TargetId {
        TargetId::of_service(&letter.to_string().repeat(25)).expect("an id")
    }

    /// A service with these labels.
    fn service(replicas: u64, labels: &str) -> Service {
        let labels = labels.split_whitespace();
        let label = |label: &str| (format!("{}{label}", label::PREFIX), "true".to_owned());
        Service {
            id: id('a'),
            name: "own".to_owned(),
            labels: labels.map(label).collect(),
            image: "agent".to_owned(),
            replicas,
            created: NOW - 60,
        }
    }

    fn task(of: char, state: TaskState, desired: Desired) -> Task {
        Task {
            service: id(of),
            state,
            desired,
            node: Some("n".to_owned()),
            error: None,
            exit_code: Some(7),
            since: None,
            created: NOW - 50,
            image: "agent".to_owned(),
            has_check: false,
            labels: BTreeMap::from([(label::NAME.to_owned(), "own".to_owned())]),
            published: Vec::new(),
        }
    }

    fn read(service: Service, tasks: Vec<Task>) -> Vec<Target> {
        let now = OffsetDateTime::from_unix_timestamp(NOW);
        merged(vec![service], tasks, now.ok())
    }

    #[test]
    fn a_service_and_its_task_have_one_state() {
        use TaskState::{Early, Ended, Pending, Preparing, Rejected, Running};
        let (live, doomed) = (Desired::Running, Desired::Shutdown);
        for (replicas, labels, states, desired, state) in [
            (0, "", &[][..], live, State::Created),
            (1, "", &[], live, State::Starting),
            (1, "", &[Pending], live, State::Starting),
            (1, "", &[Preparing], live, State::Starting),
            (1, "", &[Early], live, State::Starting),
            (1, "", &[Running], live, State::Running),
            (1, "vouched", &[Running], live, State::Running),
            // Its task was made after the services were listed.
            (0, "", &[Preparing], live, State::Starting),
            (0, "", &[Running], live, State::Running),
            // Its node is down, or it is being removed.
            (1, "vouched", &[Running], doomed, State::Stopping),
            (0, "fenced", &[Preparing], doomed, State::Stopping),
            (0, "fenced", &[Running], live, State::Stopping),
            (0, "vouched fenced", &[Ended], doomed, State::Dead),
            (0, "fenced", &[], live, State::Dead),
            (1, "", &[Rejected], doomed, State::Dead),
            (1, "vouched", &[Ended], doomed, State::Ended),
            (1, "", &[Ended], doomed, State::Ended),
            // Its task was forgotten together with its node.
            (1, "vouched", &[], live, State::Ended),
            // Somebody has forced a second task, which the restart policy `none` does not
            // make.
            (1, "vouched", &[Ended, Running], live, State::Running),
        ] {
            let tasks = states.iter().map(|state| task('a', *state, desired));
            let found = read(service(replicas, labels), tasks.collect());
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].state, state, "{replicas} {labels} {states:?}");
        }
    }

    #[test]
    fn one_that_runs_with_a_check_of_its_service_is_ready() {
        for (state, has_check, ready) in [
            (TaskState::Running, true, Some(true)),
            (TaskState::Running, false, None),
            (TaskState::Starting, true, None),
            (TaskState::Ended, true, None),
        ] {
            let task = Task {
                has_check,
                ..task('a', state, Desired::Running)
            };
            let found = read(service(1, "vouched"), vec![task]);
            assert_eq!(found[0].ready, ready, "{state:?} {has_check}");
        }
    }

    #[test]
    fn an_end_is_told_by_the_task_or_by_nobody() {
        let mut ended = task('a', TaskState::Ended, Desired::Shutdown);
        ended.since = OffsetDateTime::from_unix_timestamp(NOW - 5).ok();
        for (tasks, expected) in [
            (vec![ended], (Some(5), Some(7))),
            (vec![], (Some(60), None)),
        ] {
            let found = read(service(1, "vouched"), tasks).remove(0);
            let end = found.ended.expect("an end");
            assert_eq!((end.seconds_ago, end.exit_code), expected);
        }
    }

    #[test]
    fn a_task_that_may_run_without_a_service_stops() {
        let running = task('b', TaskState::Running, Desired::Shutdown);
        let ended = task('c', TaskState::Ended, Desired::Shutdown);
        let found = read(service(0, ""), vec![running, ended]);
        let states: Vec<_> = found.iter().map(|one| (&one.id, one.state)).collect();
        let (youngest, oldest) = (id('b'), id('a'));
        assert_eq!(
            states,
            [(&youngest, State::Stopping), (&oldest, State::Created)]
        );
        assert!(found[0].has_name("own"));
    }
}
