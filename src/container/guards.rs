//! What a body may not hold, whatever the operator's patches are.

use serde_json::Value;

use super::additions::hides_token;
use super::defaults::CAPABILITIES;
use crate::docker::archive::TOKEN_DIR;

/// Checks what the server itself relies on.
pub fn check_own(body: &Value, problems: &mut Vec<String>) {
    if body.get("Image").is_some() {
        problems
            .push("Image is the server's own; set agent_image, or image in environments".into());
    }
    let host_config = &body["HostConfig"];
    if host_config.is_null() {
        problems.push("HostConfig has all of the limits, and cannot be taken away".into());
    }
    if !is_unset(&host_config["AutoRemove"]) {
        problems.push(
            "HostConfig.AutoRemove would take the reason of a failure with it; targets are removed by the server".into(),
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
            "HostConfig mounts something in {TOKEN_DIR}, where a target's token is, or at no absolute path"
        ));
    }
}

/// The place in the container of `source:target[:options]`.
fn target_of(bind: &str) -> Option<&str> {
    bind.split(':').nth(1)
}

/// Checks what keeps a target apart from the host and from its neighbours.
pub fn check_isolation(body: &Value, problems: &mut Vec<String>) {
    let host_config = &body["HostConfig"];
    let mut refuse = |key: &str, why: &str| {
        problems.push(format!(
            "HostConfig.{key} {why}; container_patch_unsafe = allow admits it"
        ));
    };
    for (key, why) in MUST_BE_UNSET {
        if !is_unset(&host_config[key]) {
            refuse(key, why);
        }
    }
    for key in ["MaskedPaths", "ReadonlyPaths"] {
        // An empty list takes Docker's own away.
        if !host_config[key].is_null() {
            refuse(key, "opens what Docker closes");
        }
    }
    for (key, allowed) in ONE_OF {
        let value = &host_config[key];
        let is_allowed = value.as_str().is_some_and(|mode| allowed.contains(&mode));
        if !is_allowed && !value.is_null() {
            refuse(key, "joins others");
        }
    }
    for key in ["Memory", "MemorySwap", "PidsLimit"] {
        if host_config[key].as_i64().is_none_or(|limit| limit <= 0) {
            refuse(key, "is no limit");
        }
    }
    let adjustment = &host_config["OomScoreAdj"];
    if !adjustment.is_null() && adjustment.as_i64().is_none_or(|score| score < 0) {
        refuse("OomScoreAdj", "lets the host's own services go first");
    }
    if !is_network(&host_config["NetworkMode"]) {
        refuse("NetworkMode", NETWORK);
    }
    if !has_bounded_log(&host_config["LogConfig"]) {
        refuse("LogConfig", "lets a target fill the disk; set max-size");
    }
    if !drops_capabilities(&host_config["CapDrop"]) {
        refuse("CapDrop", "does not drop ALL");
    }
    if !texts(&host_config["CapAdd"]).is_some_and(|mut added| added.all(is_ours)) {
        refuse("CapAdd", "adds more than an agent needs");
    }
    if !has_profiles(&host_config["SecurityOpt"]) {
        refuse(
            "SecurityOpt",
            "is not no-new-privileges, with an AppArmor profile at most; a seccomp profile is for the Engine's own configuration",
        );
    }
    if !list(&host_config["Mounts"]).is_some_and(|mut mounts| mounts.all(is_own_mount)) {
        refuse(
            "Mounts",
            "is not a tmpfs or a volume without a name and a driver",
        );
    }
    let endpoints = &body["NetworkingConfig"]["EndpointsConfig"];
    let names = endpoints.as_object().into_iter().flatten();
    for (name, endpoint) in names {
        // The Engine joins the network of that id, whatever the name.
        let is_named = is_network_name(name) && is_unset(&endpoint["NetworkID"]);
        if !is_named || !is_unset(&endpoint["Links"]) {
            problems.push(format!("NetworkingConfig.EndpointsConfig {NETWORK}"));
        }
    }
}

/// What must be absent, false or empty, and what it does.
const MUST_BE_UNSET: [(&str, &str); 15] = [
    ("Privileged", "gives up the isolation of targets"),
    ("Binds", "shows files of the host"),
    ("VolumesFrom", "shows files of other containers"),
    ("VolumeDriver", "may show files of others"),
    ("Devices", "shows devices of the host"),
    ("DeviceRequests", "shows devices of the host"),
    ("DeviceCgroupRules", "opens devices of the host"),
    ("Links", "shows the variables of other containers"),
    ("Annotations", "may be an order to the runtime"),
    ("ContainerIDFile", "may write a file of the host"),
    ("PidMode", "shows processes of others"),
    ("UTSMode", "shares the host's name"),
    ("UsernsMode", "gives up the user namespace"),
    ("Cgroup", "joins the control group of another container"),
    ("OomKillDisable", "lets a target hang the host"),
];

const ONE_OF: [(&str, &[&str]); 2] = [
    ("IpcMode", &["", "none", "private", "shareable"]),
    ("CgroupnsMode", &["", "private"]),
];

const NETWORK: &str = "is the network of the host or of another container, or an id, which may be the host's; name a network";

fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(entries) => entries.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// The entries of an array; none of what is absent, and `None` of anything
/// else.
fn list(value: &Value) -> Option<std::slice::Iter<'_, Value>> {
    match value {
        Value::Null => Some([].iter()),
        Value::Array(entries) => Some(entries.iter()),
        _ => None,
    }
}

fn texts(value: &Value) -> Option<impl Iterator<Item = &str>> {
    // What is no text is no word that anything allows.
    list(value).map(|entries| entries.map(|entry| entry.as_str().unwrap_or("?")))
}

fn is_network(mode: &Value) -> bool {
    mode.as_str().is_some_and(is_network_name)
}

/// The Engine takes an id, or the first digits of one, as well as a name. With
/// a colon begin other kinds, such as `container:`, and Podman's own default
/// may be the host's network.
fn is_network_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let may_be_id = lower.bytes().all(|byte| byte.is_ascii_hexdigit());
    !matches!(lower.as_str(), "host" | "default") && !lower.contains(':') && !may_be_id
}

/// Drivers that write elsewhere are the operator's own affair.
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

fn is_ours(capability: &str) -> bool {
    let name = capability.to_ascii_uppercase();
    CAPABILITIES.contains(&name.strip_prefix("CAP_").unwrap_or(&name))
}

fn has_profiles(options: &Value) -> bool {
    let mut keeps_privileges = false;
    let are_known = texts(options).is_some_and(|mut options| {
        options.all(|option| match option.split_once(['=', ':']) {
            None | Some((_, "true")) if option.starts_with("no-new-privileges") => {
                let (name, _) = option.split_once(['=', ':']).unwrap_or((option, ""));
                keeps_privileges = name == "no-new-privileges";
                keeps_privileges
            }
            Some(("apparmor", profile)) => !profile.is_empty() && profile != "unconfined",
            Some(("seccomp", profile)) => profile == "builtin",
            _ => false,
        })
    });
    are_known && keeps_privileges
}

/// A named volume may be anybody's, and a driver can bind any folder.
fn is_own_mount(mount: &Value) -> bool {
    match mount["Type"].as_str() {
        Some("tmpfs") => true,
        Some("volume") => {
            is_unset(&mount["Source"]) && is_unset(&mount["VolumeOptions"]["DriverConfig"])
        }
        _ => false,
    }
}
