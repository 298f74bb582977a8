//! The answers of an Engine, in Docker's words or Podman's.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Container, Kind};
use crate::model::reply::{rfc3339, unix};
use crate::model::{Reply, State};

/// The answer to a create whose name is in use.
pub fn name_taken(kind: Kind, name: &str, holder: &str) -> Reply {
    match kind {
        Kind::Docker => {
            let message = format!(
                "Conflict. The container name \"/{name}\" is already in use by container \"{holder}\". You have to remove (or rename) that container to be able to reuse that name."
            );
            Reply::says(409, &message)
        }
        Kind::Podman => {
            let message = format!(
                "container create: creating container storage: the container name \"{name}\" is already in use by {holder}. You have to remove that container to be able to reuse that name: that name is already in use"
            );
            Reply::says(500, &message)
        }
    }
}

/// The answer to a removal without force of a running container.
pub fn running(kind: Kind, id: &str) -> Reply {
    match kind {
        Kind::Docker => {
            let message = format!(
                "cannot remove container \"{id}\": container is running: stop the container before removing or force remove"
            );
            Reply::says(409, &message)
        }
        Kind::Podman => {
            let message = format!(
                "cannot remove container {id} as it is running - running or paused containers cannot be removed without force: container state improper"
            );
            Reply::says(500, &message)
        }
    }
}

/// The answer to a request for a container that is not there.
pub fn absent(id: &str) -> Reply {
    Reply::says(404, &format!("No such container: {id}"))
}

/// A list, the youngest first as Docker sorts it.
pub fn list(mut shown: Vec<&Container>, now: Duration) -> Reply {
    shown.sort_by_key(|container| (std::cmp::Reverse(container.created), container.key));
    let entries: Vec<String> = shown.into_iter().map(|one| entry(one, now)).collect();
    Reply::new(200, format!("[{}]", entries.join(",")))
}

/// How long a list goes on showing an ended container as running. An Engine first takes
/// down its network, which takes seconds on a busy host.
const LISTED_LATE: Duration = Duration::from_secs(2);

fn entry(container: &Container, now: Duration) -> String {
    let start = container.entry.strip_suffix('}').unwrap_or_default();
    let has_just_ended = |finished| container.started.is_some() && now < finished + LISTED_LATE;
    let listed = match (container.state, container.finished) {
        (State::Exited, Some(finished)) if has_just_ended(finished) => State::Running,
        (state, _) => state,
    };
    let state = listed.word();
    let status = match listed {
        State::Running => match container.is_healthy(now) {
            Some(true) => "Up 2 minutes (healthy)",
            Some(false) => "Up 2 minutes (health: starting)",
            None => "Up 2 minutes",
        },
        State::Exited => "Exited (137) 3 minutes ago",
        State::Removing => "Removal In Progress",
        State::Dead => "Dead",
        _ => "Created",
    };
    format!(r#"{start},"State":"{state}","Status":"{status}"}}"#)
}

/// The count of a container's processes.
pub fn stats(container: &Container) -> Reply {
    let runs = container.state == State::Running;
    let body = json!({"pids_stats": {"current": if runs { 3 } else { 0 }}});
    Reply::new(200, body.to_string())
}

/// The answer to an inspect of a container.
pub fn inspect(container: &Container, now: Duration) -> Reply {
    let finished = container.finished.map_or_else(
        || "0001-01-01T00:00:00Z".to_owned(),
        |finished| rfc3339(unix(finished)),
    );
    let health = match container.is_healthy(now) {
        Some(true) => json!({"Status": "healthy"}),
        Some(false) => json!({"Status": "starting"}),
        None => Value::Null,
    };
    let body = json!({
        "Id": *container.id,
        "Name": format!("/{}", container.name),
        "Created": rfc3339(unix(container.created)),
        "State": {
            "Status": container.state.word(),
            "Running": container.state == State::Running,
            "FinishedAt": finished,
            "ExitCode": if container.finished.is_some() { 137 } else { 0 },
            "Error": "",
            "Health": health,
        },
        "Image": "sha256:0",
        "Config": {"Image": "agent", "Labels": *container.labels},
    });
    Reply::new(200, body.to_string())
}
