//! Where every target's container starts from.

use serde_json::{Value, json};

/// What an agent needs that opens shells as users: to become them, and to own
/// and remove their files; and to end what they have left running.
pub const CAPABILITIES: [&str; 6] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "KILL",
    "SETGID",
    "SETUID",
];

/// An agent and a user's shell with their tools. A user who takes more than
/// this ends their own target and nothing else.
const MEMORY_BYTES: u64 = 1 << 30;

/// The body before any patch.
pub fn body() -> Value {
    json!({
        // An agent has nothing to finish; Podman asks even before it kills.
        "StopTimeout": 5,
        "HostConfig": {
            "Memory": MEMORY_BYTES,
            // One processor: a busy loop leaves the others to the neighbours.
            "NanoCpus": 1_000_000_000,
            // Enough for shells and compilers, and the end of a fork bomb.
            "PidsLimit": 512,
            // What root in the target can do is what is added.
            "CapDrop": ["ALL"],
            "CapAdd": CAPABILITIES,
            // No program of the image gives more than its caller has.
            "SecurityOpt": ["no-new-privileges"],
            // Somebody must collect what an agent's shells leave behind.
            "Init": true,
            // Whatever a target prints, this is all that it fills of the disk.
            "LogConfig": {
                "Type": "json-file",
                "Config": {"max-size": "10m", "max-file": "2"},
            },
            // An agent dials out; nobody dials in.
            "PublishAllPorts": false,
            // An agent that has ended is told by its exit code, and its token
            // is used up.
            "RestartPolicy": {"Name": "no"},
            // A network without traffic between targets, which is for the
            // operator to make.
            "NetworkMode": "dynamic-access",
            // No memory and no view of control groups in common with others.
            "IpcMode": "private",
            "CgroupnsMode": "private",
            // When the host runs out of memory, targets go first.
            "OomScoreAdj": 500,
        },
    })
}

/// Sets what follows from the rest, once that is known.
pub fn complete(body: &mut Value) {
    // The Engine's own default is as much swap again as there is memory.
    let host_config = &mut body["HostConfig"];
    if let Some(members) = host_config.as_object_mut()
        && let Some(memory) = members.get("Memory").cloned()
    {
        members.entry("MemorySwap").or_insert(memory);
    }
}
