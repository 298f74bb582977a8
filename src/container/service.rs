//! A target's service on a Swarm: the template of its task, before any patch, and the
//! body of ServiceCreate.

use serde_json::{Map, Value, json};

use super::additions::{Additions, PerTarget, SecretsVolume};
use super::defaults::{self, CAPABILITIES};
use crate::docker::label;
use crate::docker::ports::Port;

/// The constraint that keeps targets off the managers: whoever controls a manager
/// controls every node.
pub const WORKERS_ONLY: &str = "node.role==worker";

/// The labels that the task has too.
const TASK_LABELS: [&str; 4] = [
    label::DEPLOYMENT,
    label::NAME,
    label::ENVIRONMENT_ID,
    label::OWNER,
];

/// What a node must have free to get a target, in billionths of a processor and in bytes.
/// A Swarm counts reservations, not limits. Agents wait most of the time, so the limits
/// on a node may add up to more than it has.
const RESERVED_NANO_CPUS: u64 = 50_000_000;
const RESERVED_BYTES: u64 = 64 << 20;

/// The template before any patch: the options of an Engine's container that every Engine
/// from 25 on knows, spelt as for a Swarm. A manager drops from each update the options
/// that it does not know, so newer options, such as `OomScoreAdj`, are left to a patch.
pub fn template() -> Value {
    let container = defaults::body();
    let host_config = &container["HostConfig"];
    json!({
        "ContainerSpec": {
            "Init": host_config["Init"],
            "CapabilityDrop": host_config["CapDrop"],
            "CapabilityAdd": capabilities(),
            "Privileges": {"NoNewPrivileges": true},
        },
        "Resources": {
            "Limits": {
                "NanoCPUs": host_config["NanoCpus"],
                "MemoryBytes": host_config["Memory"],
                "Pids": host_config["PidsLimit"],
            },
            "Reservations": {"NanoCPUs": RESERVED_NANO_CPUS, "MemoryBytes": RESERVED_BYTES},
        },
        // One task only, even if it fails.
        "RestartPolicy": {"Condition": "none"},
        "Placement": {"Constraints": [WORKERS_ONLY]},
        "Networks": [{"Target": host_config["NetworkMode"]}],
        "LogDriver": {
            "Name": host_config["LogConfig"]["Type"],
            "Options": host_config["LogConfig"]["Config"],
        },
    })
}

/// The agent's capabilities as a Swarm spells them.
fn capabilities() -> Vec<String> {
    let named = CAPABILITIES.iter();
    named.map(|name| format!("CAP_{name}")).collect()
}

/// Moves the additions out of a patch.
pub fn take_additions(
    patch: &mut Map<String, Value>,
    additions: &mut Additions,
    problems: &mut Vec<String>,
) {
    let container = patch.get_mut("ContainerSpec");
    if let Some(container) = container.and_then(Value::as_object_mut) {
        if container.contains_key("Volumes") {
            problems.push("ContainerSpec.Volumes is not an option of a service".to_owned());
        }
        additions.take_from(container, problems);
    }
}

/// A port in the specification of a service. The node chooses the port that it publishes.
/// Without a mode, each node would publish it, over a network that spans them.
pub fn published(port: &Port) -> Value {
    json!({
        "Protocol": port.protocol.word(),
        "TargetPort": port.number,
        "PublishMode": "host",
    })
}

/// The body of ServiceCreate for one target.
pub fn body(template: &Value, additions: &Additions, target: &PerTarget<'_>) -> Value {
    let mut template = template.clone();
    let container = &mut template["ContainerSpec"];
    container["Image"] = target.image.into();
    // Each list of tasks repeats these, so a task has only those by which it is
    // recognised and counted without its service.
    let of_task = |(key, _): &&(&str, &str)| TASK_LABELS.contains(key);
    additions.add_to(
        container,
        &PerTarget {
            labels: &target
                .labels
                .iter()
                .filter(of_task)
                .copied()
                .collect::<Vec<_>>(),
            // A Swarm mounts the files of secrets itself.
            volume: SecretsVolume::Absent,
            ..*target
        },
    );
    // Only an Engine's container has them.
    if let Some(members) = container.as_object_mut() {
        members.remove("Volumes");
    }
    let grace = i64::try_from(target.stop_grace.as_nanos()).unwrap_or(i64::MAX);
    container["StopGracePeriod"] = grace.into();
    let labels: Map<String, Value> = target
        .labels
        .iter()
        .chain([&(label::VOUCHED, "false")])
        .map(|(key, value)| ((*key).to_owned(), (*value).into()))
        .collect();
    json!({
        "Name": target.name,
        "Labels": labels,
        "TaskTemplate": template,
        // The start makes a task.
        "Mode": {"Replicated": {"Replicas": 0}},
        // A virtual address would need a network that spans the nodes.
        "EndpointSpec": {"Mode": "dnsrr"},
    })
}
