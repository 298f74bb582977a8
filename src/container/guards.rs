//! Refuses options that would break the server or weaken a target's isolation.
//!
//! The guards check the merged body and not the patches, so it does not matter how
//! an option got there.

use serde_json::Value;

use super::additions::hides_token;
use super::defaults::CAPABILITIES;
use super::forms::is_plain;
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
    if !is_unset(&host_config["VolumesFrom"]) {
        problems.push(format!(
            "HostConfig.VolumesFrom could put a volume of another container in {TOKEN_DIR}, and with it the target's token; leave it out"
        ));
    }
    let tmpfs = host_config["Tmpfs"].as_object().into_iter().flatten();
    let mounts = host_config["Mounts"].as_array().into_iter().flatten();
    let binds = host_config["Binds"].as_array().into_iter().flatten();
    let mut paths = tmpfs
        .map(|(path, _)| path.as_str())
        .chain(mounts.map(|mount| mount["Target"].as_str().unwrap_or_default()))
        .chain(binds.map(|bind| bind.as_str().and_then(target_of).unwrap_or_default()));
    // Podman puts the fields of a mount into one text, where a comma begins another.
    let mut mounts = host_config["Mounts"].as_array().into_iter().flatten();
    let has_comma = mounts.any(|mount| {
        let texts = ["Consistency", "Source", "Type"].map(|key| mount[key].as_str());
        texts.into_iter().flatten().any(|text| text.contains(','))
    });
    if has_comma || paths.any(hides_token) {
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
        let mode = host_config[key].as_str();
        if !mode.is_some_and(|mode| allowed.contains(&mode)) {
            refuse(key, "shares a namespace with the host or another container");
        }
    }
    for key in ["Memory", "MemorySwap", "PidsLimit"] {
        if host_config[key].as_i64().is_none_or(|limit| limit <= 0) {
            refuse(key, "must be a limit above 0");
        }
    }
    // Without one, as where the kernel has no processor quota, a warning says so.
    let processors = &host_config["NanoCpus"];
    if !processors.is_null() && processors.as_i64().is_none_or(|limit| limit <= 0) {
        refuse("NanoCpus", "must be a limit above 0");
    }
    for key in ["CpuRealtimePeriod", "CpuRealtimeRuntime"] {
        if !matches!(host_config[key].as_u64(), None | Some(0)) || host_config[key].is_string() {
            refuse(key, "lets a target take a processor from the host");
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
    } else if !is_plain_log(&host_config["LogConfig"]) {
        refuse(
            "LogConfig",
            "may only have the types json-file, local, k8s-file, journald and none, with max-size, max-file, max-buffer-size, compress, mode and tag",
        );
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
            "may only have tmpfs mounts, and volumes without a name, a driver and further options",
        );
    }
    let endpoints = &body["NetworkingConfig"]["EndpointsConfig"];
    let names = endpoints.as_object().into_iter().flatten();
    for (name, endpoint) in names {
        // With an id, the Engine ignores the name.
        let is_named = is_network_name(name) && is_unset(&endpoint["NetworkID"]);
        let is_plain = is_unset(&endpoint["Links"]) && is_unset(&endpoint["DriverOpts"]);
        if !is_named || !is_plain {
            problems.push(format!("NetworkingConfig.EndpointsConfig {NETWORK}"));
        }
    }
}

/// Options that must be absent, false or empty, and what they would do.
const MUST_BE_UNSET: [(&str, &str); 15] = [
    ("Privileged", "removes the isolation of targets"),
    ("Binds", "exposes files of the host"),
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
    (
        "CgroupParent",
        "joins a control group outside of the target's own",
    ),
    ("OomKillDisable", "lets a target hang the host"),
];

/// Options that must have one of these values. Without one, the Engine's own default
/// may be the host's namespace.
const ONE_OF: [(&str, &[&str]); 2] = [
    ("IpcMode", &["none", "private", "shareable"]),
    ("CgroupnsMode", &["private"]),
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
/// its first digits, other kinds of network have a colon (`container:`), Podman's
/// default may be the host's network, and two of its modes reach the host's loopback.
fn is_network_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let may_be_id = lower.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_host = matches!(lower.as_str(), "host" | "default" | "pasta" | "slirp4netns");
    is_plain(name, "._-") && !is_host && !may_be_id
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

/// Whether a log has nothing but options that are known to be safe. A path would be a
/// file on the host, an address a socket there, and `env` would show variables.
fn is_plain_log(log: &Value) -> bool {
    let types = ["", "json-file", "local", "k8s-file", "journald", "none"];
    let is_type = log["Type"].is_null()
        || log["Type"]
            .as_str()
            .is_some_and(|name| types.contains(&name));
    let mut options = log["Config"].as_object().into_iter().flatten();
    let is_option = |(key, value): (&String, &Value)| {
        let text = value.as_str().unwrap_or("?");
        match key.as_str() {
            "max-size" | "max-file" | "max-buffer-size" => is_plain(text, "") || value.is_null(),
            "compress" | "mode" => is_plain(text, "-"),
            "tag" => is_plain(text, "{}._-"),
            _ => false,
        }
    };
    is_type && (log["Config"].is_null() || log["Config"].is_object()) && options.all(is_option)
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
        Some(("apparmor", profile)) => {
            is_plain(profile, "._/-") && !profile.eq_ignore_ascii_case("unconfined")
        }
        Some(("seccomp", profile)) => profile == "builtin",
        _ => keeps_privileges(option),
    };
    options.iter().all(is_safe) && options.iter().any(keeps_privileges)
}

/// Whether only the target uses this mount. A named volume may belong to another
/// container, and a driver can mount any folder of the host.
fn is_own_mount(mount: &Value) -> bool {
    match mount["Type"].as_str() {
        Some("tmpfs") => is_plain_mount(mount, "TmpfsOptions"),
        Some("volume") => {
            let options = &mount["VolumeOptions"];
            let is_unnamed = ["DriverConfig", "Subpath"]
                .iter()
                .all(|key| is_unset(&options[key]));
            is_unset(&mount["Source"]) && is_unnamed && is_plain_mount(mount, "VolumeOptions")
        }
        _ => false,
    }
}

/// Whether a mount has no options but those of its own kind, and each in a form that
/// Podman, which puts them into one text, cannot read as another option.
fn is_plain_mount(mount: &Value, own: &str) -> bool {
    let consistency = ["", "default", "consistent", "cached", "delegated"];
    let is_consistency = mount["Consistency"].is_null()
        || mount["Consistency"]
            .as_str()
            .is_some_and(|text| consistency.contains(&text));
    let others = [
        "BindOptions",
        "ClusterOptions",
        "ImageOptions",
        "TmpfsOptions",
        "VolumeOptions",
    ];
    let mut others = others.iter().filter(|key| **key != own);
    let tmpfs = &mount["TmpfsOptions"];
    let is_number = |key| tmpfs[key].is_null() || tmpfs[key].is_u64();
    is_consistency
        && others.all(|key| is_unset(&mount[key]))
        && is_number("SizeBytes")
        && is_number("Mode")
        && is_unset(&tmpfs["Options"])
}
