//! The keys of Docker's create body, and how they are spelt.
//!
//! The Engine reads `"hostconfig"` as `"HostConfig"`, so it would apply a key in the
//! wrong case that the guards overlook. It also ignores keys that it does not know,
//! so a misspelt limit would not be applied.

use serde_json::Value;

use super::Isolation;

/// What is known about a value.
enum Shape {
    /// Nothing: its keys, if it has any, are not checked.
    Any,
    /// It is an object with these keys.
    Keys(&'static [(&'static str, Shape)]),
    /// It is a list of objects with these keys, or an object whose members are.
    Each(&'static [(&'static str, Shape)]),
}

use Shape::{Any, Each, Keys};

/// The body of ContainerCreate (Engine API 1.41 to 1.52).
#[rustfmt::skip]
const BODY: Shape = Keys(&[
    ("Hostname", Any), ("Domainname", Any), ("User", Any), ("AttachStdin", Any), ("AttachStdout", Any),
    ("AttachStderr", Any), ("ExposedPorts", Any), ("Tty", Any), ("OpenStdin", Any), ("StdinOnce", Any),
    ("Env", Any), ("Cmd", Any), ("Healthcheck", HEALTHCHECK), ("ArgsEscaped", Any), ("Image", Any),
    ("Volumes", Any), ("WorkingDir", Any), ("Entrypoint", Any), ("NetworkDisabled", Any),
    ("MacAddress", Any), ("OnBuild", Any), ("Labels", Any), ("StopSignal", Any), ("StopTimeout", Any),
    ("Shell", Any), ("HostConfig", HOST_CONFIG),
    ("NetworkingConfig", Keys(&[("EndpointsConfig", ENDPOINTS)])),
]);

#[rustfmt::skip]
const HOST_CONFIG: Shape = Keys(&[
    ("CpuShares", Any), ("Memory", Any), ("CgroupParent", Any), ("BlkioWeight", Any),
    ("BlkioWeightDevice", Any), ("BlkioDeviceReadBps", Any), ("BlkioDeviceWriteBps", Any),
    ("BlkioDeviceReadIOps", Any), ("BlkioDeviceWriteIOps", Any), ("CpuPeriod", Any), ("CpuQuota", Any),
    ("CpuRealtimePeriod", Any), ("CpuRealtimeRuntime", Any), ("CpusetCpus", Any), ("CpusetMems", Any),
    ("Devices", Any), ("DeviceCgroupRules", Any), ("DeviceRequests", Any), ("KernelMemory", Any),
    ("KernelMemoryTCP", Any), ("MemoryReservation", Any), ("MemorySwap", Any), ("MemorySwappiness", Any),
    ("NanoCpus", Any), ("OomKillDisable", Any), ("Init", Any), ("PidsLimit", Any),
    ("Ulimits", Each(&[("Name", Any), ("Soft", Any), ("Hard", Any)])), ("CpuCount", Any),
    ("CpuPercent", Any), ("IOMaximumIOps", Any), ("IOMaximumBandwidth", Any), ("Binds", Any),
    ("ContainerIDFile", Any), ("LogConfig", Keys(&[("Type", Any), ("Config", Any)])),
    ("NetworkMode", Any), ("PortBindings", Any),
    ("RestartPolicy", Keys(&[("Name", Any), ("MaximumRetryCount", Any)])), ("AutoRemove", Any),
    ("VolumeDriver", Any), ("VolumesFrom", Any), ("Mounts", MOUNTS), ("ConsoleSize", Any),
    ("Annotations", Any), ("CapAdd", Any), ("CapDrop", Any), ("CgroupnsMode", Any), ("Dns", Any),
    ("DnsOptions", Any), ("DnsSearch", Any), ("ExtraHosts", Any), ("GroupAdd", Any), ("IpcMode", Any),
    ("Cgroup", Any), ("Links", Any), ("OomScoreAdj", Any), ("PidMode", Any), ("Privileged", Any),
    ("PublishAllPorts", Any), ("ReadonlyRootfs", Any), ("SecurityOpt", Any), ("StorageOpt", Any),
    ("Tmpfs", Any), ("UTSMode", Any), ("UsernsMode", Any), ("ShmSize", Any), ("Sysctls", Any),
    ("Runtime", Any), ("Isolation", Any), ("MaskedPaths", Any), ("ReadonlyPaths", Any),
]);

#[rustfmt::skip]
const MOUNTS: Shape = Each(&[
    ("Type", Any), ("Source", Any), ("Target", Any), ("ReadOnly", Any), ("Consistency", Any),
    ("BindOptions", Any),
    ("VolumeOptions", Keys(&[("NoCopy", Any), ("Labels", Any), ("DriverConfig", Any), ("Subpath", Any)])),
    ("TmpfsOptions", Keys(&[("SizeBytes", Any), ("Mode", Any), ("Options", Any)])),
    ("ImageOptions", Any), ("ClusterOptions", Any),
]);

#[rustfmt::skip]
const HEALTHCHECK: Shape = Keys(&[
    ("Test", Any), ("Interval", Any), ("Timeout", Any), ("Retries", Any), ("StartPeriod", Any),
    ("StartInterval", Any),
]);

#[rustfmt::skip]
const ENDPOINTS: Shape = Each(&[
    ("IPAMConfig", Any), ("Links", Any), ("MacAddress", Any), ("Aliases", Any), ("DriverOpts", Any),
    ("GwPriority", Any), ("NetworkID", Any), ("EndpointID", Any), ("Gateway", Any), ("IPAddress", Any),
    ("IPPrefixLen", Any), ("IPv6Gateway", Any), ("GlobalIPv6Address", Any),
    ("GlobalIPv6PrefixLen", Any), ("DNSNames", Any),
]);

/// The keys of the body, so that a test can ask whether each of them has a rule.
#[cfg(test)]
pub fn keys_of_body() -> Vec<&'static str> {
    keys(&BODY)
}

/// The keys of its `HostConfig`.
#[cfg(test)]
pub fn keys_of_host_config() -> Vec<&'static str> {
    keys(&HOST_CONFIG)
}

#[cfg(test)]
fn keys(shape: &Shape) -> Vec<&'static str> {
    match shape {
        Keys(known) => known.iter().map(|(key, _)| *key).collect(),
        Any | Each(_) => Vec::new(),
    }
}

/// Checks that every key is known and spelt as Docker spells it.
pub fn check(body: &Value, isolation: Isolation, problems: &mut Vec<String>) {
    check_value(body, &BODY, "", isolation, problems);
}

fn check_value(
    value: &Value,
    shape: &Shape,
    path: &str,
    isolation: Isolation,
    problems: &mut Vec<String>,
) {
    match (shape, value) {
        (Any, _) | (_, Value::Null) => {}
        (Keys(known), Value::Object(members)) => {
            for (key, member) in members {
                let path = join(path, key);
                match known.iter().find(|(name, _)| name == key) {
                    Some((_, shape)) => check_value(member, shape, &path, isolation, problems),
                    None => problems.extend(problem(key, &path, known, isolation)),
                }
            }
        }
        (Each(known), Value::Array(entries)) => {
            for entry in entries {
                check_value(entry, &Keys(known), path, isolation, problems);
            }
        }
        (Each(known), Value::Object(members)) => {
            for (name, member) in members {
                check_value(member, &Keys(known), &join(path, name), isolation, problems);
            }
        }
        _ => problems.push(format!("{path} has another type than Docker expects")),
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

fn problem(key: &str, path: &str, known: &[(&str, Shape)], isolation: Isolation) -> Option<String> {
    if let Some((name, _)) = known.iter().find(|(name, _)| folded(name) == folded(key)) {
        return Some(format!("{path} must be spelt {name}"));
    }
    (isolation == Isolation::Kept).then(|| {
        format!("{path} is not known to this server, which cannot tell whether it is safe; check the spelling or, to permit it, set container_patch_unsafe to allow")
    })
}

/// Folds the case as Go's `encoding/json` does, for which two letters beyond ASCII
/// equal an ASCII letter.
pub fn folded(key: &str) -> String {
    let letter = |letter: char| match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    key.chars().map(letter).collect()
}
