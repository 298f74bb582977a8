//! `DELETE /containers/{id}` (Engine API, ContainerDelete).

use http::Method;

use super::call::{CHANGE, Call};
use super::{Reply, TargetId, bodiless};
use crate::fault::Fault;

/// The outcome of a removal that the Engine understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// The container is gone, and this call has removed it.
    Done,
    /// It was gone before (404).
    Absent,
    /// It can never start again, and a node of the Swarm has not confirmed its end.
    Ending,
    /// The Engine declined (409): the container runs and there was no force, or another
    /// removal is in progress.
    Declined,
}

impl Removed {
    /// Whether the container is gone, whoever removed it.
    pub fn is_gone(self) -> bool {
        matches!(self, Self::Done | Self::Absent)
    }
}

/// Removes a container unless it runs, in one atomic step: it can never kill a container
/// that another request has just started.
///
/// After a failure of this call or of [`kill_and_remove`] the container may be
/// gone all the same, unless the fault is [`Fault::Unreachable`].
pub fn remove(id: &TargetId) -> Call<Removed> {
    let path = format!("/containers/{}?v=true", id.as_str());
    Call::change("remove", bodiless(Method::DELETE, &path), CHANGE, removed)
}

/// Kills and removes a container. The Engine finishes this even when the
/// connection is lost.
pub fn kill_and_remove(id: &TargetId) -> Call<Removed> {
    let path = format!("/containers/{}?force=true&v=true", id.as_str());
    Call::change("kill", bodiless(Method::DELETE, &path), CHANGE, removed)
}

fn removed(reply: &Reply) -> Result<Removed, Fault> {
    match reply.status() {
        204 => Ok(Removed::Done),
        404 if reply.is_engines() => Ok(Removed::Absent),
        409 if reply.is_engines() => Ok(Removed::Declined),
        // Podman's way to say the same.
        500 if reply.says(&["as it is running"]) => Ok(Removed::Declined),
        _ => Err(reply.fault()),
    }
}
