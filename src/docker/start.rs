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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::reply::tests::reply;
    use crate::docker::target::tests::{ID, id};

    #[test]
    fn the_request_is_empty_and_says_so() {
        let request = start(&id()).request;
        assert_eq!(request.method(), Method::POST);
        let path = format!("/containers/{ID}/start");
        assert_eq!(request.uri().to_string(), path);
        assert_eq!(request.headers()["content-length"], "0");
        assert!(request.body().is_empty());
    }

    #[test]
    fn a_container_that_runs_already_counts_as_started() {
        for status in [204, 304] {
            assert_eq!(started(&reply(status, "")), Ok(Ok(())));
        }
    }

    #[test]
    fn a_missing_network_is_told_from_other_failures() {
        for status in [404, 500] {
            let outcome = started(&reply(status, r#"{"message":"network n not found"}"#));
            assert_eq!(outcome, Ok(Err(NoSuchNetwork("n".to_owned()))));
        }
    }

    #[test]
    fn any_other_reply_is_a_fault() {
        for status in [200, 400, 404, 409, 500] {
            started(&reply(status, r#"{"message":"m"}"#)).expect_err("a fault");
        }
    }
}
