//! `POST /containers/{id}/start` (Engine API, ContainerStart).

use http::Method;

use super::call::{CHANGE, Call};
use super::{Reply, TargetId, bodiless};
use crate::fault::Fault;

/// The Engine does not have this network of a container, which it notices only now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoSuchNetwork(pub String);

/// Starts a container. Succeeds if the container runs, because of this request (204) or
/// from before (304).
///
/// The Engine would restart a container that has ended, so this is sent only in the state
/// `created`. After a failure the container may run all the same, unless the fault is
/// [`Fault::Unreachable`].
pub fn start(id: &TargetId) -> Call<Result<(), NoSuchNetwork>> {
    let path = format!("/containers/{}/start", id.as_str());
    Call::change("start", bodiless(Method::POST, &path), CHANGE, started)
}

fn started(reply: &Reply) -> Result<Result<(), NoSuchNetwork>, Fault> {
    match (reply.status(), reply.missing_network()) {
        (204 | 304, _) => Ok(Ok(())),
        (400.., Some(network)) => Ok(Err(NoSuchNetwork(network))),
        _ => Err(reply.fault()),
    }
}
