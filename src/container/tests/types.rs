//! Keys and values that no Engine takes.

use super::{CONTAINER, SERVICE};

tables! {
    CONTAINER: a_key_in_the_wrong_case_is_an_error_even_without_isolation r#"
        ! hostconfig {"Privileged": true}
        ! HOSTCONFIG {}
        ! HoſtConfig {}
        ! env []
        ! image "x"
        ! HostConfig.privileged true
        ! HostConfig {"NetworK\u212aode": 1, "Networ\u212aMode": "host"} -> HostConfig.Networ
        ! HostConfig.Mounts [{"type": "tmpfs", "Target": "/a"}] -> HostConfig.Mounts.type
        ! NetworkingConfig.endpointsConfig {}
        ! NetworkingConfig.EndpointsConfig.a.IPAMConfig.ipv4address ""
        ! HostConfig.LogConfig.config {}
    "#

    CONTAINER: an_unknown_key_is_an_error_unless_isolation_is_given_up r#"
        ? Privileges true
        ? HostConfig.PidLimit 1
        ? HostConfig.RestartPolicy.Nam "no"
        ! HostConfig [] | null
    "#
}

// The check of the specifications tries a value of each type for every option.
#[test]
fn a_value_of_a_type_that_no_engine_takes_is_refused_even_without_isolation() {
    CONTAINER.check(r#"
        ! HostConfig.PidsLimit "1" | 1.5 | 18446744073709551615
        ! HostConfig.NanoCpus 1e30
        ! HostConfig.Privileged "true" | "" | []
        ! HostConfig.PidMode false
        ! HostConfig.Sysctls {"net.ipv4.ip_forward": 1} -> HostConfig.Sysctls.net.ipv4.ip_forward
        ! HostConfig.Ulimits [{"Name": "nofile", "Soft": "1"}] -> HostConfig.Ulimits.Soft
        ! HostConfig.Mounts [{"VolumeOptions": {"Labels": {"a": 1}}}] -> HostConfig.Mounts.VolumeOptions.Labels.a
        ! NetworkingConfig.EndpointsConfig.targets.IPPrefixLen "24"
    "#);
    SERVICE.check(r#"
        ! resources {}
        ! Networks {"Target": "a"}
        ! Resources.Limits.memorybytes 1
        ! Resources.Limits.Pids "512"
        ! ContainerSpec.Mounts [{"Type": "volume", "Target": "/a", "source": "b"}] -> ContainerSpec.Mounts.source
    "#);
}
