//! Keys and values that no Engine takes.

use super::{CONTAINER, SERVICE};

#[test]
fn a_key_in_the_wrong_case_is_an_error_even_without_isolation() {
    CONTAINER.refuses_unsafe(
        r#"
        hostconfig {"Privileged": true}
        HOSTCONFIG {}
        HoſtConfig {}
        env []
        image "x"
        HostConfig.privileged true
        HostConfig {"NetworK\u212aode": 1, "Networ\u212aMode": "host"} -> HostConfig.Networ
        HostConfig.Mounts [{"type": "tmpfs", "Target": "/a"}] -> HostConfig.Mounts.type
        NetworkingConfig.endpointsConfig {}
        NetworkingConfig.EndpointsConfig.a.IPAMConfig.ipv4address ""
        HostConfig.LogConfig.config {}
        "#,
    );
}

#[test]
fn an_unknown_key_is_an_error_unless_isolation_is_given_up() {
    CONTAINER.guards_against(
        r#"
        Privileges true
        HostConfig.PidLimit 1
        HostConfig.RestartPolicy.Nam "no"
        "#,
    );
    CONTAINER.refuses_unsafe(
        r#"
        HostConfig [] | null
        "#,
    );
}

/// Nor is an empty value of another type an absent one.
#[test]
fn a_value_of_a_type_that_no_engine_takes_is_refused_even_without_isolation() {
    CONTAINER.always_refuses(r#"
        Tty "true"
        OnBuild "true"
        Cmd {"0": "sh"}
        Entrypoint [1]
        ExposedPorts.80/tcp 1
        Healthcheck.Test "true"
        NetworkingConfig.EndpointsConfig []
        NetworkingConfig.EndpointsConfig.targets.IPPrefixLen "24"
        NetworkingConfig.EndpointsConfig.targets.Aliases "db"
        HostConfig.Privileged "true" | "" | []
        HostConfig.Binds ""
        HostConfig.PidMode false
        HostConfig.Devices {}
        HostConfig.AutoRemove ""
        HostConfig.IpcMode ["host"]
        HostConfig.NetworkMode ["host"]
        HostConfig.PidsLimit "1" | 1.5 | 18446744073709551615
        HostConfig.NanoCpus 1e30
        HostConfig.OomScoreAdj "500"
        HostConfig.CpuRealtimeRuntime "950000"
        HostConfig.CapAdd "ALL"
        HostConfig.SecurityOpt [true]
        HostConfig.Mounts {"a": {"Type": "tmpfs", "Target": "/a"}}
        HostConfig.Dns "192.0.2.1"
        HostConfig.GroupAdd [0]
        HostConfig.CpusetCpus 0
        HostConfig.Init "true"
        HostConfig.ConsoleSize ["1"]
        HostConfig.LogConfig.Config.max-file 2
        HostConfig.Sysctls {"net.ipv4.ip_forward": 1} -> HostConfig.Sysctls.net.ipv4.ip_forward
        HostConfig.Tmpfs./a 1
        HostConfig.Ulimits [{"Name": "nofile", "Soft": "1"}] -> HostConfig.Ulimits.Soft
        HostConfig.Mounts [{"ReadOnly": "false"}] -> HostConfig.Mounts.ReadOnly
        HostConfig.Mounts [{"Consistency": 1}] -> HostConfig.Mounts.Consistency
        HostConfig.Mounts [{"BindOptions": false}] -> HostConfig.Mounts.BindOptions
        HostConfig.Mounts [{"TmpfsOptions": {"Mode": "4777"}}] -> HostConfig.Mounts.TmpfsOptions.Mode
        HostConfig.Mounts [{"VolumeOptions": {"NoCopy": 1}}] -> HostConfig.Mounts.VolumeOptions.NoCopy
        HostConfig.Mounts [{"VolumeOptions": {"Labels": {"a": 1}}}] -> HostConfig.Mounts.VolumeOptions.Labels.a
        "#);
}

#[test]
fn a_service_has_keys_and_types_too() {
    SERVICE.always_refuses(r#"
        resources {}
        Networks {"Target": "a"}
        ForceUpdate "1"
        LogDriver "local"
        Placement.Constraints "node.role==worker"
        Resources.Limits.memorybytes 1
        Resources.Limits.Pids "512"
        ContainerSpec.Command "sh"
        ContainerSpec.Args "-x"
        ContainerSpec.Mounts [{"Type": "volume", "Target": "/a", "source": "b"}] -> ContainerSpec.Mounts.source
        ContainerSpec.Mounts [{"Type": "volume", "Target": "/a", "VolumeOptions": {"NoCopy": "yes"}}] -> ContainerSpec.Mounts.VolumeOptions.NoCopy
        "#);
}
