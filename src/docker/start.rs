//! `POST /containers/{id}/start` (Engine API, ContainerStart).

use http::Method;

use super::call::{CHANGE, Call};
use super::{Reply, TargetId, bodiless};
use crate::fault::Fault;

/// Starts a container. Succeeds if the container runs, because of this request (204) or
/// from before (304). The inner error is the name of a network that the Engine does not
/// have, which it notices only now.
///
/// The Engine would restart a container that has ended, so this is sent only in the state
/// `created`. After a failure the container may run all the same, unless the fault is
/// [`Fault::Unreachable`].
pub fn start(id: &TargetId) -> Call<Result<(), String>> {
    let path = format!("/containers/{}/start", id.as_str());
    Call::change("start", bodiless(Method::POST, &path), CHANGE, started)
}

fn started(reply: &Reply) -> Result<Result<(), String>, Fault> {
    match (reply.status(), reply.missing_network()) {
        (204 | 304, _) => Ok(Ok(())),
        (400.., Some(network)) => Ok(Err(network)),
        _ => Err(reply.fault()),
    }
}
