//! A target on a Swarm: its service and tasks, read together.

use std::collections::HashMap;
use std::time::Duration;

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
    Target {
        id: task.service,
        state: State::Stopping,
        age: now.map(|now| age(task.created, now)),
        created: task.created,
        image_id: task.image.clone(),
        image: task.image,
        ended: None,
        ready: None,
        node: task.node,
        address: None,
        published: task.published,
        renewed: Duration::ZERO,
        names: task.labels.get(label::NAME).cloned().into_iter().collect(),
        labels: task.labels,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;

    const NOW: i64 = 1_795_395_661;

    fn id(letter: char) -> TargetId {
        TargetId::of_service(&letter.to_string().repeat(25)).expect("an id")
    }

    fn service(replicas: u64, labels: &[&str]) -> Service {
        let labels = labels
            .iter()
            .map(|label| ((*label).to_owned(), "true".to_owned()));
        Service {
            id: id('a'),
            name: "own".to_owned(),
            labels: labels.collect(),
            image: "agent".to_owned(),
            replicas,
            created: NOW - 60,
        }
    }

    fn task(of: char, state: TaskState, is_doomed: bool) -> Task {
        Task {
            service: id(of),
            state,
            desired: match is_doomed {
                true => Desired::Shutdown,
                false => Desired::Running,
            },
            node: Some("n".to_owned()),
            error: None,
            exit_code: Some(7),
            since: OffsetDateTime::from_unix_timestamp(NOW - 5).ok(),
            created: NOW - 50,
            image: "agent".to_owned(),
            has_check: false,
            labels: BTreeMap::from([(label::NAME.to_owned(), "own".to_owned())]),
            published: Vec::new(),
        }
    }

    fn now() -> Option<OffsetDateTime> {
        OffsetDateTime::from_unix_timestamp(NOW).ok()
    }

    #[test]
    fn a_service_and_its_task_have_one_state() {
        use TaskState::{Early, Ended, Pending, Preparing, Rejected, Running};
        let (vouched, fenced) = (&[label::VOUCHED][..], &[label::FENCED][..]);
        let both = &[label::VOUCHED, label::FENCED][..];
        for (replicas, labels, task_states, state) in [
            (0, &[][..], vec![], State::Created),
            (1, &[], vec![], State::Starting),
            (1, &[], vec![(Pending, false)], State::Starting),
            (1, &[], vec![(Preparing, false)], State::Starting),
            (1, &[], vec![(Early, false)], State::Starting),
            (1, &[], vec![(Running, false)], State::Running),
            (1, vouched, vec![(Running, false)], State::Running),
            // Its task was made after the services were listed.
            (0, &[], vec![(Preparing, false)], State::Starting),
            (0, &[], vec![(Running, false)], State::Running),
            // Its node is down, or it is being removed.
            (1, vouched, vec![(Running, true)], State::Stopping),
            (0, fenced, vec![(Preparing, true)], State::Stopping),
            (0, fenced, vec![(Running, false)], State::Stopping),
            (0, both, vec![(Ended, true)], State::Dead),
            (0, fenced, vec![], State::Dead),
            (1, &[], vec![(Rejected, true)], State::Dead),
            (1, vouched, vec![(Ended, true)], State::Ended),
            (1, &[], vec![(Ended, true)], State::Ended),
            // Its task was forgotten together with its node.
            (1, vouched, vec![], State::Ended),
            // Somebody has forced a second task, which the restart policy `none` does not
            // make.
            (
                1,
                vouched,
                vec![(Ended, true), (Running, false)],
                State::Running,
            ),
        ] {
            let tasks = task_states.iter();
            let tasks = tasks.map(|(state, is_doomed)| task('a', *state, *is_doomed));
            let found = merged(vec![service(replicas, labels)], tasks.collect(), now());
            assert_eq!(found.len(), 1);
            assert_eq!(
                found[0].state, state,
                "{replicas} {labels:?} {task_states:?}"
            );
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
                ..task('a', state, false)
            };
            let found = merged(vec![service(1, &[label::VOUCHED])], vec![task], now());
            assert_eq!(found[0].ready, ready, "{state:?} {has_check}");
        }
    }

    #[test]
    fn a_task_that_may_run_without_a_service_stops() {
        let tasks = vec![
            task('b', TaskState::Running, true),
            task('c', TaskState::Ended, true),
        ];
        let found = merged(vec![service(0, &[])], tasks, now());
        let states: Vec<_> = found
            .iter()
            .map(|target| (&target.id, target.state))
            .collect();
        // The youngest first.
        assert_eq!(
            states,
            [(&id('b'), State::Stopping), (&id('a'), State::Created)]
        );
        assert!(found[0].has_name("own"));
    }

    #[test]
    fn an_end_is_told_by_the_task_or_by_nobody() {
        let ended = |tasks| {
            let found = merged(vec![service(1, &[label::VOUCHED])], tasks, now());
            found[0].ended.clone().expect("an end")
        };
        let told = ended(vec![task('a', TaskState::Ended, true)]);
        assert_eq!((told.seconds_ago, told.exit_code), (Some(5), Some(7)));
        let forgotten = ended(Vec::new());
        assert_eq!(
            (forgotten.seconds_ago, forgotten.exit_code),
            (Some(60), None)
        );
    }

    #[test]
    fn ages_are_told_by_the_manager_that_answers() {
        let found = merged(vec![service(0, &[])], Vec::new(), now());
        assert_eq!(found[0].age, Some(Duration::from_secs(60)));
        let found = merged(vec![service(0, &[])], Vec::new(), None);
        assert_eq!(found[0].age, None);
    }
}
