//! The replies of an Engine and of a Swarm's managers, in one place.
//!
//! A reply in words is one of these, after `at 01:01:02` if the Engine's clock has gone on:
//!
//! * nothing: the call succeeds, and shows nothing unusual;
//! * `lost`, `hangs`, `unreachable`, `too long`; `cut short 10 …`: the limit passes after
//!   this end of a reply, and ten seconds of silence;
//! * a status, and the Engine's words or a whole body: `409 is in use`, `200 <html>`;
//! * `none`: an empty list;
//! * for a list, its entries, joined by ` + `, as follows;
//! * for a container, this token's unless it begins with `other`: its state, or its health
//!   if it runs and has a check, and labels;
//! * for an inspect, this token's: `exited 127 01:01:00`, with the time of its end, and
//!   members;
//! * for a count, the number of processes;
//! * for a volume, the renewal of this token's container for so many seconds, unless it
//!   begins with `other`, written an hour ago;
//! * for a service, this token's: its replicas, and labels;
//! * for a task, this token's: `failed shutdown 128: error`, with its desired state and
//!   its exit code, or `pending nowhere: error` if it has no node;
//! * for a node, its role, and its availability, state and version if they are unusual;
//! * for a create, `warns …`; for an image, `as` its user; for a network, its name and its
//!   options.
//!
//! In an entry, `label=value` is a label of ours, `age=60` the age of a container, and
//! `/path=value` any other member; null removes it.

use dynamic_access::config::Config;
use dynamic_access::docker::swarm::template;
use dynamic_access::docker::{ContainerName, DeploymentId};
use dynamic_access::platform::TransportError;
use dynamic_access::secret::Secret;
use serde_json::{Value, json};

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

/// The status and the body of a response, or why there is none.
pub type Reply = Result<(u16, String), TransportError>;

/// The reply to a call, in words.
pub fn reply(call: &str, words: &str) -> Reply {
    let (first, rest) = words_of(words);
    let all = |entry: fn(&str) -> Value| {
        let entries = words.split(" + ").filter(|words| *words != "none");
        shows(Value::from_iter(entries.map(entry)))
    };
    match call {
        _ if words.is_empty() => success(call),
        _ if words == "lost" => Err(TransportError::Broken("cut off".to_owned())),
        _ if words == "hangs" => Err(TransportError::TimedOut),
        _ if words == "unreachable" => Err(TransportError::Unreachable("refused".to_owned())),
        _ if words == "too long" => Err(TransportError::TooLong),
        _ if first.len() == 3 && first.parse::<u16>().is_ok() => {
            let body = match rest {
                "" => String::new(),
                body if body.starts_with(['{', '<', '[']) => body.to_owned(),
                message => json!({"message": message}).to_string(),
            };
            Ok((first.parse().expect("a status"), body))
        }
        "pull" => {
            let end = rest.strip_prefix("short ").expect("how it is cut short");
            let (quiet, end) = end.split_once(' ').unwrap_or((end, ""));
            let quiet = std::time::Duration::from_secs(quiet.parse().expect("seconds"));
            let end = end.into();
            Err(TransportError::CutShort { end, quiet })
        }
        "create" if first == "warns" => created(json!({"Id": ID, "Warnings": ["another", rest]})),
        "inspect" => shows(container(words)),
        "stats" => {
            let count: u64 = words.parse().expect("a number");
            shows(json!({"pids_stats": {"current": count}}))
        }
        "look up the image" => shows(json!({"Id": "i", "Config": {"User": rest}})),
        "look up the network" => {
            let options: Value = serde_json::from_str(rest).expect("JSON");
            shows(json!([{"Name": first, "Options": options}]))
        }
        "look up service" => shows(service(words)),
        "list nodes" => all(node),
        "create volume" => created(volume(words)),
        "list volumes" => {
            let volumes: Vec<_> = words.split(" + ").map(volume).collect();
            shows(json!({"Volumes": volumes, "Warnings": null}))
        }
        _ if call.contains("tasks") => all(task),
        _ if call.contains("service") => all(service),
        _ if call.starts_with("list ") || call.starts_with("find ") => all(entry),
        _ => panic!("no reply to {call}: {words}"),
    }
}

/// The reply to a call that succeeds.
fn success(call: &str) -> Reply {
    match call {
        "create" => created(json!({"Id": ID, "Warnings": null})),
        "create service" => created(json!({"ID": SERVICE})),
        "create secret" => created(json!({"ID": "s"})),
        "start" | "stop" | "remove" | "remove by force" | "remove other" | "remove volume"
        | "delete secret" => Ok((204, String::new())),
        "inspect" => reply(call, "running"),
        "look up the image" => shows(json!({"Id": "i"})),
        "look up the network" => {
            let isolates = r#"{"com.docker.network.bridge.enable_icc":"false"}"#;
            reply(call, &format!("dynamic-access {isolates}"))
        }
        "list volumes" => shows(json!({"Volumes": null, "Warnings": null})),
        "list nodes" => reply(call, "manager + manager 25.0.0 + manager 28.5.2"),
        "list own secrets" | "list secrets" => shows("[]"),
        "update" => shows(json!({"Warnings": null})),
        "archive" | "delete service" => shows(""),
        _ => panic!("{call} needs a reply"),
    }
}

fn shows(body: impl ToString) -> Reply {
    Ok((200, body.to_string()))
}

fn created(body: Value) -> Reply {
    Ok((201, body.to_string()))
}

/// The Engine's time, in Unix seconds.
const NOW: i64 = 1_795_395_661;

/// Changes an entry as its words say, which has its labels here.
fn set(entry: &mut Value, labels: &str, words: &str) {
    for word in words.split_whitespace() {
        let (key, value) = word.split_once('=').unwrap_or((word, "true"));
        let label = format!("{labels}/dynamic-access.{key}");
        let (path, value) = match key {
            "age" => (
                "/Created",
                (NOW - value.parse::<i64>().expect("seconds")).into(),
            ),
            _ if key.starts_with('/') => {
                let json = serde_json::from_str(value);
                (key, json.unwrap_or_else(|_| value.into()))
            }
            _ => (&*label, value.into()),
        };
        let (object, member) = path.rsplit_once('/').expect("a path");
        let object = entry.pointer_mut(object).and_then(Value::as_object_mut);
        let object = object.expect("an object of the entry");
        object.insert(member.to_owned(), value);
        object.retain(|_, value| !value.is_null());
    }
}

/// The entry of a container in a list, in words; it is eleven seconds old.
fn entry(words: &str) -> Value {
    let other = words.strip_prefix("other ");
    let (state, more) = words_of(other.unwrap_or(words));
    let (state, status) = match state {
        "starting" => ("running", "Up 4 seconds (health: starting)".to_owned()),
        "healthy" | "unhealthy" => ("running", format!("Up 4 seconds ({state})")),
        "created" | "running" | "exited" | "dead" | "removing" => {
            (state, "Up 4 seconds".to_owned())
        }
        _ => panic!("an unknown state {state}"),
    };
    let id = other.map_or(ID, |_| OTHER);
    let deployment = DeploymentId::parse("dynamic-access").expect("an id");
    let token = Secret::new(other.map_or("a-token", |_| "b-token"));
    let name = ContainerName::from_token(&deployment, &token);
    let mut entry = json!({
        "Id": id,
        "Names": [format!("/{}", name.as_str())],
        "State": state,
        "Status": status,
        "Created": NOW - 11,
        "Labels": {
            "dynamic-access.deployment": "dynamic-access",
            "dynamic-access.name": name.as_str(),
            "dynamic-access.attempt": "0".repeat(32),
            "dynamic-access.service-url": "https://host",
            "dynamic-access.environment-id": "e",
        },
    });
    set(&mut entry, "/Labels", more);
    entry
}

/// The volume of a renewal, in words.
fn volume(words: &str) -> Value {
    let other = words.strip_prefix("other ");
    let (seconds, more) = words_of(other.unwrap_or(words));
    let id = other.map_or(ID, |_| OTHER);
    let seconds: u64 = seconds.trim_end_matches('s').parse().expect("seconds");
    let mut volume = json!({
        "Name": format!("dynamic-access-{id}-{seconds}"),
        "Labels": {"dynamic-access.deployment": "dynamic-access"},
        "CreatedAt": "2026-11-23T00:01:01Z",
    });
    set(&mut volume, "/Labels", more);
    volume
}

/// The first word, and the others.
pub fn words_of(words: &str) -> (&str, &str) {
    words.split_once(' ').unwrap_or((words, ""))
}

/// Words that change members, and the others.
fn changes_of(words: &str) -> (String, Vec<&str>) {
    let words = words.split_whitespace();
    let (changes, others): (Vec<_>, _) = words.partition(|word| word.contains('='));
    (changes.join(" "), others)
}

/// An inspect of this token's container, in words.
fn container(words: &str) -> Value {
    let (changes, words) = changes_of(words);
    assert!(words.len() <= 3, "{words:?}");
    let entry = entry(words[0]);
    let code = words.get(1).map_or("0", |code| code);
    let finished = words.get(2).unwrap_or(&"01:01:00");
    let mut container = json!({
        "Id": entry["Id"],
        "Name": entry["Names"][0],
        "Created": "2026-11-23T01:00:50Z",
        "State": {
            "Status": words[0],
            "ExitCode": code.parse::<i64>().expect("a code"),
            "FinishedAt": format!("2026-11-23T{finished}Z"),
        },
        "Config": {"Labels": entry["Labels"]},
    });
    set(&mut container, "/Config/Labels", &changes);
    container
}

/// A service, eleven seconds old, in words.
fn service(words: &str) -> Value {
    let (replicas, more) = words_of(words);
    let replicas: u64 = replicas.parse().expect("a number of replicas");
    let labels = entry("created")["Labels"].clone();
    let config = Config::parse(&variables(&SWARM)).expect("a config");
    // The template of a task, as a Swarm shows it.
    let mut template = config.profiles.of("e").body.value().clone();
    template["ContainerSpec"]["Image"] = "agent".into();
    template["ContainerSpec"]["Env"] = json!(["ENVIRONMENT_ID=e"]);
    template["ContainerSpec"]["Labels"] = labels.clone();
    template["ContainerSpec"]["StopGracePeriod"] = 1.into();
    template["Networks"] = json!([{"Target": "n"}]);
    template["ForceUpdate"] = 0.into();
    let mut service = json!({
        "ID": SERVICE,
        "Version": {"Index": 7},
        "CreatedAt": "2026-11-23T01:00:50.123456789Z",
        "Spec": {
            "Name": labels["dynamic-access.name"],
            "Labels": labels,
            "TaskTemplate": template,
            "Mode": {"Replicated": {"Replicas": replicas}},
        },
    });
    if replicas > 0 {
        let digest = template::digest(&service["Spec"]);
        service["Spec"]["Labels"]["dynamic-access.template"] = digest.into();
    }
    set(&mut service, "/Spec/Labels", more);
    service
}

/// A task of this token's service, in words.
fn task(words: &str) -> Value {
    let (head, error) = match words.split_once(": ") {
        Some((head, error)) => (head, Some(error)),
        None => (words, None),
    };
    let (changes, head) = changes_of(head);
    assert!(head.len() <= 3, "{head:?}");
    let code = head.get(2).map_or(7, |code| code.parse().expect("a code"));
    let desired = head.get(1).filter(|word| **word != "nowhere");
    let mut task = json!({
        "ID": "t",
        "CreatedAt": "2026-11-23T01:00:51.123456789Z",
        "ServiceID": SERVICE,
        "NodeID": "n",
        "Spec": {"ContainerSpec": {"Image": "agent", "Labels": entry("created")["Labels"]}},
        "Status": {
            "Timestamp": "2026-11-23T01:00:55.123456789Z",
            "State": head[0],
            "ContainerStatus": {"ExitCode": code},
            "Err": error,
        },
        "DesiredState": desired.unwrap_or(&"running"),
    });
    if head.get(1) == Some(&"nowhere") {
        set(&mut task, "", "/NodeID=null");
    }
    set(&mut task, "/Spec/ContainerSpec/Labels", &changes);
    task
}

/// A node, in words: its role, and what is unusual.
fn node(words: &str) -> Value {
    let (role, unusual) = words_of(words);
    let mut node = json!({
        "ID": "n",
        "Spec": {"Role": role, "Availability": "active"},
        "Description": {"Hostname": "host", "Engine": {"EngineVersion": "26.1.5"}},
        "Status": {"State": "ready"},
    });
    for word in unusual.split_whitespace() {
        let member = match word {
            "drain" | "pause" => "/Spec/Availability",
            "down" | "unknown" | "disconnected" => "/Status/State",
            version if version.starts_with(|c: char| c.is_ascii_digit()) => {
                "/Description/Engine/EngineVersion"
            }
            _ => panic!("an unknown word about a node: {word}"),
        };
        *node.pointer_mut(member).expect("a member") = word.into();
    }
    node
}
