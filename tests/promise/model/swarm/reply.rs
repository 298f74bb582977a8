//! The answers of a Swarm's manager.

use serde_json::json;

use super::service::{Service, Task, TaskState, WORKERS};
use super::{Nodes, Secret};
use crate::model::Reply;
use crate::model::reply::rfc3339;

/// A failure in the words of the managers' calls to each other.
pub fn rpc(status: u16, code: &str, what: &str) -> Reply {
    Reply::says(status, format!("rpc error: code = {code} desc = {what}"))
}

pub fn name_taken(kind: &str, name: &str) -> Reply {
    let what = format!("name conflicts with an existing object: {kind} {name} already exists");
    rpc(409, "AlreadyExists", &what)
}

/// The answer to a request for an object that is not there.
pub fn absent(kind: &str, id: &str) -> Reply {
    Reply::says(404, format!("{kind} {id} not found"))
}

pub fn created(id: &str) -> Reply {
    Reply::new(201, json!({"ID": id, "Warnings": null}))
}

pub fn list(shown: impl Iterator<Item = String>) -> Reply {
    let entries: Vec<String> = shown.collect();
    Reply::new(200, format!("[{}]", entries.join(",")))
}

pub fn service_entry(service: &Service) -> String {
    let (id, version, created) = (&service.id, service.version(), rfc3339(service.created));
    let spec = &service.spec.text;
    format!(
        r#"{{"ID":"{id}","Version":{{"Index":{version}}},"CreatedAt":"{created}","Spec":{spec},"Endpoint":{{"Spec":{{}}}}}}"#
    )
}

pub fn task_entry(task: &Task) -> String {
    let start = task.entry.strip_suffix('}').unwrap_or_default();
    let state = task.shown.unwrap_or(task.state);
    let more = match state {
        TaskState::NoNode => r#","Err":"no suitable node (insufficient resources on 1 node)""#,
        TaskState::Rejected => r#","Err":"No such image: agent""#,
        TaskState::Running => r#","ContainerStatus":{"ContainerID":"0","PID":1,"ExitCode":0}"#,
        TaskState::Failed => {
            r#","Err":"task: non-zero exit (7)","ContainerStatus":{"ContainerID":"0","PID":0,"ExitCode":7}"#
        }
        TaskState::Shutdown => r#","ContainerStatus":{"ContainerID":"0","PID":0,"ExitCode":0}"#,
        TaskState::Pending | TaskState::Preparing => "",
    };
    let node = match task.node {
        Some(node) if !matches!(state, TaskState::Pending | TaskState::NoNode) => {
            format!(r#""NodeID":"{node}","#)
        }
        _ => String::new(),
    };
    let (since, word, desired) = (rfc3339(task.since), state.word(), task.desired.word());
    format!(
        r#"{start},{node}"Status":{{"Timestamp":"{since}","State":"{word}"{more}}},"DesiredState":"{desired}"}}"#
    )
}

pub fn secret_entry(secret: &Secret) -> String {
    json!({
        "ID": *secret.id,
        "CreatedAt": rfc3339(secret.created),
        "Spec": {"Name": secret.name, "Labels": secret.labels},
    })
    .to_string()
}

pub fn nodes(nodes: Nodes, has_older: bool) -> Reply {
    let version = if has_older { "20.10.24" } else { "26.1.5" };
    let is_lost = nodes == Nodes::OneLost;
    let state = if is_lost { "down" } else { "ready" };
    let all = [
        ("manager", "manager", "ready"),
        (WORKERS[0], "worker", state),
        (WORKERS[1], "worker", "ready"),
    ];
    let all = all.map(|(id, role, state)| {
        json!({
            "ID": id,
            "Spec": {"Role": role, "Availability": "active"},
            "Description": {"Hostname": id, "Engine": {"EngineVersion": version}},
            "Status": {"State": state},
        })
    });
    Reply::new(200, json!(all))
}
