//! `POST /containers/{id}/start` (Engine API, ContainerStart).

use http::Method;

use super::{ContainerId, Reply, bodiless};
use crate::fault::Fault;
use crate::platform::HttpRequest;

/// The request that starts a container.
///
/// It would start one that has ended once more, so it is sent for containers
/// that are `created` and for no others.
pub fn start(id: &ContainerId) -> HttpRequest {
    bodiless(Method::POST, &format!("/containers/{}/start", id.as_str()))
}

/// Reads the reply to [`start`]: the container runs, whether because of this
/// request (204) or before it (304).
///
/// # Errors
///
/// Any other reply. The container may run all the same, unless the fault is
/// [`Fault::Unreachable`].
pub fn started(reply: &Reply) -> Result<(), Fault> {
    match reply.status() {
        204 | 304 => Ok(()),
        _ => Err(reply.fault()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::reply::tests::reply;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn the_request_is_empty_and_says_so() {
        let request = start(&ContainerId::parse(ID).expect("an id"));
        assert_eq!(request.method(), Method::POST);
        let path = format!("/containers/{ID}/start");
        assert_eq!(request.uri().to_string(), path);
        assert_eq!(request.headers()["content-length"], "0");
        assert!(request.body().is_empty());
    }

    #[test]
    fn a_container_that_runs_already_counts_as_started() {
        for status in [204, 304] {
            assert_eq!(started(&reply(status, "")), Ok(()));
        }
    }

    #[test]
    fn any_other_reply_is_a_fault() {
        for status in [200, 400, 404, 409, 500] {
            started(&reply(status, r#"{"message":"m"}"#)).expect_err("a fault");
        }
    }
}
