//! The keys of Docker's bodies, how they are spelt, and the types of their values.
//!
//! The Engine reads `"hostconfig"` as `"HostConfig"`, so it would apply a key in the
//! wrong case that the guards overlook. It also ignores keys that it does not know,
//! so a misspelt limit would not be applied. A value of another type fails every
//! start, and nothing before.

use serde_json::Value;

use super::Isolation;

/// What is known about a value. Each may also be null, which is an absent one.
enum Shape {
    /// Nothing.
    Any,
    Text,
    Flag,
    /// A whole number of 64 bits.
    Number,
    /// A text, or a list of texts: Go's `strslice`.
    Command,
    /// It is an object with these keys.
    Keys(&'static [(&'static str, Shape)]),
    /// It is a list of such values.
    List(&'static Shape),
    /// It is an object with such members, under names that are not Docker's.
    Map(&'static Shape),
}

use Shape::{Any, Command, Flag, Keys, List, Map, Number, Text};

impl Shape {
    fn in_words(&self) -> &'static str {
        match self {
            Any => "anything",
            Text => "a text",
            Flag => "true or false",
            Number => "a whole number",
            Command => "a text or a list of texts",
            List(Text) => "a list of texts",
            List(_) => "a list",
            Keys(_) | Map(_) => "an object",
        }
    }
}

const TEXTS: Shape = List(&Text);
const TEXT_MAP: Shape = Map(&Text);
const EMPTY_MAP: Shape = Map(&Keys(&[]));

/// The body of ContainerCreate (Engine API 1.41 to 1.52).
#[rustfmt::skip]
const BODY: Shape = Keys(&[
    ("Hostname", Text), ("Domainname", Text), ("User", Text), ("AttachStdin", Flag), ("AttachStdout", Flag),
    ("AttachStderr", Flag), ("ExposedPorts", EMPTY_MAP), ("Tty", Flag), ("OpenStdin", Flag), ("StdinOnce", Flag),
    ("Env", TEXTS), ("Cmd", Command), ("Healthcheck", HEALTHCHECK), ("ArgsEscaped", Flag), ("Image", Text),
    ("Volumes", EMPTY_MAP), ("WorkingDir", Text), ("Entrypoint", Command), ("NetworkDisabled", Flag),
    ("MacAddress", Text), ("OnBuild", TEXTS), ("Labels", TEXT_MAP), ("StopSignal", Text), ("StopTimeout", Number),
    ("Shell", Command), ("HostConfig", HOST_CONFIG),
    ("NetworkingConfig", Keys(&[("EndpointsConfig", Map(&ENDPOINT))])),
]);

#[rustfmt::skip]
const HOST_CONFIG: Shape = Keys(&[
    ("CpuShares", Number), ("Memory", Number), ("CgroupParent", Text), ("BlkioWeight", Number),
    ("BlkioWeightDevice", List(&Keys(&[("Path", Text), ("Weight", Number)]))),
    ("BlkioDeviceReadBps", RATES), ("BlkioDeviceWriteBps", RATES),
    ("BlkioDeviceReadIOps", RATES), ("BlkioDeviceWriteIOps", RATES), ("CpuPeriod", Number), ("CpuQuota", Number),
    ("CpuRealtimePeriod", Number), ("CpuRealtimeRuntime", Number), ("CpusetCpus", Text), ("CpusetMems", Text),
    ("Devices", List(&Keys(&[("PathOnHost", Text), ("PathInContainer", Text), ("CgroupPermissions", Text)]))),
    ("DeviceCgroupRules", TEXTS), ("DeviceRequests", DEVICE_REQUESTS), ("KernelMemory", Number),
    ("KernelMemoryTCP", Number), ("MemoryReservation", Number), ("MemorySwap", Number), ("MemorySwappiness", Number),
    ("NanoCpus", Number), ("OomKillDisable", Flag), ("Init", Flag), ("PidsLimit", Number),
    ("Ulimits", ULIMITS), ("CpuCount", Number),
    ("CpuPercent", Number), ("IOMaximumIOps", Number), ("IOMaximumBandwidth", Number), ("Binds", TEXTS),
    ("ContainerIDFile", Text), ("LogConfig", Keys(&[("Type", Text), ("Config", TEXT_MAP)])),
    ("NetworkMode", Text), ("PortBindings", Map(&List(&Keys(&[("HostIp", Text), ("HostPort", Text)])))),
    ("RestartPolicy", Keys(&[("Name", Text), ("MaximumRetryCount", Number)])), ("AutoRemove", Flag),
    ("VolumeDriver", Text), ("VolumesFrom", TEXTS), ("Mounts", List(&MOUNT)), ("ConsoleSize", List(&Number)),
    ("Annotations", TEXT_MAP), ("CapAdd", TEXTS), ("CapDrop", TEXTS), ("CgroupnsMode", Text), ("Dns", TEXTS),
    ("DnsOptions", TEXTS), ("DnsSearch", TEXTS), ("ExtraHosts", TEXTS), ("GroupAdd", TEXTS), ("IpcMode", Text),
    ("Cgroup", Text), ("Links", TEXTS), ("OomScoreAdj", Number), ("PidMode", Text), ("Privileged", Flag),
    ("PublishAllPorts", Flag), ("ReadonlyRootfs", Flag), ("SecurityOpt", TEXTS), ("StorageOpt", TEXT_MAP),
    ("Tmpfs", TEXT_MAP), ("UTSMode", Text), ("UsernsMode", Text), ("ShmSize", Number), ("Sysctls", TEXT_MAP),
    ("Runtime", Text), ("Isolation", Text), ("MaskedPaths", TEXTS), ("ReadonlyPaths", TEXTS),
]);

/// The template of a service's task (Engine API 1.41 to 1.52).
#[rustfmt::skip]
const TEMPLATE: Shape = Keys(&[
    ("ContainerSpec", CONTAINER_SPEC),
    ("Resources", Keys(&[("Limits", RESOURCES), ("Reservations", RESOURCES)])),
    ("RestartPolicy", Keys(&[("Condition", Text), ("Delay", Number), ("MaxAttempts", Number), ("Window", Number)])),
    ("Placement", Keys(&[
        ("Constraints", TEXTS), ("MaxReplicas", Number),
        ("Preferences", List(&Keys(&[("Spread", Keys(&[("SpreadDescriptor", Text)]))]))),
        ("Platforms", List(&Keys(&[("Architecture", Text), ("OS", Text)]))),
    ])),
    ("ForceUpdate", Number), ("Runtime", Text),
    ("Networks", List(&Keys(&[("Target", Text), ("Aliases", TEXTS), ("DriverOpts", TEXT_MAP)]))),
    ("LogDriver", Keys(&[("Name", Text), ("Options", TEXT_MAP)])),
]);

#[rustfmt::skip]
const CONTAINER_SPEC: Shape = Keys(&[
    ("Image", Text), ("Labels", TEXT_MAP), ("Command", TEXTS), ("Args", TEXTS), ("Hostname", Text), ("Env", TEXTS),
    ("Dir", Text), ("User", Text), ("Groups", TEXTS),
    ("Privileges", Keys(&[
        ("CredentialSpec", Keys(&[("Config", Text), ("File", Text), ("Registry", Text)])),
        ("SELinuxContext", Keys(&[("Disable", Flag), ("User", Text), ("Role", Text), ("Type", Text), ("Level", Text)])),
        ("Seccomp", Keys(&[("Mode", Text), ("Profile", Text)])), ("AppArmor", Keys(&[("Mode", Text)])),
        ("NoNewPrivileges", Flag),
    ])),
    ("TTY", Flag), ("OpenStdin", Flag), ("ReadOnly", Flag), ("Mounts", List(&MOUNT)), ("StopSignal", Text),
    ("StopGracePeriod", Number), ("Healthcheck", HEALTHCHECK), ("Hosts", TEXTS),
    ("DNSConfig", Keys(&[("Nameservers", TEXTS), ("Search", TEXTS), ("Options", TEXTS)])), ("Secrets", Any),
    ("Configs", Any), ("Isolation", Text), ("Init", Flag), ("Sysctls", TEXT_MAP), ("CapabilityAdd", TEXTS),
    ("CapabilityDrop", TEXTS), ("Ulimits", ULIMITS), ("OomScoreAdj", Number),
]);

#[rustfmt::skip]
const RESOURCES: Shape = Keys(&[
    ("NanoCPUs", Number),
    ("MemoryBytes", Number),
    ("Pids", Number),
    ("GenericResources", List(&Keys(&[
        ("NamedResourceSpec", Keys(&[("Kind", Text), ("Value", Text)])),
        ("DiscreteResourceSpec", Keys(&[("Kind", Text), ("Value", Number)])),
    ]))),
]);

const RATES: Shape = List(&Keys(&[("Path", Text), ("Rate", Number)]));

const ULIMITS: Shape = List(&Keys(&[("Name", Text), ("Soft", Number), ("Hard", Number)]));

const DEVICE_REQUESTS: Shape = List(&Keys(&[
    ("Driver", Text),
    ("Count", Number),
    ("DeviceIDs", TEXTS),
    ("Capabilities", List(&TEXTS)),
    ("Options", TEXT_MAP),
]));

#[rustfmt::skip]
const MOUNT: Shape = Keys(&[
    ("Type", Text), ("Source", Text), ("Target", Text), ("ReadOnly", Flag), ("Consistency", Text),
    ("BindOptions", Keys(&[
        ("Propagation", Text), ("NonRecursive", Flag), ("CreateMountpoint", Flag),
        ("ReadOnlyNonRecursive", Flag), ("ReadOnlyForceRecursive", Flag),
    ])),
    ("VolumeOptions", Keys(&[
        ("NoCopy", Flag), ("Labels", TEXT_MAP), ("Subpath", Text),
        ("DriverConfig", Keys(&[("Name", Text), ("Options", TEXT_MAP)])),
    ])),
    ("TmpfsOptions", Keys(&[("SizeBytes", Number), ("Mode", Number), ("Options", List(&TEXTS))])),
    ("ImageOptions", Keys(&[("Subpath", Text)])), ("ClusterOptions", Keys(&[])),
]);

#[rustfmt::skip]
const HEALTHCHECK: Shape = Keys(&[
    ("Test", TEXTS), ("Interval", Number), ("Timeout", Number), ("Retries", Number), ("StartPeriod", Number),
    ("StartInterval", Number),
]);

#[rustfmt::skip]
const ENDPOINT: Shape = Keys(&[
    ("IPAMConfig", Keys(&[("IPv4Address", Text), ("IPv6Address", Text), ("LinkLocalIPs", TEXTS)])),
    ("Links", TEXTS), ("MacAddress", Text), ("Aliases", TEXTS), ("DriverOpts", TEXT_MAP),
    ("GwPriority", Number), ("NetworkID", Text), ("EndpointID", Text), ("Gateway", Text), ("IPAddress", Text),
    ("IPPrefixLen", Number), ("IPv6Gateway", Text), ("GlobalIPv6Address", Text),
    ("GlobalIPv6PrefixLen", Number), ("DNSNames", TEXTS),
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
        _ => Vec::new(),
    }
}

/// Checks that every key of a container's body is known and spelt as Docker spells it,
/// and that every value has its type.
pub fn check(body: &Value, isolation: Isolation, problems: &mut Vec<String>) {
    check_value(body, &BODY, "", isolation, problems);
}

/// The same of the template of a task, but for keys that are not known.
pub fn check_template(template: &Value, problems: &mut Vec<String>) {
    check_value(template, &TEMPLATE, "", Isolation::GivenUp, problems);
}

fn check_value(
    value: &Value,
    shape: &Shape,
    path: &str,
    isolation: Isolation,
    problems: &mut Vec<String>,
) {
    let mut check_part = |part: &Value, shape: &Shape, path: &str| {
        check_value(part, shape, path, isolation, problems);
    };
    match (shape, value) {
        (Any, _)
        | (_, Value::Null)
        | (Text | Command, Value::String(_))
        | (Flag, Value::Bool(_)) => {}
        // Go reads no number with a fraction, or of more bits, as a whole one.
        (Number, number) if number.is_i64() => {}
        (Command, Value::Array(_)) => check_part(value, &TEXTS, path),
        (Keys(known), Value::Object(members)) => {
            for (key, member) in members {
                let path = join(path, key);
                match known.iter().find(|(name, _)| name == key) {
                    Some((_, shape)) => check_value(member, shape, &path, isolation, problems),
                    None => problems.extend(problem(key, &path, known, isolation)),
                }
            }
        }
        (List(shape), Value::Array(entries)) => {
            for entry in entries {
                check_part(entry, shape, path);
            }
        }
        (Map(shape), Value::Object(members)) => {
            for (name, member) in members {
                check_part(member, shape, &join(path, name));
            }
        }
        _ => problems.push(format!("{path} must be {}", shape.in_words())),
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
fn folded(key: &str) -> String {
    let letter = |letter: char| match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    key.chars().map(letter).collect()
}
