//! `POST /containers/{id}/stop` (Engine API, ContainerStop).

use std::time::Duration;

use http::{Method, StatusCode};

use super::call::{Call, LOOK};
use super::{Reply, TargetId, bodiless};
use crate::fault::Fault;

/// Asks a container to end, and kills it after `grace`, in whole seconds. A container
/// that does not run, or is gone, has ended too.
///
/// After a failure the container may have ended all the same.
pub fn stop(id: &TargetId, grace: Duration) -> Call<()> {
    let path = format!("/containers/{}/stop?t={}", id.as_str(), grace.as_secs());
    Call::change("stop", bodiless(Method::POST, &path), grace + LOOK, stopped)
}

fn stopped(reply: &Reply) -> Result<(), Fault> {
    match reply.status() {
        204 | 304 => Ok(()),
        404 if reply.is_engines(StatusCode::NOT_FOUND) => Ok(()),
        _ => Err(reply.fault()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::reply::tests::reply;
    use crate::docker::target::tests::{ID, id};

    #[test]
    fn the_grace_is_told_in_seconds() {
        let request = stop(&id(), Duration::from_secs(15)).request;
        let uri = format!("/containers/{ID}/stop?t=15");
        assert_eq!(request.uri().to_string(), uri);
    }

    #[test]
    fn what_does_not_run_has_stopped() {
        for status in [204, 304] {
            assert_eq!(stopped(&reply(status, "")), Ok(()));
        }
        assert_eq!(stopped(&reply(404, r#"{"message":"No such"}"#)), Ok(()));
        for (status, body) in [(200, ""), (404, "<html>"), (409, ""), (500, "")] {
            stopped(&reply(status, body)).expect_err(body);
        }
    }
}
