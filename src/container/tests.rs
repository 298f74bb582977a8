//! What patches can change, and what they cannot.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample;
use serde_json::{Value, json};

use super::{Body, Isolation, Patch, PerTarget, forms, guards, spelling};

fn build(patches: &[Value], isolation: Isolation) -> Result<Body, Vec<String>> {
    let patches = patches
        .iter()
        .map(|patch| Patch::from_value(patch.clone()).expect("an object"));
    let patches: Vec<Patch> = patches.collect();
    Body::of_container(&patches.iter().collect::<Vec<_>>(), isolation)
}

/// Checks that a patch is refused with one problem, about `path`.
#[track_caller]
fn check_refused(patch: Value, isolation: Isolation, path: &str) {
    let problems = build(&[patch], isolation).expect_err(path);
    let is_named = problems.iter().any(|problem| problem.starts_with(path));
    assert!(is_named && problems.len() == 1, "{path}: {problems:?}");
}

/// Checks that a patch of HostConfig is refused unless isolation is given up.
#[track_caller]
fn check_guard(key: &str, value: Value) {
    let patch = json!({"HostConfig": {key: value}});
    check_refused(
        patch.clone(),
        Isolation::Kept,
        &format!("HostConfig.{key} "),
    );
    let admitted = build(&[patch], Isolation::GivenUp);
    assert!(admitted.is_ok(), "{key} {value}: {admitted:?}");
}

#[track_caller]
fn check_admitted(patch: Value) {
    let body = build(std::slice::from_ref(&patch), Isolation::Kept);
    assert!(body.is_ok(), "{patch}: {body:?}");
}

#[test]
fn the_defaults_pass_the_guards() {
    let body = build(&[], Isolation::Kept).expect("a body");
    let host_config = &body.value()["HostConfig"];
    assert_eq!(host_config["Memory"], host_config["MemorySwap"]);
    assert_eq!(body.network(), Some("dynamic-access"));
    assert!(body.runs_as_root());
}

#[test]
fn a_patch_changes_what_it_names_and_the_later_one_wins() {
    let first =
        json!({"Hostname": "a", "HostConfig": {"Memory": 2_000_000_000, "NanoCpus": 10_000_000}});
    let second = json!({"HostConfig": {"NanoCpus": 20_000_000}, "Hostname": null});
    let body = build(&[first, second], Isolation::Kept).expect("a body");
    let host_config = &body.value()["HostConfig"];
    assert_eq!(host_config["NanoCpus"], 20_000_000);
    assert_eq!(host_config["MemorySwap"], 2_000_000_000);
    assert_eq!(host_config["PidsLimit"], 512);
    assert!(body.value().get("Hostname").is_none());
}

#[test]
fn additions_do_not_replace_what_the_server_sets() {
    let first = json!({"Env": ["A=1"], "Labels": {"a": "1"}, "Volumes": {"/data": {}}});
    let second = json!({"Env": ["B=2=3"]});
    let body = build(&[first, second], Isolation::Kept).expect("a body");
    let whole = body.with(&PerTarget {
        name: "n",
        stop_grace: Duration::ZERO,
        image: "agent",
        env: &["SERVICE_URL=u".to_owned()],
        labels: &[("dynamic-access.name", "n")],
        volume: Some("/run/dynamic-access"),
    });
    assert_eq!(whole["Image"], "agent");
    assert_eq!(whole["Env"], json!(["SERVICE_URL=u", "A=1", "B=2=3"]));
    assert_eq!(
        whole["Labels"],
        json!({"a": "1", "dynamic-access.name": "n"})
    );
    assert_eq!(
        whole["Volumes"],
        json!({"/data": {}, "/run/dynamic-access": {}})
    );
}

#[test]
fn what_the_server_sets_cannot_be_patched_even_without_isolation() {
    for (patch, path) in [
        (json!({"Image": "other"}), "Image "),
        (
            json!({"HostConfig": {"AutoRemove": true}}),
            "HostConfig.AutoRemove ",
        ),
        (json!({"Env": ["ACTIVATION_TOKEN=x"]}), "Env "),
        (json!({"Env": ["ACTIVATION_TOKEN_FILE=x"]}), "Env "),
        (json!({"Env": ["SERVICE_URL=x"]}), "Env "),
        (json!({"Env": ["ENVIRONMENT_ID"]}), "Env "),
        (json!({"Env": ["=x"]}), "Env "),
        (json!({"Env": [1]}), "Env "),
        (json!({"Env": null}), "Env "),
        (json!({"Env": {"A": "1"}}), "Env "),
        (json!({"Labels": {"dynamic-access.name": "x"}}), "Labels."),
        (json!({"Labels": {"a": 1}}), "Labels."),
        (json!({"Labels": null}), "Labels "),
        (json!({"Volumes": {"/run/dynamic-access": {}}}), "Volumes."),
        (
            json!({"Volumes": {"/run//dynamic-access/./x": {}}}),
            "Volumes.",
        ),
        (
            json!({"Volumes": {"/run/../run/dynamic-access": {}}}),
            "Volumes.",
        ),
        (json!({"Volumes": {"/a": {"b": 1}}}), "Volumes."),
        (
            json!({"Volumes": {"/var/run/dynamic-access": {}}}),
            "Volumes.",
        ),
        (json!({"Volumes": {"/etc:/mnt": {}}}), "Volumes."),
        (json!({"Volumes": {"data": {}}}), "Volumes."),
        (json!({"Volumes": {"/proc": {}}}), "Volumes."),
        (json!({"Volumes": {"/sys/x": {}}}), "Volumes."),
        (json!({"Volumes": {"/": {}}}), "Volumes."),
        (json!({"Volumes": {"//./": {}}}), "Volumes."),
        (
            json!({"HostConfig": {"Binds": ["/tmp:/run/dynamic-access"]}}),
            "HostConfig mounts ",
        ),
        (json!({"Volumes": []}), "Volumes "),
        (json!({"Volumes": {"/run/dynamic-access ": {}}}), "Volumes."),
        (json!({"Env": [" SERVICE_URL=x"]}), "Env "),
        (json!({"Env": ["\tACTIVATION_TOKEN_FILE=x"]}), "Env "),
        (json!({"Env": ["ENVIRONMENT_ID =x"]}), "Env "),
        (json!({"Env": ["A\nSERVICE_URL=x"]}), "Env "),
        (json!({"Labels": {" dynamic-access.name": "x"}}), "Labels."),
        (
            json!({"HostConfig": {"VolumesFrom": ["db"]}}),
            "HostConfig.VolumesFrom ",
        ),
        (
            json!({"HostConfig": {"Mounts": [{
                "Type": "volume", "Target": "/a", "Consistency": "cached,dst=/run/dynamic-access"}]}}),
            "HostConfig mounts ",
        ),
        (
            json!({"HostConfig": {"Tmpfs": {"/run/dynamic-access": ""}}}),
            "HostConfig mounts ",
        ),
        (
            json!({"HostConfig": {"Mounts": [{"Type": "tmpfs", "Target": "/run/dynamic-access/"}]}}),
            "HostConfig mounts ",
        ),
    ] {
        check_refused(patch, Isolation::GivenUp, path);
    }
    check_admitted(json!({"HostConfig": {"ReadonlyRootfs": true, "Tmpfs": {"/run": ""}}}));
}

#[test]
fn a_key_in_the_wrong_case_is_an_error_even_without_isolation() {
    for (patch, path) in [
        (json!({"hostconfig": {"Privileged": true}}), "hostconfig "),
        (json!({"HOSTCONFIG": {}}), "HOSTCONFIG "),
        (json!({"Ho\u{17f}tConfig": {}}), "Ho\u{17f}tConfig "),
        (json!({"env": []}), "env "),
        (json!({"image": "x"}), "image "),
        (
            json!({"HostConfig": {"privileged": true}}),
            "HostConfig.privileged ",
        ),
        (
            json!({"HostConfig": {"NetworK\u{212a}ode": 1, "Networ\u{212a}Mode": "host"}}),
            "HostConfig.Networ",
        ),
        (
            json!({"HostConfig": {"Mounts": [{"type": "tmpfs", "Target": "/a"}]}}),
            "HostConfig.Mounts.type ",
        ),
        (
            json!({"NetworkingConfig": {"endpointsConfig": {}}}),
            "NetworkingConfig.endpointsConfig ",
        ),
        (
            json!({"NetworkingConfig": {"EndpointsConfig": {"a": {"IPAMConfig": {"ipv4address": ""}}}}}),
            "NetworkingConfig.EndpointsConfig.a.IPAMConfig.ipv4address ",
        ),
        (
            json!({"HostConfig": {"LogConfig": {"config": {}}}}),
            "HostConfig.LogConfig.config ",
        ),
    ] {
        check_refused(patch, Isolation::GivenUp, path);
    }
}

#[test]
fn an_unknown_key_is_an_error_unless_isolation_is_given_up() {
    for (patch, path) in [
        (json!({"Privileges": true}), "Privileges "),
        (
            json!({"HostConfig": {"PidLimit": 1}}),
            "HostConfig.PidLimit ",
        ),
        (
            json!({"HostConfig": {"RestartPolicy": {"Nam": "no"}}}),
            "HostConfig.RestartPolicy.Nam ",
        ),
    ] {
        check_refused(patch.clone(), Isolation::Kept, path);
        build(&[patch], Isolation::GivenUp).expect("admitted");
    }
    check_refused(json!({"HostConfig": []}), Isolation::GivenUp, "HostConfig ");
    check_refused(
        json!({"HostConfig": null}),
        Isolation::GivenUp,
        "HostConfig ",
    );
}

#[test]
fn files_devices_and_namespaces_of_others_are_refused() {
    for (key, value) in [
        ("Privileged", json!(true)),
        ("Binds", json!(["/:/host"])),
        ("Devices", json!([{"PathOnHost": "/dev/sda"}])),
        ("DeviceRequests", json!([{"Count": -1}])),
        ("DeviceCgroupRules", json!(["a *:* rwm"])),
        ("Links", json!(["db:db"])),
        ("Annotations", json!({"a": "b"})),
        ("ContainerIDFile", json!("/etc/passwd")),
        ("PidMode", json!("host")),
        ("PidMode", json!("container:db")),
        ("UTSMode", json!("host")),
        ("UsernsMode", json!("host")),
        ("Cgroup", json!("container:db")),
        ("OomKillDisable", json!(true)),
        ("IpcMode", json!("host")),
        ("IpcMode", json!("container:db")),
        ("CgroupnsMode", json!("host")),
        ("CgroupnsMode", json!("")),
        ("CgroupnsMode", Value::Null),
        ("IpcMode", Value::Null),
        ("CgroupParent", json!("/dynamic-access/neighbour")),
        ("CpuRealtimeRuntime", json!(950_000)),
        ("CpuRealtimeRuntime", json!(-1)),
        ("MaskedPaths", json!([])),
        ("ReadonlyPaths", json!([])),
    ] {
        check_guard(key, value);
    }
}

#[test]
fn networks_of_others_are_refused() {
    for mode in [
        "host",
        "HOST",
        "container:db",
        "Container:db",
        "ns:/proc/1/ns/net",
        "default",
        "",
        "0a1b2c",
        "bad",
        " host",
        "host ",
        "pasta",
        "slirp4netns",
        "targets,host",
    ] {
        check_guard("NetworkMode", json!(mode));
        let patch = json!({"NetworkingConfig": {"EndpointsConfig": {mode: {}}}});
        check_refused(patch, Isolation::Kept, "NetworkingConfig.EndpointsConfig ");
    }
    for endpoint in [json!({"NetworkID": "0a1b"}), json!({"Links": ["db:db"]})] {
        let patch = json!({"NetworkingConfig": {"EndpointsConfig": {"targets": endpoint}}});
        check_refused(patch, Isolation::Kept, "NetworkingConfig.EndpointsConfig ");
    }
    check_guard("NetworkMode", Value::Null);
    for mode in ["none", "bridge", "targets"] {
        check_admitted(json!({"HostConfig": {"NetworkMode": mode}}));
    }
}

#[test]
fn limits_can_be_changed_but_not_removed() {
    for key in ["Memory", "PidsLimit"] {
        for value in [json!(0), json!(-1)] {
            let patch = json!({"HostConfig": {key: value, "MemorySwap": 2_000_000_000}});
            check_refused(patch, Isolation::Kept, &format!("HostConfig.{key} "));
        }
    }
    check_guard("PidsLimit", Value::Null);
    for swap in [json!(0), json!(-1)] {
        check_guard("MemorySwap", swap);
    }
    for processors in [json!(0), json!(-1)] {
        check_guard("NanoCpus", processors);
    }
    // Where the kernel has no processor quota, the Engine takes no other value.
    check_admitted(json!({"HostConfig": {"NanoCpus": null}}));
    check_guard("OomScoreAdj", json!(-1));
    check_guard("LogConfig", json!({"Config": {"max-size": null}}));
    check_guard("LogConfig", json!({"Config": {"max-size": "0"}}));
    check_guard("LogConfig", json!({"Config": {"max-size": "-1"}}));
    check_guard("LogConfig", json!({"Type": "local", "Config": null}));
    check_guard("LogConfig", Value::Null);
    for config in [
        json!({"path": "/etc/cron.d/a"}),
        json!({"Path": "/etc/cron.d/a"}),
        json!({"syslog-address": "unix:///run/docker.sock"}),
        json!({"env": "ACTIVATION_TOKEN"}),
        json!({"max-file": "2,path=/etc/a"}),
        json!({"tag": "a b"}),
    ] {
        check_guard("LogConfig", json!({"Config": config}));
    }
    check_guard("LogConfig", json!({"Type": "syslog"}));
    check_guard("LogConfig", json!({"Type": "a-plugin:latest"}));
    check_admitted(
        json!({"HostConfig": {"LogConfig": {"Config": {"compress": "true", "tag": "{{.ID}}"}}}}),
    );
    check_admitted(json!({"HostConfig": {"LogConfig": {"Type": "journald", "Config": null}}}));
    check_admitted(json!({"HostConfig": {"Memory": 6_291_456, "PidsLimit": 1}}));
}

#[test]
fn capabilities_beyond_an_agents_are_refused() {
    for value in [
        json!(["SYS_ADMIN"]),
        json!(["CAP_SYS_ADMIN"]),
        json!(["all"]),
        json!(["NET_RAW", "KILL"]),
    ] {
        check_guard("CapAdd", value);
    }
    for value in [Value::Null, json!([]), json!(["NET_RAW"])] {
        check_guard("CapDrop", value);
    }
    check_admitted(json!({"HostConfig": {"CapAdd": ["cap_kill"], "CapDrop": ["all"]}}));
    check_admitted(json!({"HostConfig": {"CapAdd": null}}));
}

#[test]
fn security_options_stay_safe() {
    for value in [
        Value::Null,
        json!([]),
        json!(["no-new-privileges:false"]),
        json!(["no-new-privileges", "no-new-privileges=false"]),
        json!(["no-new-privileges", "seccomp=unconfined"]),
        json!(["no-new-privileges", "seccomp:unconfined"]),
        json!(["no-new-privileges", "seccomp={}"]),
        json!(["no-new-privileges", "apparmor=unconfined"]),
        json!(["no-new-privileges", "apparmor="]),
        json!(["no-new-privileges", "apparmor= unconfined"]),
        json!(["no-new-privileges", "apparmor=unconfined "]),
        json!(["no-new-privileges", "apparmor=Unconfined"]),
        json!(["no-new-privileges", " no-new-privileges:false"]),
        json!(["no-new-privileges", "label=disable"]),
        json!(["no-new-privileges", "systempaths=unconfined"]),
        json!(["no-new-privilegesX"]),
    ] {
        check_guard("SecurityOpt", value);
    }
    for option in ["apparmor=docker-default", "seccomp=builtin"] {
        check_admitted(json!({"HostConfig": {"SecurityOpt": ["no-new-privileges=true", option]}}));
    }
}

#[test]
fn only_mounts_of_the_targets_own_are_allowed() {
    for mount in [
        json!({"Type": "bind", "Source": "/", "Target": "/host"}),
        json!({"Type": "volume", "Source": "data", "Target": "/data"}),
        json!({"Type": "volume", "Target": "/d", "VolumeOptions": {"DriverConfig": {
            "Name": "local", "Options": {"type": "none", "o": "bind", "device": "/"}}}}),
        json!({"Type": "npipe", "Target": "/a"}),
        json!({"Type": "volume", "Target": "/a", "Consistency": "z"}),
        json!({"Type": "volume", "Target": "/a", "VolumeOptions": {"Subpath": "b"}}),
        json!({"Type": "tmpfs", "Target": "/a", "BindOptions": {"Propagation": "shared"}}),
        json!({"Type": "tmpfs", "Target": "/a", "TmpfsOptions": {"Options": [["suid"]]}}),
        json!({"Target": "/a"}),
    ] {
        check_guard("Mounts", json!([mount]));
    }
    for mount in [
        json!({"Type": "tmpfs", "Target": "/tmp", "TmpfsOptions": {"SizeBytes": 1}}),
        json!({"Type": "volume", "Target": "/data"}),
    ] {
        check_admitted(json!({"HostConfig": {"Mounts": [mount]}}));
    }
}

#[test]
fn what_an_engine_parses_further_has_a_safe_form() {
    for (key, value) in [
        ("Runtime", json!("nvidia")),
        ("Runtime", json!(" runc")),
        ("Runtime", json!("/usr/bin/wrapper")),
        ("Dns", json!(["127.0.0.1\noptions x"])),
        ("DnsSearch", json!(["a b"])),
        ("DnsOptions", json!(["ndots:2\nnameserver 192.0.2.1"])),
        ("ExtraHosts", json!(["a:b"])),
        ("ExtraHosts", json!(["a b:192.0.2.1"])),
        ("GroupAdd", json!(["keep-groups"])),
        ("GroupAdd", json!(["Keep-Groups"])),
        ("Sysctls", json!({"kernel.core_pattern": "|/bin/sh"})),
        ("Sysctls", json!({"net/../kernel.core_pattern": "1"})),
        ("Tmpfs", json!({"/a": "suid"})),
        ("Tmpfs", json!({"/a": "size=0"})),
        ("Tmpfs", json!({"/a": "rw, dev"})),
        ("StorageOpt", json!({"size": "10G,x"})),
        ("StorageOpt", json!({"dm.basesize": "10G"})),
        (
            "Ulimits",
            json!([{"Name": "nofile=1:1,x", "Soft": 1, "Hard": 1}]),
        ),
        ("CpusetCpus", json!("0,a")),
        ("CpuQuota", json!(-1)),
        ("ShmSize", json!(-1)),
        ("PortBindings", json!({"80/tcp": [{"HostIp": "a"}]})),
        ("PortBindings", json!({"80;81": []})),
        ("Isolation", json!("process")),
    ] {
        check_guard(key, value);
    }
    for (key, value) in [
        ("Hostname", json!("a b")),
        ("User", json!("root x")),
        ("MacAddress", json!("02:42:0a")),
        ("ExposedPorts", json!({"80/tcp x": {}})),
    ] {
        let patch = json!({key: value});
        check_refused(patch, Isolation::Kept, &format!("{key} "));
    }
    check_admitted(json!({
        "Hostname": "agent-1", "User": "root:0", "ExposedPorts": {"80/tcp": {}},
        "HostConfig": {
            "Runtime": "runsc", "Dns": ["192.0.2.1", "2001:db8::1"], "DnsSearch": ["example.com"],
            "DnsOptions": ["ndots:2"], "ExtraHosts": ["db:192.0.2.2", "host:host-gateway"],
            "GroupAdd": ["video", "1000"], "Sysctls": {"net.ipv4.ping_group_range": "0 1000"},
            "Tmpfs": {"/tmp": "rw,noexec,size=64m,mode=1777"}, "StorageOpt": {"size": "10G"},
            "Ulimits": [{"Name": "nofile", "Soft": 1024, "Hard": -1}], "CpusetCpus": "0-2,4",
            "CpuShares": 512, "PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]},
        },
    }));
}

#[test]
fn no_value_is_shown_in_a_problem() {
    let patch = json!({
        "Env": ["SERVICE_URL=planted", "planted"],
        "Labels": {"dynamic-access.x": "planted"},
        "HostConfig": {"Binds": ["planted"], "NetworkMode": "container:planted"},
    });
    let problems = build(&[patch], Isolation::Kept).expect_err("problems");
    assert!(!problems.join(" ").contains("planted"), "{problems:?}");
}

#[test]
fn a_patch_is_an_object_of_bounded_size() {
    let twice = r#"{"HostConfig":{"Memory":1,"Memory":2}}"#;
    for text in [
        "",
        "[]",
        "null",
        "1",
        "{",
        "{}x",
        twice,
        &" ".repeat(70_000),
    ] {
        Patch::parse(text).expect_err(text);
    }
    Patch::parse("{}").expect("a patch");
}

#[test]
fn a_huge_limit_is_none() {
    for key in ["Memory", "PidsLimit"] {
        let patch = json!({"HostConfig": {key: i64::MAX, "MemorySwap": 2_000_000_000}});
        check_refused(patch, Isolation::Kept, &format!("HostConfig.{key} "));
    }
    check_guard("PidsLimit", json!(4_194_304));
    check_guard("MemorySwap", json!(i64::MAX));
    // Podman divides it by 10,000, and takes 0 for no limit.
    for value in [json!(1), json!(9_999), json!(i64::MAX)] {
        check_guard("NanoCpus", value);
    }
    for limits in [
        json!({"NanoCpus": null, "CpuQuota": i64::MAX}),
        json!({"NanoCpus": null, "CpuQuota": 1_000_000_000, "CpuPeriod": 1000}),
    ] {
        let problems = build(&[json!({"HostConfig": limits})], Isolation::Kept);
        problems.expect_err("no limit");
    }
    check_admitted(json!({"HostConfig": {"NanoCpus": null, "CpuQuota": 50_000}}));
    for key in ["ShmSize", "MemoryReservation", "CpuShares", "KernelMemory"] {
        check_guard(key, json!(i64::MAX));
    }
    for value in [json!(1001), Value::Null] {
        check_guard("OomScoreAdj", value);
    }
    for config in [
        json!({"max-size": "99999999g"}),
        json!({"max-size": "99999999999999999999999g"}),
        json!({"max-size": "10 m"}),
        json!({"max-size": "10zb"}),
        json!({"max-file": "99999999"}),
        json!({"max-file": "0"}),
        json!({"max-file": "-1"}),
    ] {
        check_guard("LogConfig", json!({"Config": config}));
    }
    check_admitted(json!({"HostConfig": {"LogConfig": {"Config": {"max-size": "1g"}}}}));
}

#[test]
fn a_log_shows_no_variables() {
    for tag in [
        "{{.ContainerEnv}}",
        "{{range .ContainerEnv}}{{.}}{{end}}",
        "{{.Config}}",
        "{{.ID.ContainerEnv}}",
        "{{{.ID}}",
        "{{ .ID }}",
    ] {
        check_guard("LogConfig", json!({"Config": {"tag": tag}}));
    }
    let tag = "target-{{.Name}}.{{.ID}}";
    check_admitted(json!({"HostConfig": {"LogConfig": {"Config": {"tag": tag}}}}));
}

#[test]
fn options_that_only_an_engine_reads_have_a_form_too() {
    for (key, value) in [
        (
            "Ulimits",
            json!([{"Name": "rtprio", "Soft": 99, "Hard": 99}]),
        ),
        ("Ulimits", json!([{"Name": "nice", "Soft": 40, "Hard": 40}])),
        ("Tmpfs", json!({"/proc/sys": ""})),
        ("Tmpfs", json!({"/sys": ""})),
        ("Tmpfs", json!({"/": ""})),
        (
            "BlkioWeightDevice",
            json!([{"Path": "/dev/sda", "Weight": 65_536}]),
        ),
        ("RestartPolicy", json!({"Name": "always:1"})),
        ("RestartPolicy", json!({"Name": " no"})),
        (
            "BlkioDeviceReadBps",
            json!([{"Path": "/dev/../etc", "Rate": 1}]),
        ),
        (
            "BlkioDeviceReadBps",
            json!([{"Path": "/dev/sda:1", "Rate": 1}]),
        ),
        (
            "BlkioDeviceReadBps",
            json!([{"Path": "/dev/sda", "Rate": 0}]),
        ),
    ] {
        check_guard(key, value);
    }
    for mount in [
        json!({"Type": "tmpfs", "Target": "/proc/sys"}),
        json!({"Type": "tmpfs", "Target": "/a", "TmpfsOptions": {"Mode": 10_000_000_000_u64}}),
        json!({"Type": "tmpfs", "Target": "/a", "Source": "/"}),
    ] {
        check_guard("Mounts", json!([mount]));
    }
    for (key, value) in [
        ("WorkingDir", json!("/proc/self/fd/8")),
        ("WorkingDir", json!("//./proc/self")),
        ("WorkingDir", json!("data")),
        (
            "Healthcheck",
            json!({"Test": ["NONE"], "Interval": 1_000_000}),
        ),
        ("StopSignal", json!("SIGTERM ")),
        ("StopTimeout", json!(-1)),
        ("StopTimeout", json!(86_400)),
        ("Cmd", json!(["a\u{0}b"])),
    ] {
        check_refused(json!({key: value}), Isolation::Kept, &format!("{key} "));
    }
    for endpoint in [
        json!({"Aliases": ["a b"]}),
        json!({"MacAddress": "02:42"}),
        json!({"IPAddress": "192.0.2.1,"}),
        json!({"IPAMConfig": {"IPv4Address": "192.0.2.1/24"}}),
    ] {
        let patch = json!({"NetworkingConfig": {"EndpointsConfig": {"targets": endpoint}}});
        check_refused(patch, Isolation::Kept, "NetworkingConfig.EndpointsConfig ");
    }
    check_admitted(json!({
        "WorkingDir": "/home/user", "Cmd": ["sh", "-c", "a, b"], "StopSignal": "SIGRTMIN+3", "StopTimeout": 0,
        "Healthcheck": {"Test": ["CMD-SHELL", "true"], "Interval": 30_000_000_000_u64, "Retries": 3},
        "HostConfig": {
            "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3}, "Init": false,
            "BlkioDeviceReadBps": [{"Path": "/dev/sda", "Rate": 1_048_576}],
        },
        "NetworkingConfig": {"EndpointsConfig": {"targets": {
            "Aliases": ["target"], "IPAMConfig": {"IPv4Address": "192.0.2.7"},
        }}},
    }));
}

#[test]
fn a_value_of_a_type_that_no_engine_takes_is_refused_even_without_isolation() {
    for (patch, path) in [
        (json!({"Tty": "true"}), "Tty "),
        (json!({"OnBuild": "true"}), "OnBuild "),
        (json!({"Cmd": {"0": "sh"}}), "Cmd "),
        (json!({"Entrypoint": [1]}), "Entrypoint "),
        (
            json!({"ExposedPorts": {"80/tcp": 1}}),
            "ExposedPorts.80/tcp ",
        ),
        (
            json!({"Healthcheck": {"Test": "true"}}),
            "Healthcheck.Test ",
        ),
        (
            json!({"NetworkingConfig": {"EndpointsConfig": []}}),
            "NetworkingConfig.EndpointsConfig ",
        ),
        (
            json!({"NetworkingConfig": {"EndpointsConfig": {"targets": {"IPPrefixLen": "24"}}}}),
            "NetworkingConfig.EndpointsConfig.targets.IPPrefixLen ",
        ),
        (
            json!({"NetworkingConfig": {"EndpointsConfig": {"targets": {"Aliases": "db"}}}}),
            "NetworkingConfig.EndpointsConfig.targets.Aliases ",
        ),
    ] {
        check_refused(patch.clone(), Isolation::Kept, path);
        check_refused(patch, Isolation::GivenUp, path);
    }
    for (key, value) in [
        ("Privileged", json!("true")),
        // Nor is an empty value of another type an absent one.
        ("Privileged", json!("")),
        ("Privileged", json!([])),
        ("Binds", json!("")),
        ("PidMode", json!(false)),
        ("Devices", json!({})),
        ("AutoRemove", json!("")),
        ("IpcMode", json!(["host"])),
        ("NetworkMode", json!(["host"])),
        ("PidsLimit", json!("1")),
        ("PidsLimit", json!(1.5)),
        ("PidsLimit", json!(u64::MAX)),
        ("NanoCpus", json!(1e30)),
        ("OomScoreAdj", json!("500")),
        ("CpuRealtimeRuntime", json!("950000")),
        ("CapAdd", json!("ALL")),
        ("SecurityOpt", json!([true])),
        ("Mounts", json!({"a": {"Type": "tmpfs", "Target": "/a"}})),
        ("Dns", json!("192.0.2.1")),
        ("GroupAdd", json!([0])),
        ("CpusetCpus", json!(0)),
        ("Init", json!("true")),
        ("ConsoleSize", json!(["1"])),
    ] {
        let path = format!("HostConfig.{key} ");
        let patch = json!({"HostConfig": {key: value}});
        check_refused(patch.clone(), Isolation::Kept, &path);
        check_refused(patch, Isolation::GivenUp, &path);
    }
    for (key, value, member) in [
        (
            "LogConfig",
            json!({"Config": {"max-file": 2}}),
            "Config.max-file",
        ),
        (
            "Sysctls",
            json!({"net.ipv4.ip_forward": 1}),
            "net.ipv4.ip_forward",
        ),
        ("Tmpfs", json!({"/a": 1}), "/a"),
        ("Ulimits", json!([{"Name": "nofile", "Soft": "1"}]), "Soft"),
        ("Mounts", json!([{"ReadOnly": "false"}]), "ReadOnly"),
        ("Mounts", json!([{"Consistency": 1}]), "Consistency"),
        ("Mounts", json!([{"BindOptions": false}]), "BindOptions"),
        (
            "Mounts",
            json!([{"TmpfsOptions": {"Mode": "4777"}}]),
            "TmpfsOptions.Mode",
        ),
        (
            "Mounts",
            json!([{"VolumeOptions": {"NoCopy": 1}}]),
            "VolumeOptions.NoCopy",
        ),
        (
            "Mounts",
            json!([{"VolumeOptions": {"Labels": {"a": 1}}}]),
            "VolumeOptions.Labels.a",
        ),
    ] {
        let path = format!("HostConfig.{key}.{member} ");
        let patch = json!({"HostConfig": {key: value}});
        check_refused(patch.clone(), Isolation::Kept, &path);
        check_refused(patch, Isolation::GivenUp, &path);
    }
}

#[test]
fn the_tokens_place_cannot_be_moved_even_without_isolation() {
    for (patch, path) in [
        (
            json!({"HostConfig": {"VolumeDriver": "nfs"}}),
            "HostConfig.VolumeDriver ",
        ),
        (
            json!({"HostConfig": {"Mounts": [{"Type": "bind", "Source": "/srv", "Target": "/data",
                "BindOptions": {"Propagation": "private,target=/run/dynamic-access"}}]}}),
            "HostConfig mounts ",
        ),
        (
            json!({"HostConfig": {"Mounts": [{"Type": "volume", "Source": "data", "Target": "/data",
                "VolumeOptions": {"Subpath": "a,target=/run/dynamic-access"}}]}}),
            "HostConfig mounts ",
        ),
        (
            json!({"HostConfig": {"Mounts": [{"Type": "volume", "Source": "data", "Target": "\"/run/dynamic-access\""}]}}),
            "HostConfig mounts ",
        ),
        // A shared folder above it shows its volume to everyone who has the folder.
        (
            json!({"HostConfig": {"Mounts": [{"Type": "bind", "Source": "/srv", "Target": "/run",
                "BindOptions": {"Propagation": "rshared"}}]}}),
            "HostConfig mounts ",
        ),
        // Podman mounts each file that a glob finds below the target.
        (
            json!({"HostConfig": {"Mounts": [{"Type": "glob", "Source": "/srv/*", "Target": "/var/run"}]}}),
            "HostConfig mounts ",
        ),
        (
            json!({"HostConfig": {"Binds": ["/srv:/run:rshared"]}}),
            "HostConfig mounts ",
        ),
        (
            json!({"HostConfig": {"Binds": ["/srv:/:rshared"]}}),
            "HostConfig mounts ",
        ),
        (
            json!({"HostConfig": {"Mounts": [{"Type": "tmpfs", "Target": "/"}]}}),
            "HostConfig mounts ",
        ),
        (
            json!({"HostConfig": {"Mounts": [{"Type": "volume", "Target": "/./"}]}}),
            "HostConfig mounts ",
        ),
        (json!({"EnvMerge": ["SERVICE_URL=x"]}), "EnvMerge "),
        (json!({"UnsetEnv": ["SERVICE_URL"]}), "UnsetEnv "),
        (json!({"UnsetEnvAll": true}), "UnsetEnvAll "),
        (json!({"Env": ["A=x\u{0}SERVICE_URL=y"]}), "Env "),
        (json!({"Env": ["\u{a0}SERVICE_URL=x"]}), "Env "),
        (json!({"Labels": {"a=b": "x"}}), "Labels."),
    ] {
        check_refused(patch, Isolation::GivenUp, path);
    }
    for mount in [
        json!({"Type": "bind", "Source": "/run/docker.sock", "Target": "/run/docker.sock"}),
        json!({"Type": "volume", "Source": "data", "Target": "/data"}),
        json!({"Type": "volume", "Target": "/data", "VolumeOptions": {"DriverConfig": {
            "Name": "local", "Options": {"type": "nfs", "o": "addr=192.0.2.1,ro", "device": ":/srv"}}}}),
    ] {
        build(
            &[json!({"HostConfig": {"Mounts": [mount]}})],
            Isolation::GivenUp,
        )
        .expect("admitted");
    }
}

/// Nothing of Docker's is left to chance: a key without a rule would be one that
/// nobody has thought of.
#[test]
fn every_option_has_a_rule() {
    let forms = |forms: &[forms::Form]| forms.iter().map(|(key, ..)| *key).collect::<Vec<_>>();
    let mut body = forms(&forms::TOP_LEVEL);
    // Patches only add to these, and the others have checks of their own.
    body.extend([
        "Env",
        "Labels",
        "Volumes",
        "Image",
        "HostConfig",
        "NetworkingConfig",
        // Flags, of which either value is safe.
        "Tty",
        "ArgsEscaped",
        "AttachStderr",
        "AttachStdin",
        "AttachStdout",
        "NetworkDisabled",
        "OpenStdin",
        "StdinOnce",
    ]);
    check_same(spelling::keys_of_body(), body);
    let mut host_config = forms(&forms::HOST_CONFIG);
    host_config.extend(forms::NUMBERS.map(|(key, _)| key));
    host_config.extend(guards::LIMITS.map(|(key, _)| key));
    host_config.extend(guards::MUST_BE_UNSET.map(|(key, _)| key));
    host_config.extend(guards::ONE_OF.map(|(key, _)| key));
    host_config.extend([
        "AutoRemove",
        "CapAdd",
        "CapDrop",
        "CpuRealtimePeriod",
        "CpuRealtimeRuntime",
        "Init",
        "LogConfig",
        "MaskedPaths",
        "Mounts",
        "NanoCpus",
        "NetworkMode",
        "OomScoreAdj",
        "PublishAllPorts",
        "ReadonlyPaths",
        "ReadonlyRootfs",
        "SecurityOpt",
        "VolumeDriver",
        "VolumesFrom",
    ]);
    check_same(spelling::keys_of_host_config(), host_config);
}

#[track_caller]
fn check_same(mut known: Vec<&str>, mut ruled: Vec<&str>) {
    known.sort_unstable();
    ruled.sort_unstable();
    assert_eq!(known, ruled);
}

/// Beginnings, middles and ends from which texts are made that an Engine might take
/// for something else.
const PIECES: [&str; 24] = [
    "",
    " ",
    "\t",
    "\n",
    "\u{0}",
    "\u{a0}",
    ",",
    "=",
    ":",
    "\"",
    "host",
    "HOST",
    "unconfined",
    "container:db",
    "/run/dynamic-access",
    "../",
    "path",
    "private",
    "0",
    "-1",
    "99999999999999999999",
    "no-new-privileges",
    "apparmor=",
    "target",
];

fn value() -> impl Strategy<Value = Value> {
    let text = || vec(sample::select(&PIECES[..]), 0..4).prop_map(|pieces| pieces.concat());
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-2..3_i64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((text(), inner), 0..3).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// Every text in a value, the keys among them.
fn texts_in(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(entries) => entries.iter().for_each(|entry| texts_in(entry, found)),
        Value::Object(members) => {
            for (key, member) in members {
                found.push(key.clone());
                texts_in(member, found);
            }
        }
        _ => {}
    }
}

proptest! {
    /// Whatever a patch sets, the body that is taken has all limits, and no text
    /// that has two meanings.
    #[test]
    fn a_body_that_is_taken_is_isolated(index in any::<sample::Index>(), value in value()) {
        let keys = spelling::keys_of_host_config();
        let key = keys[index.index(keys.len())];
        let Ok(body) = build(&[json!({"HostConfig": {key: value}})], Isolation::Kept) else {
            return Ok(());
        };
        let host_config = &body.value()["HostConfig"];
        for limit in ["Memory", "MemorySwap", "PidsLimit"] {
            prop_assert!(host_config[limit].as_i64().is_some_and(|limit| (1..=2 << 40).contains(&limit)));
        }
        prop_assert_eq!(&host_config["CgroupnsMode"], "private");
        prop_assert_eq!(&host_config["CapDrop"][0], "ALL");
        let mut texts = Vec::new();
        texts_in(host_config, &mut texts);
        for text in texts {
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{:?}", text);
            let lower = text.to_ascii_lowercase();
            prop_assert!(!lower.contains("unconfined") || !lower.contains("apparmor"), "{:?}", text);
            prop_assert!(!lower.contains("container:"), "{:?}", text);
        }
    }

    /// What a patch adds never has the name of a variable, a label or a place of the
    /// server's own, as any Engine reads them.
    #[test]
    fn additions_never_replace_the_servers_own(before in 0..PIECES.len(), after in 0..PIECES.len()) {
        let name = format!("{}SERVICE_URL{}", PIECES[before], PIECES[after]);
        let patch = json!({"Env": [format!("{name}=x")]});
        if let Ok(body) = build(&[patch], Isolation::GivenUp) {
            let target = PerTarget { name: "n",
 stop_grace: Duration::ZERO, image: "agent", env: &[], labels: &[], volume: None };
            let whole = body.with(&target);
            let entry = whole["Env"][0].as_str().expect("text");
            let read = entry.split('=').next().expect("a name").trim();
            prop_assert_ne!(read, "SERVICE_URL");
        }
        let path = format!("{}/run/dynamic-access{}", PIECES[before], PIECES[after]);
        let mount = json!({"Type": "volume", "Target": path, "Consistency": PIECES[before]});
        if build(&[json!({"HostConfig": {"Mounts": [mount]}})], Isolation::GivenUp).is_ok() {
            prop_assert!(!path.trim().ends_with("/run/dynamic-access"), "{}", path);
        }
    }
}
