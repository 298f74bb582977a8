//! Webhooks on a Swarm: common sequences of calls.

mod lists;
mod managers;
mod nodes;
mod reap;
mod renew;
mod repeated;
mod start;
mod stop;

use dynamic_access::error::Error;
use dynamic_access::provision::{Provisioner, Started};

use crate::script::*;

const OTHER_SERVICE: &str = "onmlkjihgfedcba9876543210";

#[track_caller]
fn on_swarm<T>(
    steps: impl Into<Steps>,
    webhook: impl AsyncFnOnce(Provisioner<'_, Script>) -> T,
) -> T {
    run_with(&SWARM, steps, webhook)
}

#[track_caller]
fn start(steps: impl Into<Steps>) -> Result<Started, Error> {
    crate::script::start(&SWARM, steps)
}

/// The error of a start, by its code.
#[track_caller]
fn check_refused(steps: impl Into<Steps>, code: &str) -> Error {
    let error = start(steps).expect_err(code);
    assert_eq!(error.code(), code);
    error
}

/// A task of another service.
fn task_of(service: &str, words: &str) -> Value {
    let mut task = task(words);
    task["ServiceID"] = service.into();
    task
}

/// The calls of a start until its secret has been made.
const UNTIL_SECRET: &str = "
    create service;
    list unvouched services: 0;
    list tasks: none;
    create secret";

/// The looks before the update that starts a target.
const CHECKED: &str = "look up service: 0; list nodes";

/// The calls of a start until the update that starts its target.
fn until_checked() -> Steps {
    steps(UNTIL_SECRET) + CHECKED
}

/// The calls that bring a target to its start.
fn until_updated() -> Steps {
    until_checked() + "update"
}

/// A look at the tasks of the target.
fn looked(tasks: &str) -> Steps {
    steps(&format!("list own tasks: {tasks}"))
}

const SEEN_RUNNING: &str = "find service: 1; list own tasks: running";

const VOUCHED_FOR: &str = "look up service: 1; update";

/// The look of another attempt at a service that it will vouch for.
fn looked_up_again(mut service: Value) -> Steps {
    service["Spec"]["Labels"]["dynamic-access.attempt"] = "theirs".into();
    call("look up service", shows(service)) + "list nodes"
}

/// The calls after the update that starts a target, if it runs.
const SEEN_AND_VOUCHED_FOR: &str = "
    list own tasks: running;
    find service: 1; list own tasks: running;
    look up service: 1; update";

/// The last calls of a start whose target runs on another node than the first.
fn running_elsewhere() -> Steps {
    let vouched_for = looked_up_again(service("1")) + "update";
    until_updated() + "list own tasks: running" + SEEN_RUNNING + vouched_for
}

/// The calls of a repeated start that finds its target.
const FOUND: &str = "
    create service: 409 name conflicts;
    find service by name: 1; list own tasks: running";

const DELETED: &str = "delete service; list own secrets";

/// The calls that end a target whose tasks end at once.
const ENDED: &str = "update; list own tasks: none; delete service; list own secrets";

/// The calls that clean up after a start whose tasks are these and end at once.
fn cleaned_up(replicas: u64, tasks: &str) -> Steps {
    steps(&format!(
        "find service: {replicas}; list own tasks: {tasks};
         look up service: {replicas}; list own tasks: {tasks}"
    )) + ENDED
}

/// A start whose task ends like this on a node, and its clean-up.
fn tried(tasks: &str) -> Steps {
    given_up(1, tasks)
}

/// A start that sees only these tasks in this many looks, and its clean-up.
fn given_up(looks: usize, tasks: &str) -> Steps {
    until_updated() + looked(tasks) * looks + cleaned_up(1, tasks)
}
