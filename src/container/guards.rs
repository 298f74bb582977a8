//! Refuses options that would break the server or weaken a target's isolation.
//!
//! The guards check the merged body and not the patches, so it does not matter how
//! an option got there.

use serde_json::Value;

use super::additions::hides_token;
use super::defaults::CAPABILITIES;
use crate::docker::archive::TOKEN_DIR;

/// Checks what the server itself relies on. No setting turns this off.
pub fn check_servers_own(body: &Value, problems: &mut Vec<String>) {
    if body.get("Image").is_some() {
        problems
            .push("Image is set by the server; use agent_image, or image in environments".into());
    }
    let host_config = &body["HostConfig"];
    if host_config.is_null() {
        problems.push("HostConfig has all of the limits and cannot be removed".into());
    }
    if !is_unset(&host_config["AutoRemove"]) {
        problems.push(
            "HostConfig.AutoRemove would remove the exit code of a failed target as well; leave it out, since the server removes targets".into(),
        );
    }
    let tmpfs = host_config["Tmpfs"].as_object().into_iter().flatten();
    let mounts = host_config["Mounts"].as_array().into_iter().flatten();
    let binds = host_config["Binds"].as_array().into_iter().flatten();
    let mut paths = tmpfs
        .map(|(path, _)| path.as_str())
        .chain(mounts.map(|mount| mount["Target"].as_str().unwrap_or_default()))
        .chain(binds.map(|bind| bind.as_str().and_then(target_of).unwrap_or_default()));
    if paths.any(hides_token) {
        problems.push(format!(
            "HostConfig mounts something in {TOKEN_DIR}, which holds the target's token, or at a path that is not absolute"
        ));
    }
}

/// The path in the container, from `source:target[:options]`.
fn target_of(bind: &str) -> Option<&str> {
    bind.split(':').nth(1)
}

/// Checks what isolates a target from the host and from other containers.
pub fn check_isolation(body: &Value, problems: &mut Vec<String>) {
    let host_config = &body["HostConfig"];
    let mut refuse = |key: &str, why: &str| {
        problems.push(format!(
            "HostConfig.{key} {why}; to permit it, set container_patch_unsafe to allow"
        ));
    };
    for (key, why) in MUST_BE_UNSET {
        if !is_unset(&host_config[key]) {
            refuse(key, why);
        }
    }
    for key in ["MaskedPaths", "ReadonlyPaths"] {
        // Even an empty list replaces Docker's own.
        if !host_config[key].is_null() {
            refuse(key, "exposes paths that Docker hides or protects");
        }
    }
    for (key, allowed) in ONE_OF {
        let value = &host_config[key];
        let is_allowed = value.as_str().is_some_and(|mode| allowed.contains(&mode));
        if !is_allowed && !value.is_null() {
            refuse(key, "shares a namespace with the host or another container");
        }
    }
    for key in ["Memory", "MemorySwap", "PidsLimit"] {
        if host_config[key].as_i64().is_none_or(|limit| limit <= 0) {
            refuse(key, "must be a limit above 0");
        }
    }
    let adjustment = &host_config["OomScoreAdj"];
    if !adjustment.is_null() && adjustment.as_i64().is_none_or(|score| score < 0) {
        refuse(
            "OomScoreAdj",
            "lets the host kill its own services before targets",
        );
    }
    if !is_network(&host_config["NetworkMode"]) {
        refuse("NetworkMode", NETWORK);
    }
    if !has_bounded_log(&host_config["LogConfig"]) {
        refuse("LogConfig", "lets a target fill the disk; set max-size");
    }
    if !drops_capabilities(&host_config["CapDrop"]) {
        refuse("CapDrop", "must contain ALL");
    }
    if !texts(&host_config["CapAdd"]).is_some_and(|mut added| added.all(is_agents)) {
        refuse("CapAdd", "adds a capability that an agent does not need");
    }
    if !is_confined(&host_config["SecurityOpt"]) {
        refuse(
            "SecurityOpt",
            "must be no-new-privileges and at most an AppArmor profile; a seccomp profile belongs in the Engine's own configuration",
        );
    }
    if !list(&host_config["Mounts"]).is_some_and(|mut mounts| mounts.all(is_own_mount)) {
        refuse(
            "Mounts",
            "may only have tmpfs mounts, and volumes without a name and a driver",
        );
    }
    let endpoints = &body["NetworkingConfig"]["EndpointsConfig"];
    let names = endpoints.as_object().into_iter().flatten();
    for (name, endpoint) in names {
        // With an id, the Engine ignores the name.
        let is_named = is_network_name(name) && is_unset(&endpoint["NetworkID"]);
        if !is_named || !is_unset(&endpoint["Links"]) {
            problems.push(format!("NetworkingConfig.EndpointsConfig {NETWORK}"));
        }
    }
}

/// Options that must be absent, false or empty, and what they would do.
const MUST_BE_UNSET: [(&str, &str); 15] = [
    ("Privileged", "removes the isolation of targets"),
    ("Binds", "exposes files of the host"),
    ("VolumesFrom", "exposes files of other containers"),
    ("VolumeDriver", "may expose files of others"),
    ("Devices", "exposes devices of the host"),
    ("DeviceRequests", "exposes devices of the host"),
    ("DeviceCgroupRules", "gives access to devices of the host"),
    ("Links", "exposes the variables of other containers"),
    ("Annotations", "may change what the runtime does"),
    ("ContainerIDFile", "writes a file on the host"),
    ("PidMode", "exposes processes of others"),
    ("UTSMode", "shares the host's name"),
    ("UsernsMode", "removes the user namespace"),
    ("Cgroup", "joins the control group of another container"),
    ("OomKillDisable", "lets a target hang the host"),
];

/// Options that may be absent or have one of these values.
const ONE_OF: [(&str, &[&str]); 2] = [
    ("IpcMode", &["", "none", "private", "shareable"]),
    ("CgroupnsMode", &["", "private"]),
];

const NETWORK: &str = "must name a network; the host's, another container's and an id, which may be that of the host's, are refused";

fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(entries) => entries.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// The entries of an array. There are none if it is absent, and the result is `None`
/// if the value is anything else.
fn list(value: &Value) -> Option<std::slice::Iter<'_, Value>> {
    match value {
        Value::Null => Some([].iter()),
        Value::Array(entries) => Some(entries.iter()),
        _ => None,
    }
}

fn texts(value: &Value) -> Option<impl Iterator<Item = &str>> {
    // No option allows a question mark, so an entry that is not text is refused.
    list(value).map(|entries| entries.map(|entry| entry.as_str().unwrap_or("?")))
}

fn is_network(mode: &Value) -> bool {
    mode.as_str().is_some_and(is_network_name)
}

/// Whether this can only be the name of a network. The Engine also accepts an id or
/// its first digits, other kinds of network have a colon (`container:`), and
/// Podman's default may be the host's network.
fn is_network_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let may_be_id = lower.bytes().all(|byte| byte.is_ascii_hexdigit());
    !matches!(lower.as_str(), "host" | "default") && !lower.contains(':') && !may_be_id
}

/// Whether a log that is written to the host's disk has a limit.
fn has_bounded_log(log: &Value) -> bool {
    let is_on_disk = matches!(
        log["Type"].as_str(),
        None | Some("" | "json-file" | "k8s-file" | "local")
    );
    let size = log["Config"]["max-size"].as_str().unwrap_or_default();
    let number = size.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    !is_on_disk || number.parse().is_ok_and(|size: u64| size > 0)
}

fn drops_capabilities(dropped: &Value) -> bool {
    texts(dropped).is_some_and(|mut dropped| dropped.any(|name| name.eq_ignore_ascii_case("ALL")))
}

fn is_agents(capability: &str) -> bool {
    let name = capability.to_ascii_uppercase();
    CAPABILITIES.contains(&name.strip_prefix("CAP_").unwrap_or(&name))
}

/// Whether all of the security options are known to be safe, and
/// `no-new-privileges` is one of them.
fn is_confined(options: &Value) -> bool {
    let Some(options) = texts(options) else {
        return false;
    };
    let options: Vec<&str> = options.collect();
    let keeps_privileges = |option: &&str| {
        let accepted = [
            "no-new-privileges",
            "no-new-privileges=true",
            "no-new-privileges:true",
        ];
        accepted.contains(option)
    };
    let is_safe = |option: &&str| match option.split_once(['=', ':']) {
        Some(("apparmor", profile)) => !profile.is_empty() && profile != "unconfined",
        Some(("seccomp", profile)) => profile == "builtin",
        _ => keeps_privileges(option),
    };
    options.iter().all(is_safe) && options.iter().any(keeps_privileges)
}

/// Whether only the target uses this mount. A named volume may belong to another
/// container, and a driver can mount any folder of the host.
fn is_own_mount(mount: &Value) -> bool {
    match mount["Type"].as_str() {
        Some("tmpfs") => true,
        Some("volume") => {
            is_unset(&mount["Source"]) && is_unset(&mount["VolumeOptions"]["DriverConfig"])
        }
        _ => false,
    }
}
