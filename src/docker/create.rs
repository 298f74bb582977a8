//! `POST /containers/create` (Engine API, ContainerCreate).

use http::Method;
use serde_json::Value;

use super::call::{CHANGE, Call};
use super::{ContainerName, Reply, TargetId, json, query_encoded, says};
use crate::fault::Fault;

/// The outcome of a create that the Engine understood.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The container exists.
    Created {
        /// Its id.
        id: TargetId,
        /// What the Engine left out of the container's configuration.
        warnings: Vec<String>,
    },
    /// The name is taken, at least for now. Holds the Engine's words, which may name the
    /// holder.
    NameTaken(String),
    /// The Engine does not have the image.
    NoSuchImage,
    /// The Engine does not have the network. Only Podman notices this here.
    NoSuchNetwork(String),
}

/// Makes a container with this name from a body of ContainerCreate.
///
/// [`Fault::EngineError`] means that the Engine refused the container or failed
/// itself. After a failure of its own, or [`Fault::Nonsense`], the container
/// may exist all the same.
pub fn create(name: &ContainerName, body: &Value) -> Call<Outcome> {
    let path = format!("/containers/create?name={}", query_encoded(name.as_str()));
    Call::change("create", json(Method::POST, &path, body), CHANGE, created)
}

fn created(reply: &Reply) -> Result<Outcome, Fault> {
    match reply.status() {
        201 => {
            let body: Value = reply.json()?;
            let id = body["Id"].as_str().and_then(TargetId::of_container);
            let warnings = body["Warnings"].as_array();
            let warnings = warnings.into_iter().flatten().filter_map(Value::as_str);
            Ok(Outcome::Created {
                id: id.ok_or_else(|| reply.lacks("Id"))?,
                warnings: warnings.map(str::to_owned).collect(),
            })
        }
        // Podman up to 5.8 answers 500 if a name is in use. Docker answers 500, from 28 on
        // 404, if the name is released while it looks up the holder.
        404 | 500 if reply.says(&["is already in use", "name is not reserved"]) => {
            Ok(Outcome::name_taken(reply))
        }
        // In Docker's words, and in Podman's.
        404 if reply.says(&["no such image", "image not known"]) => Ok(Outcome::NoSuchImage),
        _ => Outcome::refused(reply),
    }
}

impl Outcome {
    /// The outcome of a create of a container, or of a service on a Swarm, that failed.
    pub(super) fn refused(reply: &Reply) -> Result<Self, Fault> {
        match (reply.status(), reply.missing_network()) {
            (409, _) if reply.is_engines() => Ok(Self::name_taken(reply)),
            (400.., Some(network)) => Ok(Self::NoSuchNetwork(network)),
            _ => Err(reply.fault()),
        }
    }

    fn name_taken(reply: &Reply) -> Self {
        Self::NameTaken(reply.message().unwrap_or_default())
    }
}

/// Whether a warning says that the Engine drops the limit of memory or of processes. It
/// does so where the kernel lacks them: Docker 20.10 to 29 in
/// `verifyPlatformContainerResources`, Podman in `verifyContainerResources`, without root
/// on control groups of the first version. A warning about swap alone does not count.
pub fn is_limit_dropped(warning: &str) -> bool {
    let words = [
        "does not support memory limit",
        "does not support pids limit",
        "resource limits are not supported",
    ];
    says(warning, &words)
}
