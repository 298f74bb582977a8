//! Refuses options that would break the server or weaken a target's isolation.
//!
//! The guards check the merged body and not the patches, so it does not matter how
//! an option got there.

use serde_json::Value;

use super::additions::{hides_token, is_above_token};
use super::defaults::CAPABILITIES;
use super::forms::{
    BYTES_MAX, is_absent_or, is_hardware_address, is_host_name, is_ip, is_list, is_mount_point,
    is_number, is_object, is_one_of, is_plain, is_text,
};
use crate::docker::archive::SECRETS_DIR;

/// Checks what the server itself relies on. No setting turns this off.
pub fn check_servers_own(body: &Value, problems: &mut Vec<String>) {
    if body.get("Image").is_some() {
        problems
            .push("Image is set by the server; use agent_image, or image in environments".into());
    }
    // Podman alone knows these.
    for key in ["EnvMerge", "UnsetEnv", "UnsetEnvAll"] {
        if !is_unset(&body[key]) {
            problems.push(format!("{key} would change the server's own variables"));
        }
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
            "HostConfig.VolumesFrom could put a volume of another container in {SECRETS_DIR}, and with it the target's token; leave it out"
        ));
    }
    if !is_unset(&host_config["VolumeDriver"]) {
        problems.push(
            "HostConfig.VolumeDriver could give one volume to several targets, and with it their tokens; leave it out, and name the driver in Mounts".into(),
        );
    }
    let tmpfs = host_config["Tmpfs"].as_object().into_iter().flatten();
    let mounts = host_config["Mounts"].as_array().into_iter().flatten();
    let binds = host_config["Binds"].as_array().into_iter().flatten();
    let is_misplaced = tmpfs.map(|(path, _)| path).any(|path| hides_token(path))
        || mounts.into_iter().any(is_mount_misplaced)
        || binds.into_iter().any(is_bind_misplaced);
    if is_misplaced {
        problems.push(format!(
            "HostConfig mounts something in {SECRETS_DIR}, which holds the target's token, or above it, or at a path that is not plain and absolute"
        ));
    }
}

/// Whether a mount might hide the token, or show it to others. Podman puts these
/// texts into one, where a comma or a quote could begin another target.
fn is_mount_misplaced(mount: &Value) -> bool {
    let target = mount["Target"].as_str().unwrap_or_default();
    let texts = [
        &mount["Consistency"],
        &mount["Source"],
        &mount["Type"],
        &mount["BindOptions"]["Propagation"],
        &mount["VolumeOptions"]["Subpath"],
    ];
    let has_separator = |text: &str| text.contains([',', '"', '\n', '\r']);
    hides_token(target)
        || (is_above_token(target) && !is_own_mount(mount))
        || texts
            .into_iter()
            .filter_map(Value::as_str)
            .any(has_separator)
}

/// The same of `source:target[:options]`.
fn is_bind_misplaced(bind: &Value) -> bool {
    let bind = bind.as_str().unwrap_or_default();
    let target = bind.split(':').nth(1).unwrap_or_default();
    hides_token(target) || is_above_token(target)
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
    for (key, max) in LIMITS {
        if !is_number(&host_config[key], 1..=max) {
            refuse(key, &format!("must be a limit above 0 and up to {max}"));
        }
    }
    // Without one, as where the kernel has no processor quota, a warning says so.
    let processors = &host_config["NanoCpus"];
    let is_limit = |value: &Value| is_number(value, NANO_CPUS_MIN..=NANO_CPUS_MAX);
    if !is_absent_or(processors, is_limit) {
        refuse("NanoCpus", "must be a limit from 0.01 to 1024 processors");
    }
    // A quota is a part of each period, which is a tenth of a second by default.
    let period = host_config["CpuPeriod"]
        .as_i64()
        .filter(|period| *period > 0);
    let quota_max = period.unwrap_or(100_000).saturating_mul(PROCESSORS_MAX);
    if host_config["CpuQuota"]
        .as_i64()
        .is_some_and(|quota| quota > quota_max)
    {
        refuse("CpuQuota", "must be a limit of at most 1024 processors");
    }
    for key in ["CpuRealtimePeriod", "CpuRealtimeRuntime"] {
        let time = &host_config[key];
        if !is_absent_or(time, |time| is_number(time, 0..=0)) {
            refuse(key, "lets a target take a processor from the host");
        }
    }
    if !is_number(&host_config["OomScoreAdj"], 0..=1000) {
        refuse(
            "OomScoreAdj",
            "must be from 0 to 1000, or the host kills its own services before targets",
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
            "may only have tmpfs mounts, and volumes without a name, a driver and further options, at paths other than / and outside /proc and /sys",
        );
    }
    let endpoints = &body["NetworkingConfig"]["EndpointsConfig"];
    let names = endpoints.as_object().into_iter().flatten();
    for (name, endpoint) in names {
        if !is_network_name(name) || !is_endpoint(endpoint) {
            problems.push(format!("NetworkingConfig.EndpointsConfig {NETWORK}"));
        }
    }
}

/// More than any machine has: a larger number is no limit at all.
const PROCESSORS_MAX: i64 = 1024;

pub const NANO_CPUS_MAX: i64 = PROCESSORS_MAX * 1_000_000_000;

/// A hundredth of a processor, the least that a kernel takes. Podman divides the
/// number by 10,000, and takes a rest of 0 for no limit.
pub const NANO_CPUS_MIN: i64 = 10_000_000;

/// Options that must be a limit, and the highest number that is one. A kernel has
/// 32,768 processes by default, and half of them must be left for the host.
pub const LIMITS: [(&str, i64); 3] = [
    ("Memory", BYTES_MAX),
    ("MemorySwap", 2 * BYTES_MAX),
    ("PidsLimit", 16_384),
];

/// Options that must be absent, false or empty, and what they would do.
pub const MUST_BE_UNSET: [(&str, &str); 14] = [
    ("Privileged", "removes the isolation of targets"),
    ("Binds", "exposes files of the host"),
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
pub const ONE_OF: [(&str, &[&str]); 2] = [
    ("IpcMode", &["none", "private", "shareable"]),
    ("CgroupnsMode", &["private"]),
];

const NETWORK: &str = "must name a network; the host's, another container's and an id, which may be that of the host's, are refused";

pub fn is_unset(value: &Value) -> bool {
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
pub fn is_network_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let may_be_id = lower.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_host = matches!(lower.as_str(), "host" | "default" | "pasta" | "slirp4netns");
    is_plain(name, "._-") && !is_host && !may_be_id
}

/// Whether an endpoint only says how the target appears on its network.
fn is_endpoint(endpoint: &Value) -> bool {
    let is_address = |value: &Value| is_text(value, is_ip);
    let are_names = |value: &Value| is_list(value, is_host_name);
    // With an id, the Engine ignores the name.
    let unset = ["NetworkID", "EndpointID", "Links", "DriverOpts"];
    let addresses = ["Gateway", "IPAddress", "IPv6Gateway", "GlobalIPv6Address"];
    unset.iter().all(|key| is_unset(&endpoint[key]))
        && addresses
            .iter()
            .all(|key| is_absent_or(&endpoint[key], is_address))
        && is_absent_or(&endpoint["MacAddress"], |value| {
            is_text(value, is_hardware_address)
        })
        && is_absent_or(&endpoint["Aliases"], are_names)
        && is_absent_or(&endpoint["DNSNames"], are_names)
        && is_absent_or(&endpoint["IPAMConfig"], |config| {
            is_object(config, |key, value| match key {
                "IPv4Address" | "IPv6Address" => is_text(value, is_ip),
                "LinkLocalIPs" => is_list(value, is_ip),
                _ => false,
            })
        })
}

/// The most that the log of one target may take.
const LOG_BYTES_MAX: u64 = 10 << 30;

/// Whether a log that is written to the host's disk has a limit.
pub fn has_bounded_log(log: &Value) -> bool {
    let is_on_disk = matches!(
        log["Type"].as_str(),
        None | Some("" | "json-file" | "k8s-file" | "local")
    );
    let text = |key: &str| log["Config"][key].as_str();
    let size = text("max-size").and_then(bytes_of).filter(|size| *size > 0);
    // An Engine keeps five files at most if nothing is said.
    let files = text("max-file").map_or(Some(5), |files| files.parse::<u64>().ok());
    let total = size
        .zip(files)
        .and_then(|(size, files)| size.checked_mul(files));
    !is_on_disk || total.is_some_and(|total| (1..=LOG_BYTES_MAX).contains(&total))
}

/// The bytes of a size such as `10m`: digits, and at most one letter.
fn bytes_of(size: &str) -> Option<u64> {
    let number = size.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    let unit = match size[number.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

/// Whether a tag only names the target. Docker takes a tag for a template, which
/// can also show a container's variables, and with them its token.
fn is_tag(tag: &str) -> bool {
    let fields = [
        "{{.ID}}",
        "{{.FullID}}",
        "{{.Name}}",
        "{{.ImageID}}",
        "{{.ImageName}}",
        "{{.DaemonName}}",
    ];
    let rest = fields
        .iter()
        .fold(tag.to_owned(), |rest, field| rest.replace(field, "_"));
    is_plain(&rest, "._-")
}

/// Whether a log has nothing but options that are known to be safe. A path would be a
/// file on the host, an address a socket there, and `env` would show variables.
pub fn is_plain_log(log: &Value) -> bool {
    let types = ["json-file", "local", "k8s-file", "journald", "none"];
    let is_type = is_absent_or(&log["Type"], |value| is_one_of(value, &types));
    let mut options = log["Config"].as_object().into_iter().flatten();
    let is_option = |(key, value): (&String, &Value)| {
        let text = value.as_str().unwrap_or("?");
        match key.as_str() {
            "max-size" | "max-file" | "max-buffer-size" => is_plain(text, ""),
            "compress" | "mode" => is_plain(text, "-"),
            "tag" => is_tag(text),
            _ => false,
        }
    };
    is_type && is_absent_or(&log["Config"], Value::is_object) && options.all(is_option)
}

fn drops_capabilities(dropped: &Value) -> bool {
    texts(dropped).is_some_and(|mut dropped| dropped.any(|name| name.eq_ignore_ascii_case("ALL")))
}

pub fn is_agents(capability: &str) -> bool {
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
pub fn is_own_mount(mount: &Value) -> bool {
    match mount["Type"].as_str() {
        Some("tmpfs") => is_unset(&mount["Source"]) && is_plain_mount(mount, "TmpfsOptions"),
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
    let consistency = ["default", "consistent", "cached", "delegated"];
    let is_consistency = is_absent_or(&mount["Consistency"], |value| {
        is_one_of(value, &consistency)
    });
    let others = [
        "BindOptions",
        "ClusterOptions",
        "ImageOptions",
        "TmpfsOptions",
        "VolumeOptions",
    ];
    let mut others = others.iter().filter(|key| **key != own);
    let tmpfs = &mount["TmpfsOptions"];
    let is_number = |key, max| is_absent_or(&tmpfs[key], |value| is_number(value, 0..=max));
    let is_plain = mount["Target"].as_str().is_some_and(is_mount_point);
    is_consistency
        && is_plain
        && others.all(|key| is_unset(&mount[key]))
        && is_number("SizeBytes", BYTES_MAX)
        && is_number("Mode", 0o7777)
        && is_unset(&tmpfs["Options"])
}
