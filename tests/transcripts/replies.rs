//! The replies of an Engine and of a Swarm's managers, in one place.
//!
//! A reply in words is one of these:
//!
//! * nothing: the call succeeds, and shows nothing unusual;
//! * `lost`, `hangs`, `unreachable`, `too long`;
//! * a status, and the Engine's words or a whole body: `409 is in use`, `200 <html>`;
//! * `none`: an empty list;
//! * for a list of containers, this token's: `running attempt=theirs`, with other labels;
//! * for an inspect, this token's: `exited 127 01:01:00`, with the time of its end;
//! * for a count, the number of processes;
//! * for services, this token's: `1 vouched attempt=theirs`, with its replicas;
//! * for tasks, this token's: `failed shutdown 128: error`, with its desired state and its
//!   exit code, or `pending nowhere: error` if it has no node.

use dynamic_access::config::Config;
use dynamic_access::docker::swarm::template;
use dynamic_access::docker::{ContainerName, DeploymentId};
use dynamic_access::secret::Secret;
pub use serde_json::{Value, json};

use crate::script::variables;

pub const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
pub const OTHER: &str = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

pub const SERVICE: &str = "0123456789abcdefghijklmno";

/// The variables of a Swarm.
pub const SWARM: [(&str, &str); 2] = [
    ("scheduler", "swarm"),
    (
        "agent_image",
        "r.example.com/agent@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    ),
];

/// A reaction of the Engine of a script.
#[derive(Clone)]
pub enum Reply {
    Is(u16, String),
    /// The same, and its time.
    Dated(&'static str, u16, String),
    Unreachable,
    Lost,
    Hangs,
    /// The limit passes after this end of a reply, and this many seconds of silence.
    CutShort(&'static str, u64),
    TooLong,
}
pub use Reply::{CutShort, Dated, Hangs, Is, Lost, TooLong, Unreachable};

/// The reply to a call, in words.
pub fn reply(call: &str, words: &str) -> Reply {
    let (first, rest) = words.split_once(' ').unwrap_or((words, ""));
    match words {
        "" => success(call),
        "lost" => Lost,
        "hangs" => Hangs,
        "unreachable" => Unreachable,
        "too long" => TooLong,
        "none" => shows("[]"),
        _ if first.len() == 3 && first.parse::<u16>().is_ok() => {
            let body = match rest {
                "" => String::new(),
                body if body.starts_with(['{', '<']) => body.to_owned(),
                message => json!({"message": message}).to_string(),
            };
            Is(first.parse().expect("a status"), body)
        }
        _ if call == "inspect" => {
            let mut rest = rest.split(' ').filter(|word| !word.is_empty());
            let code = rest.next().map_or(0, |code| code.parse().expect("a code"));
            shows(container(first, code, rest.next().unwrap_or("01:01:00")))
        }
        _ if call == "stats" => {
            let count: u64 = words.parse().expect("a number");
            shows(json!({"pids_stats": {"current": count}}))
        }
        _ if call.contains("tasks") => list(&[task(words)]),
        _ if call == "look up service" => shows(service(words)),
        _ if call.contains("service") => list(&[service(words)]),
        _ => list(&[entry(ID, first, TODAY, &labels(rest))]),
    }
}

/// The reply to a call that succeeds.
fn success(call: &str) -> Reply {
    match call {
        "create" => Is(201, json!({"Id": ID, "Warnings": []}).to_string()),
        "create service" => Is(201, json!({"ID": SERVICE}).to_string()),
        "create secret" => Is(201, json!({"ID": "s"}).to_string()),
        "start" | "stop" | "remove" | "remove by force" | "remove volume" | "delete secret" => {
            Is(204, String::new())
        }
        "inspect" => reply(call, "running"),
        "look up the image" => shows(json!({"Id": "i"})),
        "list volumes" => shows(json!({"Volumes": null, "Warnings": null})),
        "list nodes" => managers(["26.1.5", "25.0.0", "28.5.2"]),
        "list own secrets" | "list secrets" => shows("[]"),
        "update" => shows(json!({"Warnings": null})),
        "archive" | "delete service" => shows(""),
        _ => panic!("{call} needs a reply"),
    }
}

/// A reply with this body.
pub fn shows(body: impl ToString) -> Reply {
    Is(200, body.to_string())
}

pub fn list(entries: &[Value]) -> Reply {
    shows(json!(entries))
}

/// Labels in words: each has a value, or is `true`.
fn labels(words: &str) -> Vec<(&str, &str)> {
    let words = words.split(' ').filter(|word| !word.is_empty());
    let pair = |word| str::split_once(word, '=').unwrap_or((word, "true"));
    words.map(pair).collect()
}

/// When this token's container was created: 11 seconds before the Engine's time.
pub const TODAY: i64 = 1_795_395_650;

/// The entry of a container in a list, with changes to its labels.
pub fn entry(id: &str, state: &str, created: i64, changes: &[(&str, &str)]) -> Value {
    let deployment = DeploymentId::parse("dynamic-access").expect("an id");
    let token = if id == OTHER { "b-token" } else { "a-token" };
    let name = ContainerName::from_token(&deployment, &Secret::new(token));
    let mut labels = json!({
        "dynamic-access.deployment": "dynamic-access",
        "dynamic-access.name": name.as_str(),
        "dynamic-access.attempt": "0".repeat(32),
        "dynamic-access.service-url": "https://host",
        "dynamic-access.environment-id": "e",
    });
    for (label, value) in changes {
        labels[format!("dynamic-access.{label}")] = (*value).into();
    }
    json!({
        "Id": id,
        "Names": [format!("/{}", name.as_str())],
        "State": state,
        "Created": created,
        "Labels": labels,
    })
}

/// A container that somebody else made, whose image carries our label.
pub fn stranger(id: &str) -> Value {
    let mut stranger = entry(id, "running", 0, &[]);
    stranger["Names"] = json!(["/another"]);
    stranger
}

/// An inspect of this token's container, which has ended at that time of the day if it
/// has ended.
pub fn container(state: &str, exit_code: i64, finished: &str) -> Value {
    let entry = entry(ID, state, 0, &[]);
    json!({
        "Id": entry["Id"],
        "Name": entry["Names"][0],
        "Created": "2026-11-23T01:00:50Z",
        "State": {
            "Status": state,
            "ExitCode": exit_code,
            "FinishedAt": format!("2026-11-23T{finished}Z"),
        },
        "Config": {"Labels": entry["Labels"]},
    })
}

/// A service, eleven seconds old, in words.
pub fn service(words: &str) -> Value {
    let (replicas, more) = words.split_once(' ').unwrap_or((words, ""));
    let replicas: u64 = replicas.parse().expect("a number of replicas");
    let labels = entry(ID, "created", 0, &labels(more))["Labels"].clone();
    let mut service = json!({
        "ID": SERVICE,
        "Version": {"Index": 7},
        "CreatedAt": "2026-11-23T01:00:50.123456789Z",
        "Spec": {
            "Name": labels["dynamic-access.name"],
            "Labels": labels,
            "TaskTemplate": template_of_task(),
            "Mode": {"Replicated": {"Replicas": replicas}},
        },
    });
    if replicas > 0 {
        let digest = template::digest(&service["Spec"]);
        service["Spec"]["Labels"]["dynamic-access.template"] = digest.into();
    }
    service
}

/// The template of a task, as a Swarm shows it.
fn template_of_task() -> Value {
    let config = Config::parse(&variables(&SWARM)).expect("a config");
    let mut template = config.profiles.of("e").body.value().clone();
    template["ContainerSpec"]["Image"] = "agent".into();
    template["ContainerSpec"]["Env"] = json!(["ENVIRONMENT_ID=e"]);
    template["ContainerSpec"]["Labels"] = entry(ID, "", 0, &[])["Labels"].clone();
    template["ContainerSpec"]["StopGracePeriod"] = 1.into();
    template["Networks"] = json!([{"Target": "n"}]);
    template["ForceUpdate"] = 0.into();
    template
}

/// A task of this token's service, in words.
pub fn task(words: &str) -> Value {
    let (head, error) = match words.split_once(": ") {
        Some((head, error)) => (head, Some(error)),
        None => (words, None),
    };
    let head: Vec<&str> = head.split(' ').collect();
    let code = head.get(2).map_or(7, |code| code.parse().expect("a code"));
    let mut task = json!({
        "ID": "t",
        "CreatedAt": "2026-11-23T01:00:51.123456789Z",
        "ServiceID": SERVICE,
        "NodeID": "n",
        "Spec": {"ContainerSpec": {"Image": "agent", "Labels": entry(ID, "", 0, &[])["Labels"]}},
        "Status": {
            "Timestamp": "2026-11-23T01:00:55.123456789Z",
            "State": head[0],
            "ContainerStatus": {"ExitCode": code},
        },
        "DesiredState": head.get(1).copied().unwrap_or("running"),
    });
    if head.get(1) == Some(&"nowhere") {
        task["DesiredState"] = "running".into();
        task.as_object_mut().expect("a task").remove("NodeID");
    }
    if let Some(error) = error {
        task["Status"]["Err"] = error.into();
    }
    task
}

pub fn node(role: &str, availability: &str, state: &str, version: &str) -> Value {
    json!({
        "ID": "n",
        "Spec": {"Role": role, "Availability": availability},
        "Description": {"Hostname": "host", "Engine": {"EngineVersion": version}},
        "Status": {"State": state},
    })
}

/// Three managers.
pub fn managers(versions: [&str; 3]) -> Reply {
    list(&versions.map(|version| node("manager", "active", "ready", version)))
}
