//! `GET /tasks` (Engine API, TaskList).
//!
//! A filter by label compares the labels that the service had when the task was made. It
//! finds a task until the node has confirmed the end, even after the service is deleted.
//! A task shows the labels of its container.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use super::{TOO_LONG, label, moment, own_labels, service_id};
use crate::docker::call::Call;
use crate::docker::part::Part;
use crate::docker::ports::{self, Published};
use crate::docker::{DeploymentId, Reply, TargetId, unix_time};

/// A task as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "TaskBody")]
pub struct Task {
    /// The service that it was made for, which may be gone.
    pub(crate) service: TargetId,
    pub(crate) state: TaskState,
    /// The state that its Swarm wants for it.
    pub(crate) desired: Desired,
    pub(crate) node: Option<String>,
    /// The reason for its state, if its Swarm gives one.
    pub(crate) error: Option<String>,
    /// The exit code of its first process, if it has ended.
    pub(crate) exit_code: Option<i64>,
    /// When it reached its state, by the node's clock.
    pub(crate) since: Option<OffsetDateTime>,
    /// When it was made, in seconds of Unix time.
    pub(crate) created: i64,
    pub(crate) image: String,
    /// Whether its service has a health check of its own. Lists do not show a check of
    /// the image.
    pub(crate) has_check: bool,
    /// The labels of its container that are the server's own.
    pub(crate) labels: BTreeMap<String, String>,
    /// The ports that its node publishes.
    pub(crate) published: Vec<Published>,
}

/// The state of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// It waits for a node with room for it.
    Pending,
    /// Its node prepares it, usually by pulling the image.
    Preparing,
    /// Its node starts its container, or waits for the first health check to pass. No
    /// list shows which.
    Starting,
    /// Any other state before it runs, or a word that no known Engine uses.
    Early,
    /// It runs, as far as its Swarm knows.
    Running,
    /// Its node rejected it, or could not start its container: nothing of it ran.
    Rejected,
    /// It has ended, or its Swarm has given up on its node.
    Ended,
}

/// The state that a Swarm wants for a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Desired {
    /// It shall run, or a word that no known Engine uses.
    Running,
    /// It shall end.
    Shutdown,
    /// It shall end and be gone.
    Remove,
}

/// The error of a task whose container was made but could not be started (moby,
/// `daemon/cluster/executor/container/controller.go`).
const NOT_STARTED: &str = "starting container failed";

impl TaskState {
    /// Reads a word of the API and its error.
    fn parse(text: &str, error: &str) -> Self {
        match text {
            "pending" => Self::Pending,
            "preparing" => Self::Preparing,
            "starting" => Self::Starting,
            "running" => Self::Running,
            // A full subnet shows only this late.
            "failed" if error.starts_with(NOT_STARTED) => Self::Rejected,
            "rejected" => Self::Rejected,
            "complete" | "failed" | "shutdown" | "orphaned" | "remove" => Self::Ended,
            _ => Self::Early,
        }
    }
}

impl Task {
    /// Whether it runs or may still run.
    pub fn is_live(&self) -> bool {
        !matches!(self.state, TaskState::Rejected | TaskState::Ended)
    }

    /// Whether its node has ended it because its health check failed, with an exit code
    /// other than 0: "task: non-zero exit (143): dockerexec: unhealthy container".
    pub fn is_unhealthy(&self) -> bool {
        let error = self.error.as_deref();
        error.is_some_and(|error| error.contains("unhealthy container"))
    }
}

/// Lists the tasks of a part of a deployment.
pub fn of_deployment(deployment: &DeploymentId, part: &Part) -> Call<Vec<Task>> {
    list(&part.filter(deployment, &[], ""))
}

/// Lists the tasks of all services that had this name, deleted ones too.
pub fn of_name(name: &str) -> Call<Vec<Task>> {
    list(&label::filter(&[(label::NAME, name)]))
}

fn list(filter: &Value) -> Call<Vec<Task>> {
    Call::list("tasks", "/tasks?", filter, Reply::listed).if_too_long(TOO_LONG)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TaskBody {
    #[serde(deserialize_with = "unix_time")]
    created_at: i64,
    #[serde(rename = "ServiceID", deserialize_with = "service_id")]
    service: TargetId,
    #[serde(rename = "NodeID", default)]
    node_id: String,
    spec: Spec,
    status: Status,
    #[serde(default)]
    desired_state: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Spec {
    container_spec: Option<ContainerSpec>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
struct ContainerSpec {
    #[serde(default)]
    image: String,
    #[serde(default)]
    healthcheck: Value,
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Status {
    #[serde(default)]
    timestamp: String,
    state: String,
    err: Option<String>,
    #[serde(default)]
    container_status: Value,
    #[serde(default)]
    port_status: Value,
}

impl From<TaskBody> for Task {
    fn from(body: TaskBody) -> Self {
        let container = body.spec.container_spec.unwrap_or_default();
        let status = body.status;
        Self {
            service: body.service,
            state: TaskState::parse(&status.state, status.err.as_deref().unwrap_or_default()),
            desired: match &*body.desired_state {
                "shutdown" => Desired::Shutdown,
                "remove" => Desired::Remove,
                _ => Desired::Running,
            },
            node: Some(body.node_id).filter(|node| !node.is_empty()),
            error: status.err.filter(|error| !error.is_empty()),
            exit_code: status.container_status["ExitCode"].as_i64(),
            since: moment(&status.timestamp),
            created: body.created_at,
            image: container.image,
            has_check: container.healthcheck["Test"][0]
                .as_str()
                .is_some_and(|kind| kind != "NONE"),
            labels: own_labels(container.labels),
            published: ports::listed(&status.port_status["Ports"], ports::OF_TASK),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::docker::reply::tests::reply;

    /// A task that should be removed, with this template and this status.
    fn task(spec: Value, status: Value) -> Task {
        let body = json!([{
            "CreatedAt": "2026-11-23T01:00:00Z",
            "ServiceID": "0123456789abcdefghijklmno",
            "NodeID": "",
            "Spec": spec,
            "Status": status,
            "DesiredState": "remove",
        }]);
        let tasks = of_name("da-1").read(&reply(200, &body.to_string()));
        tasks.expect("a list").remove(0)
    }

    #[test]
    fn a_task_is_read_in_every_state() {
        use TaskState::{Early, Ended, Pending, Preparing, Rejected, Running, Starting};
        for (words, state, is_live) in [
            (
                "new allocated assigned accepted ready sleeping",
                Early,
                true,
            ),
            ("pending", Pending, true),
            ("preparing", Preparing, true),
            ("starting", Starting, true),
            ("running", Running, true),
            ("complete failed shutdown orphaned remove", Ended, false),
            ("rejected", Rejected, false),
        ] {
            for word in words.split(' ') {
                let task = task(json!({}), json!({"State": word, "Err": ""}));
                assert_eq!((task.state, task.is_live()), (state, is_live), "{word}");
                assert_eq!(
                    (task.desired, task.node, task.error),
                    (Desired::Remove, None, None)
                );
            }
        }
    }

    #[test]
    fn a_task_tells_whether_it_has_a_check() {
        for (check, has_check) in [
            (json!({"Test": ["CMD", "true"]}), true),
            (json!({"Test": ["NONE"]}), false),
            (json!({"Interval": 1}), false),
            (Value::Null, false),
        ] {
            let spec = json!({"ContainerSpec": {"Healthcheck": check}});
            let task = task(spec, json!({"State": "running"}));
            assert_eq!(task.has_check, has_check, "{check}");
        }
    }
}
