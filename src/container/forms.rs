//! The forms of options whose values an Engine parses further.
//!
//! An Engine trims, splits and looks up such values in its own way, and Docker and
//! Podman differ. So a value is only accepted in a form that is known to be safe.

use std::net::IpAddr;

use serde_json::Value;

/// An option, its accepted form, and the form in words.
type Form = (&'static str, fn(&Value) -> bool, &'static str);

/// Checks the forms of a create body.
pub fn check(body: &Value, problems: &mut Vec<String>) {
    for (prefix, options, forms) in [
        ("", body, &TOP_LEVEL[..]),
        ("HostConfig.", &body["HostConfig"], &HOST_CONFIG[..]),
    ] {
        for (key, has_form, form) in forms {
            if !options[key].is_null() && !has_form(&options[key]) {
                problems.push(format!(
                    "{prefix}{key} must be {form}; to permit more, set container_patch_unsafe to allow"
                ));
            }
        }
    }
    for key in NUMBERS {
        let number = &body["HostConfig"][key];
        if !number.is_null() && number.as_i64().is_none_or(|number| number < 0) {
            problems.push(format!(
                "HostConfig.{key} must be a whole number, 0 or more; to permit more, set container_patch_unsafe to allow"
            ));
        }
    }
}

#[rustfmt::skip]
const TOP_LEVEL: [Form; 6] = [
    ("Hostname", |value| is_text(value, is_host_name), "a host name"),
    ("Domainname", |value| is_text(value, is_host_name), "a domain name"),
    ("MacAddress", |value| is_text(value, is_hardware_address), "a hardware address"),
    ("User", |value| is_text(value, is_user), "a user, or a user and a group"),
    ("StopSignal", |value| is_text(value, |text| is_plain(text, "+-")), "a signal"),
    ("ExposedPorts", |value| is_object(value, |port, _| is_port(port)), "ports such as 80/tcp"),
];

#[rustfmt::skip]
const HOST_CONFIG: [Form; 14] = [
    ("CpusetCpus", |value| is_text(value, is_number_list), "a list such as 0-2,4"),
    ("CpusetMems", |value| is_text(value, is_number_list), "a list such as 0-2,4"),
    ("Dns", |value| is_list(value, |text| text.parse::<IpAddr>().is_ok()), "a list of IP addresses"),
    ("DnsOptions", |value| is_list(value, |text| is_plain(text, ":-")), "a list of options such as ndots:2"),
    ("DnsSearch", |value| is_list(value, is_host_name), "a list of domain names"),
    ("ExtraHosts", |value| is_list(value, is_extra_host), "a list of NAME:ADDRESS"),
    ("GroupAdd", |value| is_list(value, is_group), "a list of groups"),
    ("Isolation", |value| is_text(value, |text| text == "default"), "default"),
    ("PortBindings", |value| is_object(value, is_port_binding), "ports with HostIp and HostPort"),
    ("Runtime", |value| is_text(value, |text| RUNTIMES.contains(&text)), "a runtime that is known to isolate: runc, crun, runsc or kata-runtime"),
    ("StorageOpt", |value| is_object(value, is_storage_size), "a size such as 10G"),
    ("Sysctls", |value| is_object(value, is_sysctl), "settings of the target's own namespaces"),
    ("Tmpfs", |value| is_object(value, |_, options| is_text(options, is_tmpfs_options)), "paths with options such as size=64m,mode=1777"),
    ("Ulimits", |value| is_array(value, is_ulimit), "limits with a Name, a Soft and a Hard value"),
];

/// Limits and weights that take a number.
const NUMBERS: [&str; 13] = [
    "BlkioWeight",
    "CpuCount",
    "CpuPercent",
    "CpuPeriod",
    "CpuQuota",
    "CpuShares",
    "IOMaximumBandwidth",
    "IOMaximumIOps",
    "KernelMemory",
    "KernelMemoryTCP",
    "MemoryReservation",
    "MemorySwappiness",
    "ShmSize",
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

/// Whether a value is a text of that form, or empty, which is the Engine's default.
fn is_text(value: &Value, has_form: impl Fn(&str) -> bool) -> bool {
    let text = value.as_str();
    text.is_some_and(|text| text.is_empty() || has_form(text))
}

fn is_array(value: &Value, has_form: impl Fn(&Value) -> bool) -> bool {
    let entries = value.as_array();
    entries.is_some_and(|entries| entries.iter().all(has_form))
}

fn is_list(value: &Value, has_form: impl Fn(&str) -> bool) -> bool {
    is_array(value, |entry| entry.as_str().is_some_and(&has_form))
}

fn is_object(value: &Value, has_form: impl Fn(&str, &Value) -> bool) -> bool {
    let members = value.as_object();
    members.is_some_and(|members| members.iter().all(|(key, value)| has_form(key, value)))
}

/// Whether a text has nothing but ASCII letters, digits and these characters.
pub fn is_plain(text: &str, more: &str) -> bool {
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || more.contains(letter);
    !text.is_empty() && text.chars().all(is_allowed)
}

fn is_host_name(text: &str) -> bool {
    text.len() <= 253 && is_plain(text, ".-_")
}

fn is_hardware_address(text: &str) -> bool {
    let is_byte = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.split(':').count() == 6 && text.split(':').all(is_byte)
}

fn is_user(text: &str) -> bool {
    text.split(':').count() <= 2 && text.split(':').all(|part| is_plain(part, "._-"))
}

/// Podman's `keep-groups` keeps the groups of whoever runs the Engine.
fn is_group(text: &str) -> bool {
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
                "HostIp" => is_text(value, |text| text.parse::<IpAddr>().is_ok()),
                "HostPort" => is_text(value, is_port_range),
                _ => false,
            })
        })
}

fn is_extra_host(text: &str) -> bool {
    text.split_once(':').is_some_and(|(name, address)| {
        is_host_name(name) && (address == "host-gateway" || address.parse::<IpAddr>().is_ok())
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
fn is_sysctl(key: &str, value: &Value) -> bool {
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

fn is_ulimit(limit: &Value) -> bool {
    let is_value = |key| limit[key].is_null() || limit[key].as_i64().is_some();
    let name = limit["Name"].as_str();
    name.is_some_and(|name| is_plain(name, "")) && is_value("Soft") && is_value("Hard")
}
