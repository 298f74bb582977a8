//! `GET /containers/{id}/json` (Engine API, ContainerInspect).
//!
//! An inspect waits for the container's lock, which Docker also holds while it handles an
//! end (moby, `daemon/monitor.go`). So it shows an end before a list does.

use std::collections::BTreeMap;

use http::Method;
use serde_json::Value;

use super::call::Call;
use super::list::Summary;
use super::target::{Ended, State, Target};
use super::{Reply, TargetId, bodiless, ports, unix_seconds};
use crate::fault::Fault;

/// Asks for a container, and how it ended, if it has; `None` if it is gone.
pub fn inspect(id: &TargetId) -> Call<Option<Target>> {
    let path = format!("/containers/{}/json", id.as_str());
    Call::look("inspect", bodiless(Method::GET, &path), inspected)
}

fn inspected(reply: &Reply) -> Result<Option<Target>, Fault> {
    reply.found(|| read(reply, &reply.json()?))
}

fn read(reply: &Reply, container: &Value) -> Result<Target, Fault> {
    let (state, config) = (&container["State"], &container["Config"]);
    let network = &container["NetworkSettings"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let seconds = |value: &Value| value.as_str().and_then(unix_seconds);
    let lacks = |member: &'static str| move || reply.lacks(member);
    let mut labels = BTreeMap::new();
    let given = config["Labels"].as_object().into_iter().flatten();
    labels.extend(given.filter_map(|(key, value)| Some((key.clone(), text(value)?))));
    let summary = Summary {
        id: container["Id"]
            .as_str()
            .and_then(TargetId::of_container)
            .ok_or_else(lacks("Id"))?,
        names: text(&container["Name"]).map(|name| vec![name]),
        state: text(&state["Status"]).ok_or_else(lacks("Status"))?,
        labels: Some(labels),
        created: seconds(&container["Created"]).ok_or_else(lacks("Created"))?,
        image: text(&config["Image"]).unwrap_or_default(),
        image_id: text(&container["Image"]).unwrap_or_default(),
        ports: ports::inspected(&network["Ports"]),
        address: ports::address(&network["Networks"]),
        status: String::new(),
    };
    let now = reply.date();
    let mut target = Target::from_summary(summary, now);
    // Podman's lists do not show health, and `ready` must be the same in every answer.
    let is_podman = reply
        .engine()
        .is_some_and(|name| name.starts_with("Podman"));
    if target.state == State::Running && !is_podman {
        target.ready = match state["Health"]["Status"].as_str() {
            Some("healthy") => Some(true),
            Some("unhealthy" | "starting") => Some(false),
            _ => None,
        };
    }
    if target.state == State::Ended {
        let finished = now.zip(seconds(&state["FinishedAt"]));
        let exit_code = state["ExitCode"].as_i64();
        target.ended = Some(Ended {
            seconds_ago: finished
                .map(|(now, finished)| now.unix_timestamp().saturating_sub(finished)),
            exit_code: Some(exit_code.ok_or_else(lacks("ExitCode"))?),
            is_unhealthy: false,
        });
    }
    Ok(target)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::docker::target::tests::ID;

    /// Reads the inspect of a container in this state, with its own members.
    fn read(server: &str, status: &str, state: Value, network: Value) -> Target {
        let mut body = json!({
            "Id": ID, "Name": "/n", "Created": "2026-11-23T00:00:00Z", "Image": "sha256:0123",
            "State": {"Status": status, "ExitCode": 137},
            "Config": {"Image": "agent", "Labels": {"key": "value"}},
            "NetworkSettings": network,
        });
        for (key, value) in state.as_object().into_iter().flatten() {
            body["State"][key] = value.clone();
        }
        let response = http::Response::builder().header("server", server);
        let response = response.header("date", "Mon, 23 Nov 2026 01:10:00 GMT");
        let response = response.body(body.to_string().into_bytes());
        let found = inspected(&Reply::new(response.expect("a response")));
        found.expect("a container").expect("it is there")
    }

    const DOCKER: &str = "Docker/28.5.2 (linux)";

    #[test]
    fn the_time_since_the_end_is_told_in_any_zone() {
        for (finished, seconds_ago) in [
            ("2026-11-23T01:00:00.123456789Z", Some(600)),
            ("2026-11-23T02:00:00.123456789+01:00", Some(600)),
            // Docker's word for never.
            ("0001-01-01T00:00:00Z", Some(63_930_993_000)),
            ("", None),
        ] {
            let found = read(
                DOCKER,
                "exited",
                json!({"FinishedAt": finished}),
                Value::Null,
            );
            let expected = Ended {
                seconds_ago,
                exit_code: Some(137),
                is_unhealthy: false,
            };
            assert_eq!(found.ended, Some(expected), "{finished}");
        }
    }

    #[test]
    fn a_container_is_read_as_a_list_shows_it() {
        let network = json!({
            "Ports": {"22/tcp": [{"HostIp": "127.0.0.1", "HostPort": "40109"}]},
            "Networks": {"n": {"IPAddress": "172.18.0.5", "GlobalIPv6Address": ""}},
        });
        let found = read(DOCKER, "running", Value::Null, network);
        assert_eq!((found.id.as_str(), found.state), (ID, State::Running));
        assert_eq!(found.age, Some(Duration::from_secs(4200)));
        assert!(found.has_name("n"));
        assert_eq!(found.label("key"), Some("value"));
        assert_eq!((&*found.image, &*found.image_id), ("agent", "sha256:0123"));
        assert_eq!(found.ended, None);
        assert_eq!(found.address.as_deref(), Some("172.18.0.5"));
        assert_eq!(found.published[0].host_port, 40109);
    }

    #[test]
    fn the_health_is_told_of_one_that_runs_and_has_a_check() {
        for (server, state, health, ready) in [
            (DOCKER, "running", "healthy", Some(true)),
            (DOCKER, "running", "starting", Some(false)),
            (DOCKER, "running", "unhealthy", Some(false)),
            (DOCKER, "running", "none", None),
            (DOCKER, "exited", "healthy", None),
            // Podman's lists do not tell it.
            ("Libpod/5.8.6 (linux)", "running", "healthy", None),
        ] {
            let health = json!({"Health": {"Status": health}});
            let found = read(server, state, health, Value::Null);
            assert_eq!(found.ready, ready, "{server} {state}");
        }
    }
}
