//! Webhooks on a Swarm: the replies of its managers, and common sequences of calls.

mod lists;
mod managers;
mod nodes;
mod reap;
mod renew;
mod repeated;
mod start;
mod stop;

use dynamic_access::config::Config;
use dynamic_access::docker::swarm::template;
use dynamic_access::error::Error;
use dynamic_access::provision::{Provisioner, Started};

use crate::script::*;

pub const SERVICE: &str = "0123456789abcdefghijklmno";
const OTHER_SERVICE: &str = "onmlkjihgfedcba9876543210";

pub const SWARM: [(&str, &str); 2] = [
    ("scheduler", "swarm"),
    (
        "agent_image",
        "r.example.com/agent@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    ),
];

#[track_caller]
fn on_swarm<T>(steps: Steps, webhook: impl AsyncFnOnce(Provisioner<'_, Script>) -> T) -> T {
    run_with(&SWARM, steps, webhook)
}

#[track_caller]
fn start(steps: Steps) -> Result<Started, Error> {
    crate::script::start(&SWARM, steps)
}

/// The error of a start, by its code.
#[track_caller]
fn check_refused(steps: Steps, code: &str) -> Error {
    let error = start(steps).expect_err(code);
    assert_eq!(error.code(), code);
    error
}

/// The template of a task, as a Swarm shows it.
fn template_of_task() -> Value {
    let config = Config::parse(&variables(&SWARM)).expect("a config");
    let mut template = config.profiles.of("e").body.value().clone();
    template["ContainerSpec"]["Image"] = "agent".into();
    template["ContainerSpec"]["Env"] = json!(["ENVIRONMENT_ID=e"]);
    template["ContainerSpec"]["Labels"] = entry(ID, "", 0, &[])["Labels"].clone();
    template["ContainerSpec"]["StopGracePeriod"] = 1.into();
    template["Networks"] = json!([{"Target": "n"}]);
    template["ForceUpdate"] = 0.into();
    template
}

/// A service, eleven seconds old, with its labels.
pub fn service(replicas: u64, more: &[&str]) -> Value {
    let mut labels = entry(ID, "created", 0, &[])["Labels"].clone();
    for label in more {
        labels[format!("dynamic-access.{label}")] = "true".into();
    }
    let mut service = json!({
        "ID": SERVICE,
        "Version": {"Index": 7},
        "CreatedAt": "2026-11-23T01:00:50.123456789Z",
        "Spec": {
            "Name": labels["dynamic-access.name"],
            "Labels": labels,
            "TaskTemplate": template_of_task(),
            "Mode": {"Replicated": {"Replicas": replicas}},
        },
    });
    if replicas > 0 {
        let digest = template::digest(&service["Spec"]);
        service["Spec"]["Labels"]["dynamic-access.template"] = digest.into();
    }
    service
}

/// The same, made by another attempt than the first of a webhook.
fn of_another(mut service: Value) -> Reply {
    service["Spec"]["Labels"]["dynamic-access.attempt"] = "a".repeat(32).into();
    shows(service)
}

fn node(role: &str, availability: &str, state: &str, version: &str) -> Value {
    json!({
        "ID": "n",
        "Spec": {"Role": role, "Availability": availability},
        "Description": {"Hostname": "host", "Engine": {"EngineVersion": version}},
        "Status": {"State": state},
    })
}

/// Three managers.
fn managers(versions: [&str; 3]) -> Reply {
    list(&versions.map(|version| node("manager", "active", "ready", version)))
}

pub fn task_of(service: &str, state: &str, desired: &str) -> Value {
    json!({
        "ID": "t",
        "CreatedAt": "2026-11-23T01:00:51.123456789Z",
        "ServiceID": service,
        "NodeID": "n",
        "Spec": {"ContainerSpec": {"Image": "agent", "Labels": entry(ID, "", 0, &[])["Labels"]}},
        "Status": {
            "Timestamp": "2026-11-23T01:00:55.123456789Z",
            "State": state,
            "ContainerStatus": {"ExitCode": 7},
        },
        "DesiredState": desired,
    })
}

fn failing(state: &str, error: &str) -> Reply {
    let mut task = task_of(SERVICE, state, "running");
    task["Status"]["Err"] = error.into();
    task.as_object_mut().expect("a task").remove("NodeID");
    list(&[task])
}

pub fn one(replicas: u64, more: &[&str]) -> Reply {
    list(&[service(replicas, more)])
}

fn shown(replicas: u64, more: &[&str]) -> Reply {
    shows(service(replicas, more))
}

/// The same service, made an hour ago.
fn old(replicas: u64, more: &[&str]) -> Reply {
    let mut service = service(replicas, more);
    service["CreatedAt"] = "2026-11-23T00:00:50.123456789Z".into();
    list(&[service])
}

pub fn task(state: &str) -> Reply {
    list(&[task_of(SERVICE, state, "running")])
}

fn leaving() -> Reply {
    list(&[task_of(SERVICE, "running", "remove")])
}

fn out_of_sequence() -> Reply {
    said(
        500,
        "rpc error: code = Unknown desc = update out of sequence",
    )
}

fn gone() -> Reply {
    said(404, "service x not found")
}

/// The calls of a start until its service has been made and counted, if the lists show
/// these.
fn counted(services: Reply, tasks: Reply) -> Steps {
    call("list unvouched services", services) + call("list tasks", tasks)
}

fn created() -> Steps {
    call(
        "create service",
        Is(201, format!(r#"{{"ID":"{SERVICE}"}}"#)),
    )
}

fn secret() -> Steps {
    call("create secret", Is(201, r#"{"ID":"s"}"#.to_owned()))
}

/// The calls of a start until its secret has been made.
fn until_secret() -> Steps {
    created() + counted(one(0, &[]), none()) + secret()
}

/// The looks before the update that starts a target.
fn checked() -> Steps {
    call("look up service", shown(0, &[])) + nodes_are_new()
}

/// The calls of a start until the update that starts its target.
fn until_checked() -> Steps {
    until_secret() + checked()
}

/// The calls that bring a target to its start.
fn until_updated() -> Steps {
    until_checked() + updated()
}

/// The look at the managers' versions.
fn nodes_are_new() -> Steps {
    call("list nodes", managers(["26.1.5", "25.0.0", "28.5.2"]))
}

fn updated() -> Steps {
    call("update", shows(r#"{"Warnings":null}"#))
}

/// A look at the tasks of the target.
fn looked(tasks: Reply) -> Steps {
    call("list own tasks", tasks)
}

fn seen_running() -> Steps {
    call("find service", one(1, &[])) + looked(task("running"))
}

fn vouched_for() -> Steps {
    call("look up service", shown(1, &[])) + updated()
}

/// The look of another attempt at a service that it will vouch for.
fn looked_up_again(service: Value) -> Steps {
    call("look up service", of_another(service)) + nodes_are_new()
}

/// The calls with which another attempt than the first vouches for a service.
fn vouched_for_again(service: Value) -> Steps {
    looked_up_again(service) + updated()
}

/// The calls after that update, if the target runs.
fn seen_and_vouched_for() -> Steps {
    looked(task("running")) + seen_running() + vouched_for()
}

/// The last calls of a start whose target runs.
fn running() -> Steps {
    until_updated() + seen_and_vouched_for()
}

/// The last calls of a start whose target runs on another node than the first.
fn running_elsewhere() -> Steps {
    let rest = seen_running() + vouched_for_again(service(1, &[]));
    until_updated() + looked(task("running")) + rest
}

/// The calls of a repeated start that finds its target.
fn found() -> Steps {
    call("create service", said(409, "name conflicts"))
        + call("find service by name", one(1, &[]))
        + looked(task("running"))
}

fn deleted() -> Steps {
    call("delete service", shows("")) + call("list own secrets", none())
}

/// The calls that end a target whose tasks end at once.
fn ended() -> Steps {
    updated() + looked(none()) + deleted()
}

/// The calls that clean up after a start whose tasks are these and end at once.
fn cleaned_up(replicas: u64, tasks: &Reply) -> Steps {
    call("find service", one(replicas, &[]))
        + looked(tasks.clone())
        + call("look up service", shown(replicas, &[]))
        + looked(tasks.clone())
        + ended()
}

/// A start whose task ends like this on a node, and its clean-up.
fn tried(tasks: &Reply) -> Steps {
    until_updated() + looked(tasks.clone()) + cleaned_up(1, tasks)
}

/// A start that sees only these tasks in this many looks, and its clean-up.
fn given_up(looks: usize, tasks: &Reply) -> Steps {
    until_updated() + looked(tasks.clone()) * looks + cleaned_up(1, tasks)
}
