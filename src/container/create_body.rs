//! The options of a container: the body of ContainerCreate (Engine API 1.41 to 1.52).
//!
//! Each option has one row. Below the rows are the checks that no row can express.

use serde_json::Value;

use super::allowed::is_capability;
use super::defaults::CAPABILITIES;
use super::forms::{
    BYTES_MAX, CHECK, COMMAND, PATH_OF_FILES, PROCESSORS_MAX, USER, are_ulimits, is_absent_or,
    is_argument, is_array, is_dns_option, is_group, is_hardware_address, is_healthcheck,
    is_host_name, is_ip, is_list, is_number, is_object, is_oom_score, is_path, is_path_of_files,
    is_processor_limit, is_signal, is_size, is_sysctl, is_text, is_unset, is_user, is_word_of,
};
use super::logs::{has_bounded_log, is_plain_log};
use super::mounts::{is_mount_point, is_own_mount, is_token_misplaced};
use super::networks::{is_endpoint, is_network_name};
use super::shape::Shape::{self, Command, Flag, Keys, List, Map, Number, Options, Text};
use super::shape::{EMPTY_MAP, HEALTHCHECK, MOUNT, TEXT_MAP, TEXTS, ULIMITS};
use super::table::Rule::{
    Elsewhere, Form, Free, Guard, Limit, Names, Refused, Servers, Texts, UpTo,
};
use super::table::{Row, Table, folded, permissible};
use crate::docker::archive::SECRETS_DIR;

pub static TABLE: Table = Table {
    rows: ROWS,
    unknown: "is unknown to this server, and may be unsafe",
    is_complete: true,
    check_servers,
    check_isolation,
};

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("Image", Text, Servers(Value::is_null, "is set by the server; use agent_image, or image in environments")),
    ("Env", TEXTS, Elsewhere),
    ("Labels", TEXT_MAP, Elsewhere),
    ("Volumes", EMPTY_MAP, Elsewhere),
    ("Hostname", Text, Texts(is_host_name, "a host name")),
    ("Domainname", Text, Texts(is_host_name, "a domain name")),
    ("MacAddress", Text, Texts(is_hardware_address, "a hardware address")),
    ("User", Text, Texts(is_user, USER)),
    ("WorkingDir", Text, Texts(is_path_of_files, PATH_OF_FILES)),
    ("Cmd", Command, Texts(is_argument, COMMAND)),
    ("Entrypoint", Command, Texts(is_argument, COMMAND)),
    ("Shell", Command, Texts(is_argument, COMMAND)),
    ("OnBuild", TEXTS, Texts(is_argument, COMMAND)),
    ("StopSignal", Text, Texts(is_signal, "a signal")),
    // A removal may take 15 seconds, and Podman first waits for the container's own timeout.
    ("StopTimeout", Number, Form(|value| is_number(value, 0..=15), "a number of seconds from 0 to 15")),
    ("Healthcheck", HEALTHCHECK, Form(is_healthcheck, CHECK)),
    ("ExposedPorts", EMPTY_MAP, Form(|value| is_object(value, |port, _| is_port(port)), "ports such as 80/tcp")),
    ("AttachStdin", Flag, Free),
    ("AttachStdout", Flag, Free),
    ("AttachStderr", Flag, Free),
    ("Tty", Flag, Free),
    ("OpenStdin", Flag, Free),
    ("StdinOnce", Flag, Free),
    ("ArgsEscaped", Flag, Free),
    ("NetworkDisabled", Flag, Free),
    ("NetworkingConfig", Options, Free),
    ("NetworkingConfig.EndpointsConfig", Map(&ENDPOINT), Elsewhere),
    ("HostConfig", Options, Servers(|value| !value.is_null(), "has all of the limits and cannot be removed")),

    ("HostConfig.Memory", Number, Limit(BYTES_MAX)),
    ("HostConfig.MemorySwap", Number, Limit(2 * BYTES_MAX)),
    // A kernel has 32,768 processes by default, and the host needs half of them.
    ("HostConfig.PidsLimit", Number, Limit(16_384)),
    // Without a limit, as on a kernel without a processor quota, a warning says so.
    ("HostConfig.NanoCpus", Number, Guard(|value| is_absent_or(value, is_processor_limit), "must be a limit from 0.01 to 1024 processors")),
    ("HostConfig.CpuQuota", Number, UpTo(BYTES_MAX)),
    ("HostConfig.CpuPeriod", Number, UpTo(1_000_000)),
    ("HostConfig.CpuShares", Number, UpTo(262_144)),
    ("HostConfig.CpuCount", Number, UpTo(1024)),
    ("HostConfig.CpuPercent", Number, UpTo(100)),
    ("HostConfig.CpusetCpus", Text, Texts(is_number_list, "a list such as 0-2,4")),
    ("HostConfig.CpusetMems", Text, Texts(is_number_list, "a list such as 0-2,4")),
    ("HostConfig.CpuRealtimePeriod", Number, Refused(is_zero, REALTIME)),
    ("HostConfig.CpuRealtimeRuntime", Number, Refused(is_zero, REALTIME)),
    ("HostConfig.MemoryReservation", Number, UpTo(BYTES_MAX)),
    ("HostConfig.MemorySwappiness", Number, UpTo(100)),
    ("HostConfig.KernelMemory", Number, UpTo(BYTES_MAX)),
    ("HostConfig.KernelMemoryTCP", Number, UpTo(BYTES_MAX)),
    ("HostConfig.ShmSize", Number, UpTo(BYTES_MAX)),
    ("HostConfig.OomKillDisable", Flag, Refused(is_unset, "lets a target hang the host")),
    ("HostConfig.OomScoreAdj", Number, Guard(is_oom_score, "must be from 0 to 1000: below that, the host kills its own services first")),
    ("HostConfig.Ulimits", ULIMITS, Form(are_ulimits, "limits with a Name, a Soft and a Hard value, except nice, rtprio and rttime")),
    ("HostConfig.BlkioWeight", Number, UpTo(1000)),
    ("HostConfig.BlkioWeightDevice", List(&Keys(&[("Path", Text), ("Weight", Number)])), Form(|value| is_array(value, |entry| is_device_limit(entry, "Weight", 1000)), DEVICES)),
    ("HostConfig.BlkioDeviceReadBps", RATES, Form(are_rates, DEVICES)),
    ("HostConfig.BlkioDeviceWriteBps", RATES, Form(are_rates, DEVICES)),
    ("HostConfig.BlkioDeviceReadIOps", RATES, Form(are_rates, DEVICES)),
    ("HostConfig.BlkioDeviceWriteIOps", RATES, Form(are_rates, DEVICES)),
    ("HostConfig.IOMaximumIOps", Number, UpTo(BYTES_MAX)),
    ("HostConfig.IOMaximumBandwidth", Number, UpTo(BYTES_MAX)),

    ("HostConfig.NetworkMode", Text, Guard(|mode| mode.as_str().is_some_and(is_network_name), NETWORK)),
    ("HostConfig.Dns", TEXTS, Texts(is_ip, "a list of IP addresses")),
    ("HostConfig.DnsOptions", TEXTS, Texts(is_dns_option, "a list of options such as ndots:2")),
    ("HostConfig.DnsSearch", TEXTS, Texts(is_host_name, "a list of domain names")),
    ("HostConfig.ExtraHosts", TEXTS, Texts(is_extra_host, "a list of NAME:ADDRESS")),
    ("HostConfig.Links", TEXTS, Refused(is_unset, "exposes the variables of other containers")),
    ("HostConfig.PortBindings", Map(&List(&Keys(&[("HostIp", Text), ("HostPort", Text)]))), Form(|value| is_object(value, is_port_binding), "ports with HostIp and HostPort")),
    ("HostConfig.PublishAllPorts", Flag, Free),

    ("HostConfig.ReadonlyRootfs", Flag, Free),
    ("HostConfig.StorageOpt", TEXT_MAP, Form(|value| is_object(value, |key, size| key == "size" && is_text(size, is_size)), "a size such as 10G")),
    ("HostConfig.Mounts", List(&MOUNT), Guard(|mounts| is_absent_or(mounts, |mounts| is_array(mounts, is_own_mount)), "may only have tmpfs mounts, anonymous volumes and those in allow_volumes, without a driver or further options, at paths other than / and outside /proc and /sys")),
    ("HostConfig.Tmpfs", TEXT_MAP, Form(|value| is_object(value, |path, options| is_mount_point(path) && is_text(options, is_tmpfs_options)), "paths other than / and outside /proc and /sys with options such as size=64m,mode=1777")),
    ("HostConfig.Binds", TEXTS, Refused(is_unset, "exposes files of the host")),
    ("HostConfig.VolumesFrom", TEXTS, Servers(is_unset, "could put a volume of another container in /run/dynamic-access, and with it the target's token; leave it out")),
    ("HostConfig.VolumeDriver", Text, Servers(is_unset, "could give one volume to several targets, and with it their tokens; leave it out, and name the driver in Mounts")),
    // A check below refuses a log without a bound.
    ("HostConfig.LogConfig", Keys(&[("Type", Text), ("Config", TEXT_MAP)]), Guard(|log| is_plain_log(log) || !has_bounded_log(log), "may only have the types json-file, local, k8s-file, journald and none, with max-size, max-file, max-buffer-size, compress, mode and tag")),

    ("HostConfig.Privileged", Flag, Refused(is_unset, "removes the isolation of targets")),
    ("HostConfig.CapAdd", TEXTS, Names(are_capabilities, &CAPABILITIES, "adds a capability that an agent does not need and allow_capabilities does not name")),
    ("HostConfig.CapDrop", TEXTS, Guard(drops_all, "must contain ALL")),
    ("HostConfig.SecurityOpt", TEXTS, Guard(is_confined, "must be no-new-privileges and at most apparmor=docker-default and seccomp=builtin; a seccomp profile of yours belongs in the Engine's own configuration")),
    // Even an empty list replaces Docker's own.
    ("HostConfig.MaskedPaths", TEXTS, Refused(Value::is_null, "exposes paths that Docker hides or protects")),
    ("HostConfig.ReadonlyPaths", TEXTS, Refused(Value::is_null, "exposes paths that Docker hides or protects")),
    ("HostConfig.GroupAdd", TEXTS, Texts(is_group, "a list of groups")),
    ("HostConfig.Sysctls", TEXT_MAP, Form(|value| is_object(value, is_sysctl), "settings of the target's own namespaces")),
    ("HostConfig.Devices", List(&Keys(&[("PathOnHost", Text), ("PathInContainer", Text), ("CgroupPermissions", Text)])), Refused(is_unset, "exposes devices of the host")),
    ("HostConfig.DeviceRequests", DEVICE_REQUESTS, Refused(is_unset, "exposes devices of the host")),
    ("HostConfig.DeviceCgroupRules", TEXTS, Refused(is_unset, "gives access to devices of the host")),

    // Without a mode, the Engine's own default may be the host's namespace.
    ("HostConfig.IpcMode", Text, Names(is_name, &["none", "private", "shareable"], NAMESPACE)),
    ("HostConfig.CgroupnsMode", Text, Names(is_name, &["private"], NAMESPACE)),
    ("HostConfig.PidMode", Text, Refused(is_unset, "exposes processes of others")),
    ("HostConfig.UTSMode", Text, Refused(is_unset, "shares the host's name")),
    ("HostConfig.UsernsMode", Text, Refused(is_unset, "removes the user namespace")),
    ("HostConfig.Cgroup", Text, Refused(is_unset, "joins the control group of another container")),
    ("HostConfig.CgroupParent", Text, Refused(is_unset, "joins a control group outside of the target's own")),

    ("HostConfig.Runtime", Text, Texts(|name| is_word_of(RUNTIMES, name), "a runtime that is known to isolate: runc, crun, runsc or kata-runtime")),
    ("HostConfig.Isolation", Text, Texts(|text| text == "default", "default")),
    ("HostConfig.Annotations", TEXT_MAP, Refused(is_unset, "may change what the runtime does")),
    ("HostConfig.ContainerIDFile", Text, Refused(is_unset, "writes a file on the host")),
    ("HostConfig.Init", Flag, Free),
    ("HostConfig.RestartPolicy", Keys(&[("Name", Text), ("MaximumRetryCount", Number)]), Form(is_restart_policy, "no, on-failure, always or unless-stopped")),
    ("HostConfig.AutoRemove", Flag, Servers(is_unset, "would remove the exit code of a failed target as well; leave it out, since the server removes targets")),
    ("HostConfig.ConsoleSize", List(&Number), Form(|value| is_array(value, |side| is_number(side, 0..=10_000)), "a height and a width")),
];

/// The most networks in a patch. `/health` asks the Engine for each.
const NETWORKS_MAX: usize = 8;

const DEVICES: &str = "a list of devices, each with a path and a number above 0";
const NAMESPACE: &str = "shares a namespace with the host or another container";
const NETWORK: &str =
    "must be the name of a network; the host's network, another container's and ids are refused";
const REALTIME: &str = "lets a target take a processor from the host";

const RATES: Shape = List(&Keys(&[("Path", Text), ("Rate", Number)]));

const DEVICE_REQUESTS: Shape = List(&Keys(&[
    ("Driver", Text),
    ("Count", Number),
    ("DeviceIDs", TEXTS),
    ("Capabilities", List(&TEXTS)),
    ("Options", TEXT_MAP),
]));

#[rustfmt::skip]
const ENDPOINT: Shape = Keys(&[
    ("IPAMConfig", Keys(&[("IPv4Address", Text), ("IPv6Address", Text), ("LinkLocalIPs", TEXTS)])),
    ("Links", TEXTS), ("MacAddress", Text), ("Aliases", TEXTS), ("DriverOpts", TEXT_MAP),
    ("GwPriority", Number), ("NetworkID", Text), ("EndpointID", Text), ("Gateway", Text), ("IPAddress", Text),
    ("IPPrefixLen", Number), ("IPv6Gateway", Text), ("GlobalIPv6Address", Text),
    ("GlobalIPv6PrefixLen", Number), ("DNSNames", TEXTS),
]);

fn check_servers(body: &Value, problems: &mut Vec<String>) {
    // Only Podman knows these, in any case.
    let is_podmans = |key: &str| ["envmerge", "unsetenv", "unsetenvall"].contains(&&*folded(key));
    for (key, value) in body.as_object().into_iter().flatten() {
        if is_podmans(key) && !is_unset(value) {
            problems.push(format!("{key} would change the server's own variables"));
        }
    }
    let endpoints = body["NetworkingConfig"]["EndpointsConfig"].as_object();
    if endpoints.is_some_and(|networks| networks.len() > NETWORKS_MAX) {
        problems.push(format!(
            "NetworkingConfig.EndpointsConfig has more than {NETWORKS_MAX} networks"
        ));
    }
    if is_token_misplaced(&body["HostConfig"]) {
        problems.push(format!(
            "HostConfig mounts something in {SECRETS_DIR}, which holds the target's token, or above it, or at a path that is not plain and absolute"
        ));
    }
}

fn check_isolation(body: &Value, problems: &mut Vec<String>) {
    let host_config = &body["HostConfig"];
    let mut refuse = |why: &str| problems.push(format!("HostConfig.{}", permissible(why)));
    // A quota is part of each period, which is a tenth of a second by default.
    let period = host_config["CpuPeriod"]
        .as_i64()
        .filter(|period| *period > 0);
    let quota_max = period.unwrap_or(100_000).saturating_mul(PROCESSORS_MAX);
    let quota = host_config["CpuQuota"].as_i64();
    if quota.is_some_and(|quota| quota > quota_max) {
        refuse("CpuQuota must be a limit of at most 1024 processors");
    }
    if !has_bounded_log(&host_config["LogConfig"]) {
        refuse("LogConfig lets a target fill the disk; set max-size");
    }
    let endpoints = body["NetworkingConfig"]["EndpointsConfig"].as_object();
    let mut endpoints = endpoints.into_iter().flatten();
    if !endpoints.all(|(name, endpoint)| is_network_name(name) && is_endpoint(endpoint)) {
        problems.push(format!("NetworkingConfig.EndpointsConfig {NETWORK}"));
    }
}

/// Whether a value is exactly one of these names.
fn is_name(value: &Value, names: &[&str]) -> bool {
    value.as_str().is_some_and(|name| names.contains(&name))
}

/// Whether a list has only these capabilities.
fn are_capabilities(value: &Value, names: &[&str]) -> bool {
    is_absent_or(value, |value| {
        is_list(value, |name| is_capability(name, names))
    })
}

fn drops_all(dropped: &Value) -> bool {
    let names = dropped.as_array().into_iter().flatten();
    let mut names = names.filter_map(Value::as_str);
    names.any(|name| name.eq_ignore_ascii_case("ALL"))
}

/// Whether all of the security options are known to be safe, and
/// `no-new-privileges` is one of them.
fn is_confined(options: &Value) -> bool {
    let keeps_privileges = |option: &str| {
        let parts = option.split_once(['=', ':']).unwrap_or((option, "true"));
        parts == ("no-new-privileges", "true")
    };
    let is_safe = |option: &str| match option.split_once(['=', ':']) {
        // A host has profiles that confine nothing, such as Ubuntu's `crun`.
        Some(("apparmor", profile)) => profile == "docker-default",
        Some(("seccomp", profile)) => profile == "builtin",
        _ => keeps_privileges(option),
    };
    let texts = options.as_array().into_iter().flatten();
    let mut texts = texts.filter_map(Value::as_str);
    is_list(options, is_safe) && texts.any(keeps_privileges)
}

fn is_zero(value: &Value) -> bool {
    is_absent_or(value, |value| is_number(value, 0..=0))
}

/// Runtimes that isolate at least as well as runc. Others may be wrappers that give a
/// container devices of the host.
const RUNTIMES: &str = "crun io.containerd.kata.v2 io.containerd.runc.v2 io.containerd.runsc.v1 kata-runtime runc runsc";

fn is_restart_policy(policy: &Value) -> bool {
    is_object(policy, |key, value| match key {
        "Name" => is_text(value, |name| {
            matches!(name, "no" | "on-failure" | "always" | "unless-stopped")
        }),
        "MaximumRetryCount" => is_number(value, 0..=1000),
        _ => false,
    })
}

fn are_rates(value: &Value) -> bool {
    is_array(value, |entry| is_device_limit(entry, "Rate", BYTES_MAX))
}

/// Whether an entry limits one device of the host by a number above 0.
fn is_device_limit(entry: &Value, number: &str, max: i64) -> bool {
    let is_device = |path: &str| is_path(path) && path.starts_with("/dev/");
    entry["Path"].as_str().is_some_and(is_device)
        && is_object(entry, |key, value| {
            key == "Path" || (key == number && is_number(value, 1..=max))
        })
}

fn is_number_list(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || b",-".contains(&byte))
}

/// `80`, `80-90`, `80/tcp`.
fn is_port(text: &str) -> bool {
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    is_port_range(ports) && matches!(protocol, "tcp" | "udp" | "sctp")
}

fn is_port_range(text: &str) -> bool {
    text.splitn(2, '-').all(|port| port.parse::<u16>().is_ok())
}

fn is_port_binding(port: &str, bindings: &Value) -> bool {
    is_port(port)
        && is_array(bindings, |binding| {
            is_object(binding, |key, value| match key {
                "HostIp" => is_text(value, is_ip),
                "HostPort" => is_text(value, is_port_range),
                _ => false,
            })
        })
}

fn is_extra_host(text: &str) -> bool {
    text.split_once(':').is_some_and(|(name, address)| {
        is_host_name(name) && (address == "host-gateway" || is_ip(address))
    })
}

/// `suid` and `dev` are missing: they would undo Docker's own options.
fn is_tmpfs_options(text: &str) -> bool {
    text.split(',').all(|option| match option.split_once('=') {
        Some(("size", size)) => {
            let percentage = size
                .strip_suffix('%')
                .and_then(|size| size.parse::<u8>().ok());
            is_size(size) || percentage.is_some_and(|percentage| percentage <= 100)
        }
        Some(("mode" | "uid" | "gid" | "nr_inodes", number)) => number.parse::<u64>().is_ok(),
        Some(_) => false,
        None => matches!(option, "rw" | "ro" | "exec" | "noexec" | "nosuid" | "nodev"),
    })
}
