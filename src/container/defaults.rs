//! The options of a target's container, before any patch.

use serde_json::{Value, json};

/// The capabilities of an agent. It opens shells as users, so it must be able to
/// become them, to own and remove their files, and to end their processes.
pub const CAPABILITIES: [&str; 6] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "KILL",
    "SETGID",
    "SETUID",
];

/// Enough for an agent, and a user's shell with its tools. A user who exceeds it ends
/// only their own target.
const MEMORY_BYTES: u64 = 1 << 30;

/// The body before any patch.
pub fn body() -> Value {
    json!({
        // An agent has nothing to finish. Podman waits this long even before a
        // forced removal.
        "StopTimeout": 5,
        "HostConfig": {
            "Memory": MEMORY_BYTES,
            // One processor: a busy loop must not slow down other targets.
            "NanoCpus": 1_000_000_000,
            // Enough for shells and compilers, and a limit for a fork bomb.
            "PidsLimit": 512,
            // Root in the target has only the capabilities added here.
            "CapDrop": ["ALL"],
            "CapAdd": CAPABILITIES,
            // A setuid program of the image must not give its caller more rights.
            "SecurityOpt": ["no-new-privileges"],
            // An init process reaps what an agent's shells leave behind.
            "Init": true,
            // Limits how much disk the output of a target can fill.
            "LogConfig": {
                "Type": "json-file",
                "Config": {"max-size": "10m", "max-file": "2"},
            },
            // An agent only makes outgoing connections.
            "PublishAllPorts": false,
            // An agent that has ended has spent its token, and its exit code shows why it
            // ended.
            "RestartPolicy": {"Name": "no"},
            // The operator creates this network, on which targets cannot reach each
            // other.
            "NetworkMode": "dynamic-access",
            // Shared memory and control groups of the target's own.
            "IpcMode": "private",
            "CgroupnsMode": "private",
            // When the host runs out of memory, targets are killed first.
            "OomScoreAdj": 500,
        },
    })
}

/// Sets the options that depend on others, once all patches are applied.
pub fn complete(body: &mut Value) {
    // By default, the Engine allows as much swap as there is memory.
    let host_config = &mut body["HostConfig"];
    if let Some(members) = host_config.as_object_mut()
        && let Some(memory) = members.get("Memory").cloned()
    {
        members.entry("MemorySwap").or_insert(memory);
    }
}
