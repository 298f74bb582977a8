//! `GET /containers/{id}/json` (Engine API, ContainerInspect).
//!
//! Docker holds a container's lock while it starts it and while it carries out its end,
//! and lists it as it was until then (moby, `daemon/monitor.go`). An inspect waits for
//! that lock, so it tells of an end that a list does not show yet.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::call::Call;
use super::list::Summary;
use super::target::{Ended, State, Target};
use super::{Reply, TargetId, bodiless};
use crate::fault::Fault;

/// Asks for a container, and for how it ended if it has; `None` if it is gone.
pub fn inspect(id: &TargetId) -> Call<Option<Target>> {
    let path = format!("/containers/{}/json", id.as_str());
    Call::look("inspect", bodiless(Method::GET, &path), inspected)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Container {
    id: String,
    name: String,
    created: String,
    state: ContainerState,
    #[serde(default)]
    image: String,
    config: ContainerConfig,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContainerState {
    status: String,
    exit_code: i64,
    #[serde(default)]
    finished_at: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContainerConfig {
    #[serde(default)]
    image: String,
    labels: Option<BTreeMap<String, String>>,
}

fn inspected(reply: &Reply) -> Result<Option<Target>, Fault> {
    match reply.status() {
        200 => {
            let container: Container = reply.json()?;
            let now = reply.date();
            let ended = container.state.ended(now);
            let created = unix_time(&container.created);
            let summary = Summary {
                id: container.id,
                names: Some(vec![container.name]),
                state: container.state.status,
                labels: container.config.labels,
                created: created.ok_or_else(|| reply.lacks("Created"))?,
                image: container.config.image,
                image_id: container.image,
            };
            let target = Target::from_summary(summary, now)?;
            Ok(Some(Target {
                ended: Some(ended).filter(|_| target.state == State::Ended),
                ..target
            }))
        }
        404 if reply.is_engines(StatusCode::NOT_FOUND) => Ok(None),
        _ => Err(reply.fault()),
    }
}

impl ContainerState {
    fn ended(&self, now: Option<OffsetDateTime>) -> Ended {
        let finished = unix_time(&self.finished_at);
        let seconds_ago = now
            .zip(finished)
            .map(|(now, finished)| now.unix_timestamp().saturating_sub(finished));
        Ended {
            seconds_ago,
            exit_code: Some(self.exit_code),
            is_unhealthy: false,
        }
    }
}

fn unix_time(text: &str) -> Option<i64> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    Some(time.unix_timestamp())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::docker::reply::tests::{dated, reply};

    const DATE: &str = "Mon, 23 Nov 2026 01:10:00 GMT";

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn body(state: &str, finished: &str) -> String {
        format!(
            r#"{{"Id":"{ID}","Name":"/n","Created":"2026-11-23T00:00:00Z","Image":"sha256:0123",
                "State":{{"Status":"{state}","FinishedAt":"{finished}","ExitCode":137}},
                "Config":{{"Image":"agent","Labels":{{"key":"value"}}}}}}"#
        )
    }

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
            let found = inspected(&dated(200, &body("exited", finished), Some(DATE)));
            let expected = Ended {
                seconds_ago,
                exit_code: Some(137),
                is_unhealthy: false,
            };
            let ended = found.expect("a container").expect("it is there").ended;
            assert_eq!(ended, Some(expected), "{finished}");
        }
    }

    #[test]
    fn a_container_is_read_as_a_list_shows_it() {
        let found = inspected(&dated(200, &body("running", ""), Some(DATE)));
        let found = found.expect("a container").expect("it is there");
        assert_eq!((found.id.as_str(), found.state), (ID, State::Running));
        assert_eq!(found.age, Some(Duration::from_secs(4200)));
        assert!(found.has_name("n"));
        assert_eq!(found.label("key"), Some("value"));
        assert_eq!((&*found.image, &*found.image_id), ("agent", "sha256:0123"));
        assert_eq!(found.ended, None);
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
