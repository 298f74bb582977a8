//! What the operator allows by name, and what it does not open.

use super::{Allowed, CONTAINER, SERVICE};

fn allowed() -> Allowed {
    Allowed {
        capabilities: vec!["SYS_CHROOT", "NET_RAW"],
        volumes: vec!["pip-cache".to_owned()],
    }
}

#[test]
fn a_container_may_have_what_is_allowed_by_name_and_nothing_else() {
    CONTAINER.check_allowing(&allowed(), r#"
        + HostConfig.CapAdd ["SYS_CHROOT"] | ["KILL", "CAP_SYS_CHROOT", "net_raw"]
        + HostConfig.Mounts [{"Type": "volume", "Source": "pip-cache", "Target": "/cache"}]
        + HostConfig.Mounts [{"Type": "volume", "Source": "pip-cache", "Target": "/cache", "ReadOnly": true, "VolumeOptions": {"NoCopy": true}}, {"Type": "volume", "Target": "/own"}]
        - HostConfig.CapAdd ["SYS_ADMIN"] | ["ALL"] | ["SYS_CHROOT", "SYS_PTRACE"] | ["CAP_CAP_SYS_CHROOT"]
        - HostConfig.Mounts [{"Type": "volume", "Source": "other", "Target": "/cache"}]
        - HostConfig.Mounts [{"Type": "volume", "Source": "pip-cache ", "Target": "/cache"}]
        - HostConfig.Mounts [{"Type": "bind", "Source": "pip-cache", "Target": "/cache"}]
        - HostConfig.Mounts [{"Type": "Volume", "Source": "pip-cache", "Target": "/cache"}]
        - HostConfig.Mounts [{"Type": "volume", "Source": "pip-cache", "Target": "/proc/x"}]
        - HostConfig.Mounts [{"Type": "volume", "Source": "pip-cache", "Target": "/cache", "VolumeOptions": {"DriverConfig": {"Name": "local", "Options": {"device": "/", "o": "bind"}}}}]
        - HostConfig.Mounts [{"Type": "volume", "Source": "pip-cache", "Target": "/cache", "VolumeOptions": {"Subpath": "a"}}]
        - HostConfig.Binds ["pip-cache:/cache"]
        - HostConfig.Privileged true
        ! HostConfig.Mounts [{"Type": "volume", "Source": "pip-cache", "Target": "/run/dynamic-access"}] -> HostConfig mounts
        ! HostConfig.Mounts [{"Type": "volume", "Source": "pip-cache", "Target": "/run"}] -> HostConfig mounts
        ! HostConfig.Mounts [{"Type": "volume", "Source": "pip-cache", "Target": "/var/run/."}] -> HostConfig mounts
    "#);
    CONTAINER.check(
        r#"
        - HostConfig.CapAdd ["SYS_CHROOT"]
        - HostConfig.Mounts [{"Type": "volume", "Source": "pip-cache", "Target": "/cache"}]
    "#,
    );
}

#[test]
fn a_service_may_have_what_is_allowed_by_name_and_nothing_else() {
    SERVICE.check_allowing(&allowed(), r#"
        + ContainerSpec.CapabilityAdd ["CAP_SYS_CHROOT", "CAP_KILL"]
        + ContainerSpec.Mounts [{"Type": "volume", "Source": "pip-cache", "Target": "/cache", "ReadOnly": true}]
        - ContainerSpec.CapabilityAdd ["SYS_CHROOT"] | ["CAP_SYS_ADMIN"] | ["CAP_SYS_CHROOT", "ALL"]
        - ContainerSpec.Mounts [{"Type": "bind", "Source": "pip-cache", "Target": "/cache"}]
        - ContainerSpec.Mounts [{"Type": "volume", "Source": "other", "Target": "/cache"}]
        - ContainerSpec.Mounts [{"Type": "volume", "Source": "pip-cache", "Target": "/run"}]
    "#);
    SERVICE.check(r#"
        - ContainerSpec.CapabilityAdd ["CAP_SYS_CHROOT", "CAP_KILL"]
        - ContainerSpec.Mounts [{"Type": "volume", "Source": "pip-cache", "Target": "/cache", "ReadOnly": true}]
    "#);
}
