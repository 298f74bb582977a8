//! `POST /containers/{id}/stop` (Engine API, ContainerStop).

use std::time::Duration;

use http::Method;

use super::call::{Call, LOOK};
use super::{TargetId, bodiless};

/// Asks a container to end, and kills it after `grace`, in whole seconds. A container
/// that does not run, or is gone, has ended too.
///
/// After a failure the container may have ended all the same.
pub fn stop(id: &TargetId, grace: Duration) -> Call<()> {
    let path = format!("/containers/{}/stop?t={}", id.as_str(), grace.as_secs());
    let request = bodiless(Method::POST, &path);
    Call::change("stop", request, grace + LOOK, |reply| {
        match reply.status() {
            304 => Ok(()),
            _ => reply.done_or_absent(),
        }
    })
}
