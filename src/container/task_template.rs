//! The options of a service on a Swarm: the template of its task (Engine API 1.41 to
//! 1.52).
//!
//! A Swarm has fewer options than an Engine, some under other names.

use serde_json::{Value, json};

use super::defaults::CAPABILITIES;
use super::forms::{
    BYTES_MAX, CHECK, PATH_OF_FILES, PROCESSORS_MAX, USER, are_ulimits, is_absent_or, is_argument,
    is_array, is_dns_option, is_group, is_healthcheck, is_host_name, is_ip, is_list, is_number,
    is_object, is_oom_score, is_path_of_files, is_plain, is_processor_limit, is_signal, is_sysctl,
    is_user,
};
use super::logs::{has_bounded_log, is_plain_log};
use super::mounts::{hides_token, is_own_mount};
use super::networks::is_network_name;
use super::shape::Shape::{self, Any, Flag, Keys, List, Number, Options, Text};
use super::shape::{HEALTHCHECK, MOUNT, TEXT_MAP, TEXTS, ULIMITS};
use super::table::Rule::{Elsewhere, Form, Free, Required, Servers, Texts, Unknown};
use super::table::{Row, Table};

pub static TABLE: Table = Table {
    rows: ROWS,
    unknown: "is not an option that a target of a Swarm may have",
    is_complete: false,
    check_servers,
    check_isolation: |_, _| {},
};

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("ContainerSpec", Options, Free),
    ("ContainerSpec.Image", Text, Servers(Value::is_null, SERVERS)),
    ("ContainerSpec.Secrets", Any, Servers(Value::is_null, SERVERS)),
    ("ContainerSpec.Configs", Any, Servers(Value::is_null, SERVERS)),
    ("ContainerSpec.StopGracePeriod", Number, Servers(Value::is_null, SERVERS)),
    ("ContainerSpec.Env", TEXTS, Elsewhere),
    ("ContainerSpec.Labels", TEXT_MAP, Elsewhere),
    ("ContainerSpec.Hostname", Text, Texts(is_host_name, "a host name")),
    ("ContainerSpec.User", Text, Texts(is_user, USER)),
    ("ContainerSpec.Groups", TEXTS, Texts(is_group, "a list of groups")),
    ("ContainerSpec.Dir", Text, Texts(is_path_of_files, PATH_OF_FILES)),
    ("ContainerSpec.Command", TEXTS, Texts(is_argument, "a list of texts")),
    ("ContainerSpec.Args", TEXTS, Texts(is_argument, "a list of texts")),
    ("ContainerSpec.StopSignal", Text, Texts(is_signal, "a signal")),
    ("ContainerSpec.Healthcheck", HEALTHCHECK, Form(is_healthcheck, CHECK)),
    ("ContainerSpec.Init", Flag, Free),
    ("ContainerSpec.TTY", Flag, Free),
    ("ContainerSpec.OpenStdin", Flag, Free),
    ("ContainerSpec.ReadOnly", Flag, Free),
    ("ContainerSpec.Hosts", TEXTS, Texts(is_host_entry, "a list of an address and names")),
    ("ContainerSpec.DNSConfig", Keys(&[("Nameservers", TEXTS), ("Search", TEXTS), ("Options", TEXTS)]), Form(is_dns, "an object with Nameservers, Search and Options")),
    ("ContainerSpec.Ulimits", ULIMITS, Form(are_ulimits, "limits with a Name, a Soft and a Hard value")),
    ("ContainerSpec.Sysctls", TEXT_MAP, Form(|value| is_object(value, is_sysctl), "settings of the target's own namespaces")),
    ("ContainerSpec.Mounts", List(&MOUNT), Form(|mounts| is_array(mounts, is_safe_mount), "tmpfs mounts, anonymous volumes and those in allow_volumes, without a driver or further options, at paths other than / and outside /proc and /sys")),
    ("ContainerSpec.OomScoreAdj", Number, Form(is_oom_score, "a number from 0 to 1000")),
    ("ContainerSpec.CapabilityAdd", TEXTS, Texts(is_agents, "a part of the agent's capabilities and those in allow_capabilities, spelt CAP_…")),
    ("ContainerSpec.CapabilityDrop", TEXTS, Required(|value| *value == json!(["ALL"]), "ALL alone")),
    ("ContainerSpec.Privileges", PRIVILEGES, Required(|value| *value == json!({"NoNewPrivileges": true}), "NoNewPrivileges alone, and true")),
    ("ContainerSpec.Isolation", Text, Unknown),
    ("Resources", Options, Free),
    ("Resources.Limits", RESOURCES, Required(is_limits, "limits of MemoryBytes and Pids above 0, and of NanoCPUs from 0.01 to 1024 processors or none")),
    ("Resources.Reservations", RESOURCES, Form(is_reservations, "an object with NanoCPUs and MemoryBytes")),
    ("RestartPolicy", Keys(&[("Condition", Text), ("Delay", Number), ("MaxAttempts", Number), ("Window", Number)]), Servers(|value| *value == json!({"Condition": "none"}), "must stay none: a second task would be a second target")),
    ("Placement", PLACEMENT, Form(is_placement, "an object with Constraints such as node.labels.targets==true")),
    ("Networks", List(&Keys(&[("Target", Text), ("Aliases", TEXTS), ("DriverOpts", TEXT_MAP)])), Required(is_one_network, "one network that is named by its Target alone")),
    ("LogDriver", Keys(&[("Name", Text), ("Options", TEXT_MAP)]), Required(is_log_driver, "the driver json-file, local, journald or none, with Options, of which max-size must bound the log")),
    ("ForceUpdate", Number, Unknown),
    ("Runtime", Text, Unknown),
];

const SERVERS: &str = "is set by the server; use agent_image, image in environments, or stop_grace";

#[rustfmt::skip]
const PRIVILEGES: Shape = Keys(&[
    ("CredentialSpec", Keys(&[("Config", Text), ("File", Text), ("Registry", Text)])),
    ("SELinuxContext", Keys(&[("Disable", Flag), ("User", Text), ("Role", Text), ("Type", Text), ("Level", Text)])),
    ("Seccomp", Keys(&[("Mode", Text), ("Profile", Text)])), ("AppArmor", Keys(&[("Mode", Text)])),
    ("NoNewPrivileges", Flag),
]);

#[rustfmt::skip]
const PLACEMENT: Shape = Keys(&[
    ("Constraints", TEXTS), ("MaxReplicas", Number),
    ("Preferences", List(&Keys(&[("Spread", Keys(&[("SpreadDescriptor", Text)]))]))),
    ("Platforms", List(&Keys(&[("Architecture", Text), ("OS", Text)]))),
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

fn check_servers(template: &Value, problems: &mut Vec<String>) {
    let container = &template["ContainerSpec"];
    if container.is_null() || template["Resources"].is_null() {
        problems.push("ContainerSpec and Resources cannot be removed".to_owned());
    }
    let mounts = container["Mounts"].as_array().into_iter().flatten();
    let mut places = mounts.map(|mount| mount["Target"].as_str().unwrap_or_default());
    if places.any(hides_token) {
        problems
            .push("ContainerSpec.Mounts has a mount that may hide the target's token".to_owned());
    }
}

/// Whether an object has only these keys, in this spelling.
fn has_keys(value: &Value, keys: &[&str]) -> bool {
    is_object(value, |key, _| keys.contains(&key))
}

fn is_safe_mount(mount: &Value) -> bool {
    let options =
        |key: &str, keys: &[&str]| is_absent_or(&mount[key], |options| has_keys(options, keys));
    is_own_mount(mount)
        && has_keys(
            mount,
            &[
                "Type",
                "Target",
                "ReadOnly",
                "TmpfsOptions",
                "VolumeOptions",
            ],
        )
        && options("TmpfsOptions", &["SizeBytes", "Mode"])
        && options("VolumeOptions", &["NoCopy"])
}

/// Whether this is one of the agent's capabilities, as a Swarm spells them.
fn is_agents(capability: &str) -> bool {
    let name = capability.strip_prefix("CAP_");
    name.is_some_and(|name| CAPABILITIES.contains(&name))
}

fn is_placement(placement: &Value) -> bool {
    has_keys(placement, &["Constraints"])
        && is_absent_or(&placement["Constraints"], |value| {
            is_list(value, is_constraint)
        })
}

/// `node.labels.targets==true`, `node.platform.os != windows`.
fn is_constraint(text: &str) -> bool {
    text.len() <= 256 && is_plain(text, " =!._-:@/")
}

fn is_one_network(networks: &Value) -> bool {
    let is_named = |network: &Value| {
        has_keys(network, &["Target"]) && network["Target"].as_str().is_some_and(is_network_name)
    };
    networks
        .as_array()
        .is_some_and(|networks| networks.len() == 1)
        && is_array(networks, is_named)
}

fn is_log_driver(driver: &Value) -> bool {
    let log = json!({"Type": driver["Name"], "Config": driver["Options"]});
    has_keys(driver, &["Name", "Options"]) && has_bounded_log(&log) && is_plain_log(&log)
}

/// `192.0.2.1 name other-name`, as in `/etc/hosts`.
fn is_host_entry(text: &str) -> bool {
    text.split_once(' ')
        .is_some_and(|(address, names)| is_ip(address) && names.split(' ').all(is_host_name))
}

fn is_dns(dns: &Value) -> bool {
    is_object(dns, |key, value| match key {
        "Nameservers" => is_list(value, is_ip),
        "Search" => is_list(value, is_host_name),
        "Options" => is_list(value, is_dns_option),
        _ => false,
    })
}

fn is_limits(limits: &Value) -> bool {
    has_keys(limits, &["NanoCPUs", "MemoryBytes", "Pids"])
        && is_number(&limits["MemoryBytes"], 1..=BYTES_MAX)
        && is_number(&limits["Pids"], 1..=16_384)
        && is_absent_or(&limits["NanoCPUs"], is_processor_limit)
}

fn is_reservations(reservations: &Value) -> bool {
    is_object(reservations, |key, value| match key {
        "NanoCPUs" => is_number(value, 0..=PROCESSORS_MAX * 1_000_000_000),
        "MemoryBytes" => is_number(value, 0..=BYTES_MAX),
        _ => false,
    })
}
