//! The answers of an Engine, in Docker's words or Podman's.

use std::time::Duration;

use serde_json::json;

use super::{Container, Kind};
use crate::model::reply::rfc3339;
use crate::model::{Reply, State};

/// A conflict, which Podman calls a failure.
fn conflict(kind: Kind, message: String) -> Reply {
    Reply::says(if kind == Kind::Podman { 500 } else { 409 }, message)
}

/// The answer to a create whose name is in use.
pub fn name_taken(kind: Kind, name: &str, holder: &str) -> Reply {
    let message = match kind {
        Kind::Docker => format!(
            "Conflict. The container name \"/{name}\" is already in use by container \"{holder}\". You have to remove (or rename) that container to be able to reuse that name."
        ),
        Kind::Podman => format!(
            "container create: creating container storage: the container name \"{name}\" is already in use by {holder}. You have to remove that container to be able to reuse that name: that name is already in use"
        ),
    };
    conflict(kind, message)
}

/// The answer to a removal without force of a running container.
pub fn running(kind: Kind, id: &str) -> Reply {
    let message = match kind {
        Kind::Docker => format!(
            "cannot remove container \"{id}\": container is running: stop the container before removing or force remove"
        ),
        Kind::Podman => format!(
            "cannot remove container {id} as it is running - running or paused containers cannot be removed without force: container state improper"
        ),
    };
    conflict(kind, message)
}

/// The answer to a start of a container that is being removed.
pub fn marked(kind: Kind) -> Reply {
    let message = "container is marked for removal and cannot be started";
    conflict(kind, message.to_owned())
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
    let status = match (listed, container.is_healthy(now)) {
        (State::Running, Some(true)) => "Up 2 minutes (healthy)",
        (State::Running, Some(false)) => "Up 2 minutes (health: starting)",
        (State::Running, None) => "Up 2 minutes",
        (State::Exited, _) => "Exited (137) 3 minutes ago",
        (State::Removing, _) => "Removal In Progress",
        (State::Dead, _) => "Dead",
        _ => "Created",
    };
    format!(r#"{start},"State":"{state}","Status":"{status}"}}"#)
}

/// The answer to an inspect of a container.
pub fn inspect(container: &Container, now: Duration) -> Reply {
    let never = || "0001-01-01T00:00:00Z".to_owned();
    let word = |is_healthy| if is_healthy { "healthy" } else { "starting" };
    let body = json!({
        "Id": *container.id,
        "Name": format!("/{}", container.name),
        "Created": rfc3339(container.created),
        "State": {
            "Status": container.state.word(),
            "Running": container.state == State::Running,
            "FinishedAt": container.finished.map_or_else(never, rfc3339),
            "ExitCode": if container.finished.is_some() { 137 } else { 0 },
            "Error": "",
            "Health": container.is_healthy(now).map(|is| json!({"Status": word(is)})),
        },
        "Image": "sha256:0",
        "Config": {"Image": "agent", "Labels": *container.labels},
    });
    Reply::new(200, body)
}
