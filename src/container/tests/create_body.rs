//! Patches of a container's create body.

use std::net::Ipv6Addr;

use serde_json::{Map, Value, json};

use super::{Body, CONTAINER, Isolation, PerTarget, SecretsVolume, plain_target};
use crate::docker::ports::Port;

fn merged(patches: &[Value]) -> Body {
    CONTAINER.build(patches, Isolation::Kept).expect("a body")
}

#[test]
fn a_patch_changes_the_defaults_and_the_later_one_wins() {
    let body = merged(&[]);
    let host_config = &body.value()["HostConfig"];
    assert_eq!(host_config["Memory"], host_config["MemorySwap"]);
    assert_eq!((body.networks(), body.user()), (vec!["dynamic-access"], ""));
    let first = json!({"Hostname": "a", "HostConfig": {"Memory": 2_000_000_000, "CpuShares": 1}});
    let second = json!({"HostConfig": {"CpuShares": 2}, "Hostname": null});
    let body = merged(&[first, second]);
    let host_config = &body.value()["HostConfig"];
    assert_eq!(host_config["CpuShares"], 2);
    assert_eq!(host_config["MemorySwap"], 2_000_000_000);
    assert_eq!(host_config["PidsLimit"], 512);
    assert!(body.value().get("Hostname").is_none());
}

#[test]
fn additions_do_not_replace_what_the_server_sets() {
    let first = json!({"Env": ["A=1"], "Labels": {"a": "1"}, "Volumes": {"/data": {}}});
    let second = json!({"Env": ["B=2=3"]});
    let whole = merged(&[first, second]).with(&PerTarget {
        env: &["SERVICE_URL=u".to_owned()],
        labels: &[("dynamic-access.name", "own")],
        volume: SecretsVolume::LikeImage,
        ..plain_target()
    });
    assert_eq!(whole["Image"], "agent@sha256:0123");
    assert_eq!(whole["Env"], json!(["SERVICE_URL=u", "A=1", "B=2=3"]));
    let labels = json!({"a": "1", "dynamic-access.name": "own"});
    assert_eq!(whole["Labels"], labels);
    assert_eq!(
        whole["Volumes"],
        json!({"/data": {}, "/run/dynamic-access": {}})
    );
}

#[test]
fn a_named_port_is_published_on_a_port_that_the_engine_chooses() {
    let patch = json!({"ExposedPorts": {"80/tcp": {}}});
    let ports = [("ssh", "22/tcp"), ("dns", "53/udp")];
    let ports = ports.map(|(name, spec)| Port::parse(name, spec).expect(spec));
    let publish = |patches: &[Value], ports: &[Port]| {
        merged(patches).publishing(ports, Ipv6Addr::LOCALHOST.into())
    };
    let body = publish(&[patch], &ports).expect("a body");
    let exposed = json!({"22/tcp": {}, "53/udp": {}, "80/tcp": {}});
    assert_eq!(body.value()["ExposedPorts"], exposed);
    let chosen = json!([{"HostIp": "::1", "HostPort": ""}]);
    let bindings = json!({"22/tcp": chosen, "53/udp": chosen});
    assert_eq!(body.value()["HostConfig"]["PortBindings"], bindings);
    assert_eq!(publish(&[], &[]), Ok(merged(&[])));
}

tables! {
    CONTAINER: what_the_server_sets_cannot_be_patched_even_without_isolation r#"
        ! Image "other"
        ! HostConfig.AutoRemove true
        ! Env ["ACTIVATION_TOKEN=x"] | ["ACTIVATION_TOKEN_FILE=x"] | ["SERVICE_URL=x"] | ["ENVIRONMENT_ID"] | ["=x"] | [1] | null | {"A": "1"}
        ! Env [" SERVICE_URL=x"] | ["\tACTIVATION_TOKEN_FILE=x"] | ["ENVIRONMENT_ID =x"] | ["A\nSERVICE_URL=x"]
        ! Env ["A=x\u0000SERVICE_URL=y"] | ["\u00a0SERVICE_URL=x"]
        ! EnvMerge ["SERVICE_URL=x"]
        ! UnsetEnv ["SERVICE_URL"]
        ! UnsetEnvAll true
        ! unsetenvall true
        ! ENVMERGE ["SERVICE_URL=x"]
        ! Labels null
        ! Labels {"dynamic-access.name": "x"} | {" dynamic-access.name": "x"} | {"a": 1} | {"a=b": "x"} -> Labels.
    "#

    CONTAINER: the_tokens_place_cannot_be_moved_even_without_isolation r#"
        ! Volumes []
        ! Volumes {"/run/dynamic-access": {}} | {"/run//dynamic-access/./x": {}} -> Volumes.
        ! Volumes {"/run/../run/dynamic-access": {}} | {"/var/run/dynamic-access": {}} -> Volumes.
        ! Volumes {"/run/dynamic-access ": {}} | {"/etc:/mnt": {}} | {"data": {}} | {"/a": {"b": 1}} -> Volumes.
        ! Volumes {"/proc": {}} | {"/sys/x": {}} | {"/": {}} | {"//./": {}} -> Volumes.
        ! HostConfig.VolumesFrom ["db"] -> HostConfig.VolumesFrom could put a volume of another container in /run/dynamic-access
        ! HostConfig.VolumeDriver "nfs"
        ! HostConfig.Tmpfs {"/run/dynamic-access": ""} -> HostConfig mounts
        ! HostConfig.Binds ["/tmp:/run/dynamic-access"] -> HostConfig mounts
        ! HostConfig.Mounts [{"Type": "tmpfs", "Target": "/run/dynamic-access/"}] | [{"Type": "tmpfs", "Target": "/"}] -> HostConfig mounts
        ! HostConfig.Mounts [{"Type": "volume", "Target": "/./"}] -> HostConfig mounts
        ! HostConfig.Mounts [{"Type": "volume", "Target": "/a", "Consistency": "cached,dst=/run/dynamic-access"}] -> HostConfig mounts
        ! HostConfig.Mounts [{"Type": "volume", "Source": "data", "Target": "\"/run/dynamic-access\""}] -> HostConfig mounts
        ! HostConfig.Mounts [{"Type": "volume", "Source": "data", "Target": "/data", "VolumeOptions": {"Subpath": "a,target=/run/dynamic-access"}}] -> HostConfig mounts
        ! HostConfig.Mounts [{"Type": "bind", "Source": "/srv", "Target": "/data", "BindOptions": {"Propagation": "private,target=/run/dynamic-access"}}] -> HostConfig mounts
        # A shared folder above it shows its volume to everyone who has the folder.
        ! HostConfig.Mounts [{"Type": "bind", "Source": "/srv", "Target": "/run", "BindOptions": {"Propagation": "rshared"}}] -> HostConfig mounts
        ! HostConfig.Binds ["/srv:/run:rshared"] | ["/srv:/:rshared"] -> HostConfig mounts
        # Podman mounts each file that a glob finds below the target.
        ! HostConfig.Mounts [{"Type": "glob", "Source": "/srv/*", "Target": "/var/run"}] -> HostConfig mounts
        + HostConfig {"ReadonlyRootfs": true, "Tmpfs": {"/run": ""}}
    "#

    CONTAINER: files_devices_and_namespaces_of_others_are_refused r#"
        - HostConfig.Privileged true
        - HostConfig.Binds ["/:/host"]
        - HostConfig.Devices [{"PathOnHost": "/dev/sda"}]
        - HostConfig.DeviceRequests [{"Count": -1}]
        - HostConfig.DeviceCgroupRules ["a *:* rwm"]
        - HostConfig.Links ["db:db"]
        - HostConfig.Annotations {"a": "b"}
        - HostConfig.ContainerIDFile "/etc/passwd"
        - HostConfig.PidMode "host" | "container:db"
        - HostConfig.UTSMode "host"
        - HostConfig.UsernsMode "host"
        - HostConfig.Cgroup "container:db"
        - HostConfig.OomKillDisable true
        - HostConfig.IpcMode "host" | "container:db" | null
        - HostConfig.CgroupnsMode "host" | "" | null
        - HostConfig.CgroupParent "/dynamic-access/neighbour"
        - HostConfig.CpuRealtimeRuntime 950000 | -1
        - HostConfig.MaskedPaths []
        - HostConfig.ReadonlyPaths []
    "#

    CONTAINER: limits_can_be_changed_but_not_removed r#"
        - HostConfig {"Memory": 0, "MemorySwap": 2000000000} | {"Memory": -1, "MemorySwap": 2000000000} -> HostConfig.Memory
        - HostConfig {"PidsLimit": 0, "MemorySwap": 2000000000} | {"PidsLimit": -1, "MemorySwap": 2000000000} -> HostConfig.PidsLimit
        + HostConfig {"Memory": 6291456, "PidsLimit": 1}
        - HostConfig.PidsLimit null
        - HostConfig.MemorySwap 0 | -1
        - HostConfig.NanoCpus 0 | -1
        # Where the kernel has no processor quota, the Engine takes no other value.
        + HostConfig.NanoCpus null
        - HostConfig.OomScoreAdj -1 | null
        - HostConfig.LogConfig null | {"Type": "local", "Config": null}
        - HostConfig.LogConfig.Config {"max-size": null} | {"max-size": "0"} | {"max-size": "-1"} -> HostConfig.LogConfig
    "#

    CONTAINER: a_huge_limit_is_none r#"
        - HostConfig {"Memory": 9223372036854775807, "MemorySwap": 2000000000} -> HostConfig.Memory
        - HostConfig {"PidsLimit": 9223372036854775807, "MemorySwap": 2000000000} -> HostConfig.PidsLimit
        - HostConfig {"NanoCpus": null, "CpuQuota": 1000000000, "CpuPeriod": 1000} -> HostConfig.CpuQuota
        - HostConfig {"NanoCpus": null, "CpuQuota": 1000000000000} | + {"NanoCpus": null, "CpuQuota": 50000} -> HostConfig.CpuQuota
        - HostConfig.PidsLimit 4194304
        - HostConfig.MemorySwap 9223372036854775807
        # Podman divides NanoCpus by 10,000, and takes 0 for no limit.
        - HostConfig.NanoCpus 1 | 9999 | 9223372036854775807
        - HostConfig.ShmSize 9223372036854775807
        - HostConfig.MemoryReservation 9223372036854775807
        - HostConfig.CpuShares 9223372036854775807
        - HostConfig.KernelMemory 9223372036854775807
        - HostConfig.OomScoreAdj 1001
        - HostConfig.LogConfig.Config {"max-size": "99999999g"} | {"max-size": "99999999999999999999999g"} -> HostConfig.LogConfig
        - HostConfig.LogConfig.Config {"max-size": "10 m"} | {"max-size": "10zb"} -> HostConfig.LogConfig
        - HostConfig.LogConfig.Config {"max-file": "99999999"} | {"max-file": "0"} | {"max-file": "-1"} -> HostConfig.LogConfig
        + HostConfig.LogConfig.Config {"max-size": "1g"}
    "#

    CONTAINER: a_log_stays_on_the_host_and_shows_no_variables r#"
        - HostConfig.LogConfig {"Type": "syslog"} | {"Type": "a-plugin:latest"} | + {"Type": "journald", "Config": null}
        - HostConfig.LogConfig.Config {"path": "/etc/cron.d/a"} | {"Path": "/etc/cron.d/a"} -> HostConfig.LogConfig
        - HostConfig.LogConfig.Config {"syslog-address": "unix:///run/docker.sock"} -> HostConfig.LogConfig
        - HostConfig.LogConfig.Config {"env": "ACTIVATION_TOKEN"} | {"max-file": "2,path=/etc/a"} -> HostConfig.LogConfig
        - HostConfig.LogConfig.Config {"tag": "a b"} | {"tag": "{{.ContainerEnv}}"} | {"tag": "{{.Config}}"} -> HostConfig.LogConfig
        - HostConfig.LogConfig.Config {"tag": "{{range .ContainerEnv}}{{.}}{{end}}"} -> HostConfig.LogConfig
        - HostConfig.LogConfig.Config {"tag": "{{.ID.ContainerEnv}}"} | {"tag": "{{{.ID}}"} | {"tag": "{{ .ID }}"} -> HostConfig.LogConfig
        + HostConfig.LogConfig.Config {"compress": "true", "tag": "{{.ID}}"} | {"tag": "target-{{.Name}}.{{.ID}}"}
    "#

    CONTAINER: capabilities_beyond_an_agents_are_refused r#"
        - HostConfig.CapAdd ["SYS_ADMIN"] | ["CAP_SYS_ADMIN"] | ["all"] | ["NET_RAW", "KILL"]
        - HostConfig.CapDrop null | [] | ["NET_RAW"]
        + HostConfig {"CapAdd": ["cap_kill"], "CapDrop": ["all"]} | {"CapAdd": null}
    "#

    CONTAINER: security_options_stay_safe r#"
        - HostConfig.SecurityOpt null | [] | ["no-new-privileges:false"] | ["no-new-privilegesX"]
        - HostConfig.SecurityOpt ["no-new-privileges", "no-new-privileges=false"] | ["no-new-privileges", " no-new-privileges:false"]
        - HostConfig.SecurityOpt ["no-new-privileges", "seccomp=unconfined"] | ["no-new-privileges", "seccomp:unconfined"]
        - HostConfig.SecurityOpt ["no-new-privileges", "seccomp={}"] | ["no-new-privileges", "apparmor="]
        - HostConfig.SecurityOpt ["no-new-privileges", "apparmor=unconfined"] | ["no-new-privileges", "apparmor= unconfined"]
        - HostConfig.SecurityOpt ["no-new-privileges", "apparmor=unconfined "] | ["no-new-privileges", "apparmor=Unconfined"]
        - HostConfig.SecurityOpt ["no-new-privileges", "apparmor=crun"] | ["no-new-privileges", "apparmor:runc"]
        - HostConfig.SecurityOpt ["no-new-privileges", "label=disable"] | ["no-new-privileges", "systempaths=unconfined"]
        + HostConfig.SecurityOpt ["no-new-privileges=true", "apparmor=docker-default"] | ["no-new-privileges=true", "seccomp=builtin"]
    "#

    CONTAINER: only_mounts_of_the_targets_own_are_allowed r#"
        - HostConfig.Mounts [{"Type": "bind", "Source": "/", "Target": "/host"}] | [{"Type": "volume", "Source": "data", "Target": "/data"}]
        - HostConfig.Mounts [{"Type": "volume", "Target": "/d", "VolumeOptions": {"DriverConfig": {"Name": "local", "Options": {"type": "none", "o": "bind", "device": "/"}}}}]
        - HostConfig.Mounts [{"Type": "npipe", "Target": "/a"}] | [{"Target": "/a"}]
        - HostConfig.Mounts [{"Type": "volume", "Target": "/a", "Consistency": "z"}] | [{"Type": "volume", "Target": "/a", "VolumeOptions": {"Subpath": "b"}}]
        - HostConfig.Mounts [{"Type": "tmpfs", "Target": "/a", "BindOptions": {"Propagation": "shared"}}]
        - HostConfig.Mounts [{"Type": "tmpfs", "Target": "/a", "TmpfsOptions": {"Options": [["suid"]]}}]
        - HostConfig.Mounts [{"Type": "tmpfs", "Target": "/a", "TmpfsOptions": {"Mode": 10000000000}}]
        - HostConfig.Mounts [{"Type": "tmpfs", "Target": "/proc/sys"}] | [{"Type": "tmpfs", "Target": "/a", "Source": "/"}]
        + HostConfig.Mounts [{"Type": "tmpfs", "Target": "/tmp", "TmpfsOptions": {"SizeBytes": 1}}] | [{"Type": "volume", "Target": "/data"}]
    "#

    CONTAINER: what_an_engine_parses_further_has_a_safe_form r#"
        - Hostname "a b" | + "agent-1"
        - User "root x" | + "root:0"
        - MacAddress "02:42:0a"
        - ExposedPorts {"80/tcp x": {}} | + {"80/tcp": {}}
        - WorkingDir "/proc/self/fd/8" | "//./proc/self" | "data" | + "/home/user"
        - Healthcheck {"Test": ["NONE"], "Interval": 1000000} | + {"Test": ["CMD-SHELL", "true"], "Interval": 30000000000, "Retries": 3}
        - StopSignal "SIGTERM " | + "SIGRTMIN+3"
        - StopTimeout -1 | 86400 | + 0
        - Cmd ["a\u0000b"] | + ["sh", "-c", "a, b"]
        - HostConfig.Runtime "nvidia" | " runc" | "/usr/bin/wrapper" | + "runsc"
        - HostConfig.Dns ["127.0.0.1\noptions x"] | + ["192.0.2.1", "2001:db8::1"]
        - HostConfig.DnsSearch ["a b"] | + ["example.com"]
        - HostConfig.DnsOptions ["ndots:2\nnameserver 192.0.2.1"] | + ["ndots:2"]
        - HostConfig.ExtraHosts ["a:b"] | ["a b:192.0.2.1"] | + ["db:192.0.2.2", "host:host-gateway"]
        - HostConfig.GroupAdd ["keep-groups"] | ["Keep-Groups"] | + ["video", "1000"]
        - HostConfig.Sysctls {"kernel.core_pattern": "|/bin/sh"} | {"net/../kernel.core_pattern": "1"} | + {"net.ipv4.ping_group_range": "0 1000"}
        - HostConfig.Tmpfs {"/a": "suid"} | {"/a": "size=0"} | {"/a": "rw, dev"} | {"/proc/sys": ""} | {"/sys": ""} | {"/": ""}
        + HostConfig.Tmpfs {"/tmp": "rw,noexec,size=64m,mode=1777"}
        - HostConfig.StorageOpt {"size": "10G,x"} | {"dm.basesize": "10G"} | + {"size": "10G"}
        - HostConfig.Ulimits [{"Name": "nofile=1:1,x", "Soft": 1, "Hard": 1}]
        - HostConfig.Ulimits [{"Name": "rtprio", "Soft": 99, "Hard": 99}] | [{"Name": "nice", "Soft": 40, "Hard": 40}]
        + HostConfig.Ulimits [{"Name": "nofile", "Soft": 1024, "Hard": -1}]
        - HostConfig.CpusetCpus "0,a" | + "0-2,4"
        - HostConfig.CpuQuota -1
        - HostConfig.ShmSize -1
        - HostConfig.PortBindings {"80/tcp": [{"HostIp": "a"}]} | {"80;81": []} | + {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}
        - HostConfig.Isolation "process"
        - HostConfig.BlkioWeightDevice [{"Path": "/dev/sda", "Weight": 65536}]
        - HostConfig.BlkioDeviceReadBps [{"Path": "/dev/../etc", "Rate": 1}] | [{"Path": "/dev/sda:1", "Rate": 1}] | [{"Path": "/dev/sda", "Rate": 0}]
        - HostConfig.RestartPolicy {"Name": "always:1"} | {"Name": " no"} | + {"Name": "on-failure", "MaximumRetryCount": 3}
        - NetworkingConfig.EndpointsConfig {"targets": {"Aliases": ["a b"]}} | {"targets": {"MacAddress": "02:42"}}
        - NetworkingConfig.EndpointsConfig {"targets": {"IPAddress": "192.0.2.1,"}} | {"targets": {"IPAMConfig": {"IPv4Address": "192.0.2.1/24"}}}
        + HostConfig.CpuShares 512
        + HostConfig.Init false
        + HostConfig.BlkioDeviceReadBps [{"Path": "/dev/sda", "Rate": 1048576}]
        + NetworkingConfig.EndpointsConfig {"targets": {"Aliases": ["target"], "IPAMConfig": {"IPv4Address": "192.0.2.7"}}}
    "#

    CONTAINER: networks_of_others_are_refused r#"
        - HostConfig.NetworkMode "host" | "HOST" | "container:db" | "Container:db" | "ns:/proc/1/ns/net" | "default" | "" | null
        - HostConfig.NetworkMode "0a1b2c" | "bad" | " host" | "host " | "pasta" | "slirp4netns" | "targets,host" | + "none" | "bridge" | "targets"
        - NetworkingConfig.EndpointsConfig {"host": {}} | {"container:db": {}} | {"default": {}} | {"": {}} | {"0a1b2c": {}}
        - NetworkingConfig.EndpointsConfig {"HOST": {}} | {"Container:db": {}} | {"ns:/proc/1/ns/net": {}} | {"bad": {}} | {" host": {}} | {"host ": {}}
        - NetworkingConfig.EndpointsConfig {"pasta": {}} | {"slirp4netns": {}} | {"targets,host": {}}
        - NetworkingConfig.EndpointsConfig {"targets": {"NetworkID": "0a1b"}} | {"targets": {"Links": ["db:db"]}}
    "#
}

#[test]
fn a_target_joins_a_bounded_number_of_networks() {
    let patch = |count: usize| {
        let networks = (0..count).map(|number| (format!("n{number}"), json!({})));
        let networks: Map<_, _> = networks.collect();
        json!({"NetworkingConfig": {"EndpointsConfig": networks}})
    };
    merged(&[patch(8)]);
    let problems = CONTAINER.build(&[patch(9)], Isolation::GivenUp);
    let problem = "NetworkingConfig.EndpointsConfig has more than 8 networks";
    assert_eq!(problems, Err(vec![problem.to_owned()]));
}
