//! What a target's service is made of on a Swarm: the template of its task, changed by
//! the operator's patches.
//!
//! Swarm knows fewer options than an Engine, and gives some of them other names. A
//! patch may only set what [`RULES`] lists: everything else is refused.

use serde_json::{Map, Value, json};

use super::additions::{Additions, PerTarget, hides_token};
use super::defaults::CAPABILITIES;
use super::forms::{
    BYTES_MAX, is_absent_or, is_array, is_command, is_group, is_healthcheck, is_host_name, is_ip,
    is_list, is_number, is_object, is_path_of_files, is_plain, is_sysctl, is_text, is_ulimit,
    is_user,
};
use super::guards::{
    NANO_CPUS_MAX, NANO_CPUS_MIN, has_bounded_log, is_network_name, is_own_mount, is_plain_log,
};
use super::{Isolation, Patch, defaults, spelling};
use crate::docker::label;

/// The constraint that keeps targets off the managers: who controls a manager
/// controls every node.
pub const WORKERS_ONLY: &str = "node.role==worker";

/// The labels that a task has too.
const TASK_LABELS: [&str; 3] = [label::DEPLOYMENT, label::NAME, label::ENVIRONMENT_ID];

/// What a node must have free to be given a target, in billionths of a processor and
/// in bytes. A Swarm counts reservations and not limits. Most agents wait most of the
/// time, so a node may be given more limits than it has.
const RESERVED_NANO_CPUS: u64 = 50_000_000;
const RESERVED_BYTES: u64 = 64 << 20;

/// The template before any patch: the options of an Engine's container in the words of
/// a Swarm, as far as every Engine from 25 on knows them. A manager leaves out of each
/// update what it does not know, so a later one, such as `OomScoreAdj`, is for a patch.
fn unpatched() -> Value {
    let container = defaults::body();
    let host_config = &container["HostConfig"];
    json!({
        "ContainerSpec": {
            "Init": host_config["Init"],
            "CapabilityDrop": host_config["CapDrop"],
            "CapabilityAdd": capabilities(),
            "Privileges": {"NoNewPrivileges": true},
        },
        "Resources": {
            "Limits": {
                "NanoCPUs": host_config["NanoCpus"],
                "MemoryBytes": host_config["Memory"],
                "Pids": host_config["PidsLimit"],
            },
            "Reservations": {"NanoCPUs": RESERVED_NANO_CPUS, "MemoryBytes": RESERVED_BYTES},
        },
        // One task, whatever becomes of it.
        "RestartPolicy": {"Condition": "none"},
        "Placement": {"Constraints": [WORKERS_ONLY]},
        "Networks": [{"Target": host_config["NetworkMode"]}],
        "LogDriver": {
            "Name": host_config["LogConfig"]["Type"],
            "Options": host_config["LogConfig"]["Config"],
        },
    })
}

/// The agent's capabilities as a Swarm spells them.
fn capabilities() -> Vec<String> {
    let named = CAPABILITIES.iter();
    named.map(|name| format!("CAP_{name}")).collect()
}

/// Applies patches to the template, one after the other.
///
/// # Errors
///
/// All problems with the patches: those of keys and types first. Each has its path and
/// contains no value.
pub fn template(
    patches: &[&Patch],
    isolation: Isolation,
) -> Result<(Value, Additions), Vec<String>> {
    let mut problems = Vec::new();
    let mut additions = Additions::default();
    let mut merged = unpatched();
    for Patch(patch) in patches {
        let mut patch = patch.clone();
        if let Some(container) = patch
            .get_mut("ContainerSpec")
            .and_then(Value::as_object_mut)
        {
            if container.contains_key("Volumes") {
                problems.push("ContainerSpec.Volumes is not an option of a service".to_owned());
            }
            additions.take_from(container, &mut problems);
        }
        json_patch::merge(&mut merged, &Value::Object(patch));
    }
    spelling::check_template(&merged, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    check_servers_own(&merged, &mut problems);
    if isolation == Isolation::Kept {
        check_rules(&merged, &mut problems);
    }
    if problems.is_empty() {
        Ok((merged, additions))
    } else {
        Err(problems)
    }
}

/// The body of ServiceCreate for one target.
pub fn body(template: &Value, additions: &Additions, target: &PerTarget<'_>) -> Value {
    let mut template = template.clone();
    let container = &mut template["ContainerSpec"];
    container["Image"] = target.image.into();
    // Each list of tasks shows these, so they are no more than a task without its
    // service is recognised by.
    let of_task = |(key, _): &&(&str, &str)| TASK_LABELS.contains(key);
    additions.add_to(
        container,
        &PerTarget {
            labels: &target
                .labels
                .iter()
                .filter(of_task)
                .copied()
                .collect::<Vec<_>>(),
            ..*target
        },
    );
    // Only an Engine's container has them.
    if let Some(members) = container.as_object_mut() {
        members.remove("Volumes");
    }
    let grace = i64::try_from(target.stop_grace.as_nanos()).unwrap_or(i64::MAX);
    container["StopGracePeriod"] = grace.into();
    let labels: Map<String, Value> = target
        .labels
        .iter()
        .chain([&(label::VOUCHED, "false")])
        .map(|(key, value)| ((*key).to_owned(), (*value).into()))
        .collect();
    json!({
        "Name": target.name,
        "Labels": labels,
        "TaskTemplate": template,
        // A task is made by the start.
        "Mode": {"Replicated": {"Replicas": 0}},
        // A virtual address would need a network that spans the nodes.
        "EndpointSpec": {"Mode": "dnsrr"},
    })
}

/// What the server itself sets in `ContainerSpec`.
const SERVERS_OWN: [&str; 4] = ["Image", "Secrets", "Configs", "StopGracePeriod"];

/// Checks what the server itself relies on. No setting turns this off.
fn check_servers_own(template: &Value, problems: &mut Vec<String>) {
    let container = &template["ContainerSpec"];
    if container.is_null() || template["Resources"].is_null() {
        problems.push("ContainerSpec and Resources cannot be removed".to_owned());
    }
    for key in SERVERS_OWN {
        if !container[key].is_null() {
            problems.push(format!(
                "ContainerSpec.{key} is set by the server; use agent_image, image in environments, or stop_grace"
            ));
        }
    }
    if template["RestartPolicy"] != json!({"Condition": "none"}) {
        problems.push(
            "RestartPolicy must stay none: a second task would be a second target".to_owned(),
        );
    }
    let mounts = container["Mounts"].as_array().into_iter().flatten();
    let mut places = mounts.map(|mount| mount["Target"].as_str().unwrap_or_default());
    if places.any(hides_token) {
        problems
            .push("ContainerSpec.Mounts has a mount that may hide the target's token".to_owned());
    }
}

/// An option of the template, the form that is safe, and the form in words.
type Rule = (&'static str, &'static str, fn(&Value) -> bool, &'static str);

/// Every option that a patch may set, by the object that it is in.
#[rustfmt::skip]
const RULES: [Rule; 32] = [
    ("", "ContainerSpec", Value::is_object, OBJECT),
    ("", "Resources", Value::is_object, OBJECT),
    ("", "RestartPolicy", Value::is_object, OBJECT),
    ("", "Placement", |value| is_absent_or(value, |value| is_object(value, |key, value| key == "Constraints" && is_absent_or(value, |value| is_list(value, is_constraint)))), "an object with Constraints such as node.labels.targets==true"),
    ("", "Networks", is_one_network, "one network that is named by its Target alone"),
    ("", "LogDriver", is_log_driver, "the driver json-file, local, journald or none, with Options, of which max-size must bound the log"),
    ("ContainerSpec", "CapabilityAdd", |value| is_absent_or(value, |value| is_list(value, |name| capabilities().iter().any(|known| known == name))), "a part of the agent's capabilities, spelt CAP_…"),
    ("ContainerSpec", "CapabilityDrop", |value| *value == json!(["ALL"]), "ALL alone"),
    ("ContainerSpec", "Privileges", |value| *value == json!({"NoNewPrivileges": true}), "NoNewPrivileges alone, and true"),
    ("ContainerSpec", "OomScoreAdj", |value| is_number(value, 0..=1000), "a number from 0 to 1000"),
    ("ContainerSpec", "Init", Value::is_boolean, FLAG),
    ("ContainerSpec", "Command", is_command, COMMAND),
    ("ContainerSpec", "Args", is_command, COMMAND),
    ("ContainerSpec", "Hostname", |value| is_text(value, is_host_name), "a host name"),
    ("ContainerSpec", "Dir", |value| is_text(value, is_path_of_files), "a plain and absolute path outside /proc and /sys"),
    ("ContainerSpec", "User", |value| is_text(value, is_user), "a user, or a user and a group"),
    ("ContainerSpec", "Groups", |value| is_list(value, is_group), "a list of groups"),
    ("ContainerSpec", "TTY", Value::is_boolean, FLAG),
    ("ContainerSpec", "OpenStdin", Value::is_boolean, FLAG),
    ("ContainerSpec", "ReadOnly", Value::is_boolean, FLAG),
    ("ContainerSpec", "StopSignal", |value| is_text(value, |text| is_plain(text, "+-")), "a signal"),
    ("ContainerSpec", "Healthcheck", |value| is_healthcheck(value) && has_keys(value, &["Test", "Interval", "Timeout", "Retries", "StartPeriod", "StartInterval"]), "a Test, whole numbers, and an Interval of a second or more"),
    ("ContainerSpec", "Hosts", |value| is_list(value, is_host_entry), "a list of an address and names"),
    ("ContainerSpec", "DNSConfig", is_dns, "an object with Nameservers, Search and Options"),
    ("ContainerSpec", "Ulimits", |value| is_array(value, |limit| is_ulimit(limit) && has_keys(limit, &["Name", "Soft", "Hard"])), "limits with a Name, a Soft and a Hard value"),
    ("ContainerSpec", "Sysctls", |value| is_object(value, is_sysctl), "settings of the target's own namespaces"),
    ("ContainerSpec", "Mounts", |value| is_array(value, is_safe_mount), "tmpfs mounts, and volumes without a name, a driver and further options, at paths other than / and outside /proc and /sys"),
    ("Resources", "Limits", is_limits, "limits of MemoryBytes and Pids above 0, and of NanoCPUs from 0.01 to 1024 processors or none"),
    ("Resources", "Reservations", is_reservations, "an object with NanoCPUs and MemoryBytes"),
    // What is in them was checked before: they are the server's own.
    ("RestartPolicy", "Condition", Value::is_string, OBJECT),
    ("ContainerSpec", "Env", Value::is_null, "in the form of an array"),
    ("ContainerSpec", "Labels", Value::is_null, "in the form of an object"),
];

const OBJECT: &str = "an object";
const FLAG: &str = "true or false";
const COMMAND: &str = "a list of texts";

fn check_rules(template: &Value, problems: &mut Vec<String>) {
    for place in ["", "ContainerSpec", "Resources", "RestartPolicy"] {
        let object = if place.is_empty() {
            template
        } else {
            &template[place]
        };
        for (key, value) in object.as_object().into_iter().flatten() {
            let path = if place.is_empty() {
                key.clone()
            } else {
                format!("{place}.{key}")
            };
            let rule = RULES.iter().find(|rule| rule.0 == place && rule.1 == key);
            match rule {
                Some((_, _, has_form, _)) if has_form(value) => {}
                Some((_, _, _, form)) => problems.push(format!(
                    "{path} must be {form}; to permit more, set container_patch_unsafe to allow"
                )),
                None => problems.push(format!(
                    "{path} is not an option that a target of a Swarm may have; check the spelling or, to permit it, set container_patch_unsafe to allow"
                )),
            }
        }
    }
    // What protects a target must also be there.
    for (place, key) in [
        ("ContainerSpec", "CapabilityDrop"),
        ("ContainerSpec", "Privileges"),
        ("Resources", "Limits"),
    ] {
        if template[place][key].is_null() {
            problems.push(format!("{place}.{key} cannot be removed"));
        }
    }
    for key in ["Networks", "LogDriver"] {
        if template[key].is_null() {
            problems.push(format!("{key} cannot be removed"));
        }
    }
}

/// Whether an object has no keys but these, spelt like this.
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
        "Options" => is_list(value, |text| is_plain(text, ":-")),
        _ => false,
    })
}

fn is_limits(limits: &Value) -> bool {
    has_keys(limits, &["NanoCPUs", "MemoryBytes", "Pids"])
        && is_number(&limits["MemoryBytes"], 1..=BYTES_MAX)
        && is_number(&limits["Pids"], 1..=16_384)
        && is_absent_or(&limits["NanoCPUs"], |limit| {
            is_number(limit, NANO_CPUS_MIN..=NANO_CPUS_MAX)
        })
}

fn is_reservations(reservations: &Value) -> bool {
    is_object(reservations, |key, value| match key {
        "NanoCPUs" => is_number(value, 0..=NANO_CPUS_MAX),
        "MemoryBytes" => is_number(value, 0..=BYTES_MAX),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::container::Body;

    fn build(patch: &Value, isolation: Isolation) -> Result<Body, Vec<String>> {
        let patch = Patch::from_value(patch.clone()).expect("an object");
        Body::of_service(&[&patch], isolation)
    }

    #[track_caller]
    fn check_refused(patch: &Value, path: &str) {
        let problems = build(patch, Isolation::Kept).expect_err(path);
        assert!(
            problems.iter().any(|problem| problem.starts_with(path)),
            "{path}: {problems:?}"
        );
    }

    #[test]
    fn the_template_is_as_safe_as_a_container() {
        let body = build(&json!({}), Isolation::Kept).expect("a body");
        let (template, container) = (body.value(), defaults::body());
        let host_config = &container["HostConfig"];
        let limits = &template["Resources"]["Limits"];
        assert_eq!(limits["MemoryBytes"], host_config["Memory"]);
        assert_eq!(limits["NanoCPUs"], host_config["NanoCpus"]);
        assert_eq!(limits["Pids"], host_config["PidsLimit"]);
        let options = &template["ContainerSpec"];
        assert_eq!(options["CapabilityDrop"], json!(["ALL"]));
        assert_eq!(options["Privileges"]["NoNewPrivileges"], true);
        assert_eq!(options["Init"], true);
        assert_eq!(template["RestartPolicy"]["Condition"], "none");
        assert_eq!(body.network(), Some("dynamic-access"));
        assert!(body.limits_processors() && body.runs_as_root() && !body.permits_managers());
    }

    #[test]
    fn a_service_has_no_task_until_it_is_started() {
        let patch = json!({"ContainerSpec": {"Env": ["A=1"], "Labels": {"team": "blue"}}});
        let body = build(&patch, Isolation::Kept).expect("a body");
        let body = body.with(&PerTarget {
            name: "own",
            stop_grace: Duration::from_secs(3),
            image: "agent@sha256:0123",
            env: &["ENVIRONMENT_ID=e".to_owned()],
            labels: &[
                ("dynamic-access.deployment", "da"),
                ("dynamic-access.name", "own"),
                ("dynamic-access.attempt", "a"),
                ("dynamic-access.environment-id", "e"),
            ],
            volume: Some("/run/dynamic-access"),
        });
        assert_eq!(body["Name"], "own");
        assert_eq!(body["Labels"]["dynamic-access.vouched"], "false");
        assert_eq!(body["Labels"]["dynamic-access.attempt"], "a");
        assert_eq!(body["Mode"], json!({"Replicated": {"Replicas": 0}}));
        let container = &body["TaskTemplate"]["ContainerSpec"];
        assert_eq!(container["Image"], "agent@sha256:0123");
        assert_eq!(container["Env"], json!(["ENVIRONMENT_ID=e", "A=1"]));
        // By these a task is counted without its service.
        let labels = json!({
            "dynamic-access.deployment": "da",
            "dynamic-access.name": "own",
            "dynamic-access.environment-id": "e",
            "team": "blue",
        });
        assert_eq!(container["Labels"], labels);
        assert_eq!(container["StopGracePeriod"], 3_000_000_000_u64);
        assert!(container.get("Volumes").is_none());
    }

    #[test]
    fn a_patch_may_set_what_is_safe() {
        for patch in [
            json!({"Placement": {"Constraints": ["node.labels.targets == true"]}}),
            json!({"Networks": [{"Target": "targets"}]}),
            json!({"Resources": {"Limits": {"NanoCPUs": null, "MemoryBytes": 5_000_000}}}),
            json!({"Resources": {"Reservations": null}}),
            json!({"LogDriver": {"Name": "local"}}),
            json!({"ContainerSpec": {"Command": ["a"], "Args": ["b"], "ReadOnly": true}}),
            json!({"ContainerSpec": {"CapabilityAdd": []}}),
            json!({"ContainerSpec": {"Mounts": [{"Type": "tmpfs", "Target": "/tmp"}]}}),
            json!({"ContainerSpec": {"Hosts": ["192.0.2.1 registry r"]}}),
            json!({"ContainerSpec": {"DNSConfig": {"Nameservers": ["192.0.2.1"]}}}),
        ] {
            assert!(build(&patch, Isolation::Kept).is_ok(), "{patch}");
        }
    }

    #[test]
    fn a_patch_may_not_weaken_the_isolation() {
        for (patch, path) in [
            (json!({"Runtime": "plugin"}), "Runtime "),
            (json!({"ForceUpdate": 1}), "ForceUpdate "),
            (json!({"resources": {}}), "resources "),
            (json!({"Networks": []}), "Networks "),
            (json!({"Networks": null}), "Networks "),
            (json!({"Networks": [{"Target": "host"}]}), "Networks "),
            (json!({"Networks": [{"Target": "0123"}]}), "Networks "),
            (
                json!({"Networks": [{"Target": "a"}, {"Target": "b"}]}),
                "Networks ",
            ),
            (
                json!({"Networks": [{"Target": "a", "DriverOpts": {}}]}),
                "Networks ",
            ),
            (
                json!({"Placement": {"Constraints": ["a\nb"]}}),
                "Placement ",
            ),
            (json!({"Placement": {"MaxReplicas": 1}}), "Placement "),
            (json!({"LogDriver": {"Name": "syslog"}}), "LogDriver "),
            (
                json!({"LogDriver": {"Options": {"max-size": null}}}),
                "LogDriver ",
            ),
            (
                json!({"Resources": {"Limits": {"Pids": 0}}}),
                "Resources.Limits ",
            ),
            (
                json!({"Resources": {"Limits": {"memorybytes": 1}}}),
                "Resources.Limits.memorybytes ",
            ),
            (json!({"Resources": {"Limits": null}}), "Resources.Limits "),
            (
                json!({"Resources": {"Reservations": {"GenericResources": []}}}),
                "Resources.Reservations ",
            ),
            (
                json!({"ContainerSpec": {"Privileges": {"NoNewPrivileges": false}}}),
                "ContainerSpec.Privileges ",
            ),
            (
                json!({"ContainerSpec": {"Privileges": {"Seccomp": {"Mode": "unconfined"}}}}),
                "ContainerSpec.Privileges ",
            ),
            (
                json!({"ContainerSpec": {"CapabilityAdd": ["CAP_SYS_ADMIN"]}}),
                "ContainerSpec.CapabilityAdd ",
            ),
            (
                json!({"ContainerSpec": {"CapabilityDrop": null}}),
                "ContainerSpec.CapabilityDrop ",
            ),
            (
                json!({"ContainerSpec": {"Mounts": [{"Type": "bind", "Source": "/", "Target": "/host"}]}}),
                "ContainerSpec.Mounts ",
            ),
            (
                json!({"ContainerSpec": {"Mounts": [{"Type": "volume", "Target": "/a", "source": "b"}]}}),
                "ContainerSpec.Mounts.source ",
            ),
            (
                json!({"ContainerSpec": {"Isolation": "process"}}),
                "ContainerSpec.Isolation ",
            ),
            (
                json!({"ContainerSpec": {"Volumes": {"/a": {}}}}),
                "ContainerSpec.Volumes ",
            ),
            (
                json!({"ContainerSpec": {"Mounts": [{"Type": "tmpfs", "Target": "/sys/x"}]}}),
                "ContainerSpec.Mounts ",
            ),
            (
                json!({"ContainerSpec": {"Mounts": [{"Type": "tmpfs", "Target": "/"}]}}),
                "ContainerSpec.Mounts ",
            ),
        ] {
            check_refused(&patch, path);
        }
    }

    #[test]
    fn a_value_of_a_type_that_no_engine_takes_is_refused_even_without_isolation() {
        for (patch, path) in [
            (json!({"Networks": {"Target": "a"}}), "Networks "),
            (json!({"ForceUpdate": "1"}), "ForceUpdate "),
            (json!({"LogDriver": "local"}), "LogDriver "),
            (
                json!({"Placement": {"Constraints": "node.role==worker"}}),
                "Placement.Constraints ",
            ),
            (
                json!({"Resources": {"Limits": {"Pids": "512"}}}),
                "Resources.Limits.Pids ",
            ),
            (
                json!({"ContainerSpec": {"Command": "sh"}}),
                "ContainerSpec.Command ",
            ),
            (
                json!({"ContainerSpec": {"Args": "-x"}}),
                "ContainerSpec.Args ",
            ),
            (
                json!({"ContainerSpec": {"Mounts": [
                    {"Type": "volume", "Target": "/a", "VolumeOptions": {"NoCopy": "yes"}}]}}),
                "ContainerSpec.Mounts.VolumeOptions.NoCopy ",
            ),
        ] {
            check_refused(&patch, path);
            build(&patch, Isolation::GivenUp).expect_err(path);
        }
    }

    #[test]
    fn nothing_permits_a_patch_of_what_the_server_relies_on() {
        for (patch, path) in [
            (
                json!({"RestartPolicy": {"Condition": "any"}}),
                "RestartPolicy ",
            ),
            (json!({"RestartPolicy": null}), "RestartPolicy "),
            (
                json!({"restartPolicy": {"Condition": "any"}}),
                "restartPolicy ",
            ),
            (json!({"ContainerSpec": null}), "ContainerSpec "),
            (json!({"Resources": null}), "ContainerSpec "),
            (
                json!({"ContainerSpec": {"Image": "a"}}),
                "ContainerSpec.Image ",
            ),
            (
                json!({"ContainerSpec": {"image": "a"}}),
                "ContainerSpec.image ",
            ),
            (
                json!({"ContainerSpec": {"\u{17f}ecrets": []}}),
                "ContainerSpec.\u{17f}ecrets ",
            ),
            (
                json!({"ContainerSpec": {"Secrets": []}}),
                "ContainerSpec.Secrets ",
            ),
            (
                json!({"ContainerSpec": {"Configs": []}}),
                "ContainerSpec.Configs ",
            ),
            (json!({"ContainerSpec": {"Env": ["SERVICE_URL=a"]}}), "Env "),
            (
                json!({"ContainerSpec": {"Labels": {"dynamic-access.name": "a"}}}),
                "Labels.",
            ),
            (
                json!({"ContainerSpec": {"Mounts": [{"Type": "tmpfs", "Target": "/run/dynamic-access"}]}}),
                "ContainerSpec.Mounts ",
            ),
        ] {
            check_refused(&patch, path);
            build(&patch, Isolation::GivenUp).expect_err(path);
        }
        let weaker = json!({"ContainerSpec": {"Isolation": "process"}});
        build(&weaker, Isolation::GivenUp).expect("the operator's own decision");
    }
}
