//! The forms of options whose values an Engine parses further.
//!
//! An Engine trims, splits and looks up such values in its own way, and Docker and
//! Podman differ. So a value is only accepted in a form that is known to be safe.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use serde_json::Value;

/// More memory than any target needs: a larger number is no limit at all.
pub const BYTES_MAX: i64 = 1 << 40;

/// An option, its accepted form, and the form in words.
pub type Form = (&'static str, fn(&Value) -> bool, &'static str);

/// Checks the forms of a create body.
pub fn check(body: &Value, problems: &mut Vec<String>) {
    for (prefix, options, forms) in [
        ("", body, &TOP_LEVEL[..]),
        ("HostConfig.", &body["HostConfig"], &HOST_CONFIG[..]),
    ] {
        for (key, has_form, form) in forms {
            if !is_absent_or(&options[key], has_form) {
                problems.push(format!(
                    "{prefix}{key} must be {form}; to permit more, set container_patch_unsafe to allow"
                ));
            }
        }
    }
    for (key, max) in NUMBERS {
        let number = &body["HostConfig"][key];
        if !is_absent_or(number, |number| is_number(number, 0..=max)) {
            problems.push(format!(
                "HostConfig.{key} must be a whole number from 0 to {max}; to permit more, set container_patch_unsafe to allow"
            ));
        }
    }
}

#[rustfmt::skip]
pub const TOP_LEVEL: [Form; 13] = [
    ("Hostname", |value| is_text(value, is_host_name), "a host name"),
    ("Domainname", |value| is_text(value, is_host_name), "a domain name"),
    ("MacAddress", |value| is_text(value, is_hardware_address), "a hardware address"),
    ("User", |value| is_text(value, is_user), "a user, or a user and a group"),
    ("StopSignal", |value| is_text(value, |text| is_plain(text, "+-")), "a signal"),
    ("ExposedPorts", |value| is_object(value, |port, _| is_port(port)), "ports such as 80/tcp"),
    ("WorkingDir", |value| is_text(value, is_path_of_files), "a plain and absolute path outside /proc and /sys"),
    ("StopTimeout", |value| is_number(value, 0..=STOP_SECONDS_MAX), "a number of seconds from 0 to 15"),
    ("Healthcheck", is_healthcheck, "a Test, whole numbers, and an Interval of a second or more"),
    ("Cmd", is_command, COMMAND),
    ("Entrypoint", is_command, COMMAND),
    ("OnBuild", is_command, COMMAND),
    ("Shell", is_command, COMMAND),
];

#[rustfmt::skip]
pub const HOST_CONFIG: [Form; 21] = [
    ("CpusetCpus", |value| is_text(value, is_number_list), "a list such as 0-2,4"),
    ("CpusetMems", |value| is_text(value, is_number_list), "a list such as 0-2,4"),
    ("Dns", |value| is_list(value, is_ip), "a list of IP addresses"),
    ("DnsOptions", |value| is_list(value, |text| is_plain(text, ":-")), "a list of options such as ndots:2"),
    ("DnsSearch", |value| is_list(value, is_host_name), "a list of domain names"),
    ("ExtraHosts", |value| is_list(value, is_extra_host), "a list of NAME:ADDRESS"),
    ("GroupAdd", |value| is_list(value, is_group), "a list of groups"),
    ("Isolation", |value| is_one_of(value, &["default"]), "default"),
    ("PortBindings", |value| is_object(value, is_port_binding), "ports with HostIp and HostPort"),
    ("Runtime", |value| is_one_of(value, &RUNTIMES), "a runtime that is known to isolate: runc, crun, runsc or kata-runtime"),
    ("StorageOpt", |value| is_object(value, is_storage_size), "a size such as 10G"),
    ("Sysctls", |value| is_object(value, is_sysctl), "settings of the target's own namespaces"),
    ("Tmpfs", |value| is_object(value, |path, options| is_mount_point(path) && is_text(options, is_tmpfs_options)), "paths other than / and outside /proc and /sys with options such as size=64m,mode=1777"),
    ("Ulimits", |value| is_array(value, is_ulimit), "limits with a Name, a Soft and a Hard value, none of which lets a target go before others"),
    ("RestartPolicy", is_restart_policy, "no, on-failure, always or unless-stopped"),
    ("ConsoleSize", |value| is_array(value, |side| is_number(side, 0..=10_000)), "a height and a width"),
    ("BlkioWeightDevice", |value| is_array(value, |entry| is_device_limit(entry, "Weight", 1000)), DEVICES),
    ("BlkioDeviceReadBps", |value| is_array(value, |entry| is_device_limit(entry, "Rate", BYTES_MAX)), DEVICES),
    ("BlkioDeviceWriteBps", |value| is_array(value, |entry| is_device_limit(entry, "Rate", BYTES_MAX)), DEVICES),
    ("BlkioDeviceReadIOps", |value| is_array(value, |entry| is_device_limit(entry, "Rate", BYTES_MAX)), DEVICES),
    ("BlkioDeviceWriteIOps", |value| is_array(value, |entry| is_device_limit(entry, "Rate", BYTES_MAX)), DEVICES),
];

const COMMAND: &str = "a text or a list of texts";
const DEVICES: &str = "a list of devices, each with a path and a number above 0";

/// A call that removes a container waits for 15 seconds at most, and Podman first
/// waits for the container's own timeout.
const STOP_SECONDS_MAX: i64 = 15;

/// Limits and weights that take a number, and the highest: that of the kernel, or
/// one that no target needs.
pub const NUMBERS: [(&str, i64); 13] = [
    ("BlkioWeight", 1000),
    ("CpuCount", 1024),
    ("CpuPercent", 100),
    ("CpuPeriod", 1_000_000),
    ("CpuQuota", BYTES_MAX),
    ("CpuShares", 262_144),
    ("IOMaximumBandwidth", BYTES_MAX),
    ("IOMaximumIOps", BYTES_MAX),
    ("KernelMemory", BYTES_MAX),
    ("KernelMemoryTCP", BYTES_MAX),
    ("MemoryReservation", BYTES_MAX),
    ("MemorySwappiness", 100),
    ("ShmSize", BYTES_MAX),
];

/// The runtimes that isolate at least as well as runc. Others may be wrappers that
/// hand devices of the host to a container.
const RUNTIMES: [&str; 7] = [
    "crun",
    "io.containerd.kata.v2",
    "io.containerd.runc.v2",
    "io.containerd.runsc.v1",
    "kata-runtime",
    "runc",
    "runsc",
];

/// Whether an option is left to the Engine, or has that form.
pub fn is_absent_or(value: &Value, has_form: impl Fn(&Value) -> bool) -> bool {
    value.is_null() || has_form(value)
}

/// Whether a value is one of these texts, or empty, which is the Engine's default.
pub fn is_one_of(value: &Value, texts: &[&str]) -> bool {
    is_text(value, |text| texts.contains(&text))
}

/// Whether a value is a text of that form, or empty, which is the Engine's default.
pub fn is_text(value: &Value, has_form: impl Fn(&str) -> bool) -> bool {
    let text = value.as_str();
    text.is_some_and(|text| text.is_empty() || has_form(text))
}

pub fn is_array(value: &Value, has_form: impl Fn(&Value) -> bool) -> bool {
    let entries = value.as_array();
    entries.is_some_and(|entries| entries.iter().all(has_form))
}

pub fn is_list(value: &Value, has_form: impl Fn(&str) -> bool) -> bool {
    is_array(value, |entry| entry.as_str().is_some_and(&has_form))
}

pub fn is_object(value: &Value, has_form: impl Fn(&str, &Value) -> bool) -> bool {
    let members = value.as_object();
    members.is_some_and(|members| members.iter().all(|(key, value)| has_form(key, value)))
}

/// Whether a text has nothing but ASCII letters, digits and these characters.
pub fn is_plain(text: &str, more: &str) -> bool {
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || more.contains(letter);
    !text.is_empty() && text.chars().all(is_allowed)
}

/// Whether a value is a whole number in this range. Engines read numbers in texts and
/// numbers with a fraction in different ways.
pub fn is_number(value: &Value, range: RangeInclusive<i64>) -> bool {
    value.as_i64().is_some_and(|number| range.contains(&number))
}

pub fn is_ip(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
}

/// Whether a path is plain and absolute. Podman puts paths into options of its own,
/// in which a colon, a comma or a quote begins another option.
pub fn is_path(text: &str) -> bool {
    text.starts_with('/') && is_plain(text, "/._-+@~") && text.split('/').all(|part| part != "..")
}

/// Whether a path is outside the kernel's own files, through which targets have
/// reached the host.
pub fn is_path_of_files(text: &str) -> bool {
    let first = text.split('/').find(|part| !matches!(*part, "" | "."));
    is_path(text) && !matches!(first, Some("proc" | "sys"))
}

/// Whether something can be mounted at a path: an Engine takes neither the root nor the
/// kernel's own files.
pub fn is_mount_point(text: &str) -> bool {
    is_path_of_files(text) && text.contains(|letter| !matches!(letter, '/' | '.'))
}

/// Whether a value is a command, which only the target reads. A runtime that is
/// written in C takes a NUL for the end.
pub fn is_command(value: &Value) -> bool {
    let has_form = |text: &str| !text.contains('\0');
    is_text(value, has_form) || is_list(value, has_form)
}

/// Whether a check is not so frequent that it keeps the Engine busy. Times are in
/// nanoseconds, and the longest is a day.
pub fn is_healthcheck(check: &Value) -> bool {
    let is_time = |value: &Value| {
        is_number(value, 0..=0) || is_number(value, 1_000_000_000..=86_400_000_000_000)
    };
    is_object(check, |key, value| match key {
        "Test" => is_list(value, |text| !text.contains('\0')),
        "Retries" => is_number(value, 0..=1000),
        "Interval" | "Timeout" | "StartPeriod" | "StartInterval" => is_time(value),
        // `spelling` has told of it.
        _ => true,
    })
}

fn is_restart_policy(policy: &Value) -> bool {
    is_object(policy, |key, value| match key {
        "Name" => is_text(value, |name| {
            matches!(name, "no" | "on-failure" | "always" | "unless-stopped")
        }),
        "MaximumRetryCount" => is_number(value, 0..=1000),
        // `spelling` has told of it.
        _ => true,
    })
}

/// Whether an entry limits one device of the host by a number above 0.
fn is_device_limit(entry: &Value, number: &str, max: i64) -> bool {
    let is_device = |path: &str| is_path(path) && path.starts_with("/dev/");
    entry["Path"].as_str().is_some_and(is_device)
        && is_object(entry, |key, value| {
            key == "Path" || (key == number && is_number(value, 1..=max))
        })
}

pub fn is_host_name(text: &str) -> bool {
    text.len() <= 253 && is_plain(text, ".-_")
}

pub fn is_hardware_address(text: &str) -> bool {
    let is_byte = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.split(':').count() == 6 && text.split(':').all(is_byte)
}

pub fn is_user(text: &str) -> bool {
    text.split(':').count() <= 2 && text.split(':').all(|part| is_plain(part, "._-"))
}

/// Podman's `keep-groups` keeps the groups of whoever runs the Engine.
pub fn is_group(text: &str) -> bool {
    is_plain(text, "._-") && !text.eq_ignore_ascii_case("keep-groups")
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

/// `10G`, `64m`, `1048576`.
fn is_size(text: &str) -> bool {
    let number = text.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    text.len() - number.len() <= 2 && number.parse::<u64>().is_ok_and(|size| size > 0)
}

fn is_storage_size(key: &str, size: &Value) -> bool {
    key == "size" && is_text(size, is_size)
}

/// Settings that the kernel keeps for each namespace of a container.
pub fn is_sysctl(key: &str, value: &Value) -> bool {
    let is_namespaced = [
        "net.",
        "fs.mqueue.",
        "kernel.msg",
        "kernel.sem",
        "kernel.shm",
    ]
    .iter()
    .any(|prefix| key.starts_with(prefix));
    is_namespaced && is_plain(key, "._-") && is_text(value, |text| is_plain(text, " ._-"))
}

/// `suid` and `dev` are missing: they would undo Docker's own options.
pub fn is_tmpfs_options(text: &str) -> bool {
    text.split(',').all(|option| match option.split_once('=') {
        Some(("size", size)) => is_size(size) || size.strip_suffix('%').is_some_and(is_percentage),
        Some(("mode" | "uid" | "gid" | "nr_inodes", number)) => number.parse::<u64>().is_ok(),
        Some(_) => false,
        None => matches!(option, "rw" | "ro" | "exec" | "noexec" | "nosuid" | "nodev"),
    })
}

fn is_percentage(text: &str) -> bool {
    text.parse::<u8>().is_ok_and(|percentage| percentage <= 100)
}

/// The resources of a process that can be limited. `nice`, `rtprio` and `rttime` are
/// missing: by them a target could go before the host's own processes.
const RESOURCES: [&str; 13] = [
    "as",
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nofile",
    "nproc",
    "rss",
    "sigpending",
    "stack",
];

pub fn is_ulimit(limit: &Value) -> bool {
    // -1 is none, which the limits of the control group still bound.
    let is_value = |key| limit[key].is_null() || is_number(&limit[key], -1..=BYTES_MAX);
    let name = limit["Name"].as_str();
    name.is_some_and(|name| RESOURCES.contains(&name)) && is_value("Soft") && is_value("Hard")
}
