//! `GET /containers/{id}/json` (Engine API, ContainerInspect).
//!
//! An inspect waits for a start in progress, so it is only sent for containers
//! that have ended.

use http::{Method, StatusCode};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::call::Call;
use super::{Reply, TargetId, bodiless};
use crate::fault::Fault;

/// How a container ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Seconds since then, by the Engine's own clock; `None` if the reply does
    /// not tell.
    pub seconds_ago: Option<i64>,
    /// The exit code of its first process, if it is known. An Engine always knows it,
    /// and a Swarm does not after it has given up a node.
    pub exit_code: Option<i64>,
    /// Whether its Swarm has ended it because its health check failed. An Engine goes on
    /// running such a container.
    pub is_unhealthy: bool,
}

/// Asks how a container ended; `None` if it is gone.
pub fn inspect(id: &TargetId) -> Call<Option<Ended>> {
    let path = format!("/containers/{}/json", id.as_str());
    Call::look("inspect", bodiless(Method::GET, &path), inspected)
}

fn inspected(reply: &Reply) -> Result<Option<Ended>, Fault> {
    match reply.status() {
        200 => {
            let body: Value = reply.json()?;
            let state = &body["State"];
            let exit_code = state["ExitCode"].as_i64();
            let finished = state["FinishedAt"].as_str();
            let finished = OffsetDateTime::parse(finished.unwrap_or_default(), &Rfc3339).ok();
            let seconds_ago = reply.date().zip(finished).map(|(now, finished)| {
                now.unix_timestamp()
                    .saturating_sub(finished.unix_timestamp())
            });
            Ok(Some(Ended {
                seconds_ago,
                exit_code: Some(exit_code.ok_or_else(|| reply.lacks("ExitCode"))?),
                is_unhealthy: false,
            }))
        }
        404 if reply.is_engines(StatusCode::NOT_FOUND) => Ok(None),
        _ => Err(reply.fault()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::reply::tests::{dated, reply};

    const DATE: &str = "Mon, 23 Nov 2026 01:10:00 GMT";

    #[test]
    fn the_time_since_the_end_is_told_in_any_zone() {
        for (finished, seconds_ago) in [
            ("2026-11-23T01:00:00.123456789Z", Some(600)),
            ("2026-11-23T02:00:00.123456789+01:00", Some(600)),
            ("2026-11-23T01:10:00Z", Some(0)),
            // Docker's word for never.
            ("0001-01-01T00:00:00Z", Some(63_930_993_000)),
            ("", None),
        ] {
            let body = format!(r#"{{"State":{{"FinishedAt":"{finished}","ExitCode":137}}}}"#);
            let ended = inspected(&dated(200, &body, Some(DATE)));
            let exit_code = Some(137);
            let expected = Ended {
                seconds_ago,
                exit_code,
                is_unhealthy: false,
            };
            assert_eq!(ended, Ok(Some(expected)), "{finished}");
        }
    }

    #[test]
    fn a_container_that_is_gone_is_no_fault() {
        let gone = reply(404, r#"{"message":"No such container: x"}"#);
        assert_eq!(inspected(&gone), Ok(None));
        for (status, body) in [(404, "<html>"), (200, "{}"), (500, r#"{"message":"m"}"#)] {
            inspected(&reply(status, body)).expect_err(body);
        }
    }
}
