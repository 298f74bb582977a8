//! A target's service on a Swarm: the template of its task before any patch, and the
//! body of ServiceCreate.

use serde_json::{Map, Value, json};

use super::additions::{Additions, PerTarget, SecretsVolume};
use super::defaults::{self, CAPABILITIES};
use crate::docker::label;
use crate::docker::ports::Port;

/// The constraint that keeps targets off the managers: who controls a manager
/// controls every node.
pub const WORKERS_ONLY: &str = "node.role==worker";

/// The labels that a task has too.
const TASK_LABELS: [&str; 4] = [
    label::DEPLOYMENT,
    label::NAME,
    label::ENVIRONMENT_ID,
    label::OWNER,
];

/// What a node must have free to be given a target, in billionths of a processor and
/// in bytes. A Swarm counts reservations and not limits. Most agents wait most of the
/// time, so a node may be given more limits than it has.
const RESERVED_NANO_CPUS: u64 = 50_000_000;
const RESERVED_BYTES: u64 = 64 << 20;

/// The template before any patch: the options of an Engine's container in the words of
/// a Swarm, as far as every Engine from 25 on knows them. A manager leaves out of each
/// update what it does not know, so a later one, such as `OomScoreAdj`, is for a patch.
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
        // One task, whatever becomes of it.
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

/// A port in the specification of a service: its node chooses the port that it publishes.
/// Without a mode, each node would publish it, and a network would have to span them.
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
    // Each list of tasks shows these, so they are no more than a task without its
    // service is recognised and counted by.
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
            // Secrets are a Swarm's own.
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
        // A task is made by the start.
        "Mode": {"Replicated": {"Replicas": 0}},
        // A virtual address would need a network that spans the nodes.
        "EndpointSpec": {"Mode": "dnsrr"},
    })
}
