//! What the operator allows by name, and what it does not open.

use std::slice;

use super::{Allowed, CONTAINER, Isolation, Patched, SERVICE, patches};

fn allowed() -> Allowed {
    Allowed {
        capabilities: vec!["SYS_CHROOT", "NET_RAW"],
        volumes: vec!["pip-cache".to_owned()],
    }
}

#[track_caller]
fn check(patched: &Patched, expected: bool, table: &str) {
    for (patch, _) in patches(table) {
        let body = patched.build_allowing(&allowed(), slice::from_ref(&patch), Isolation::Kept);
        assert_eq!(body.is_ok(), expected, "{patch}: {body:?}");
        // The body has it as it was written.
        if let Ok(body) = body {
            let mut merged = body.value().clone();
            json_patch::merge(&mut merged, &patch);
            assert_eq!(body.value(), &merged);
        }
    }
}

#[test]
fn a_container_may_have_what_is_allowed_by_name() {
    let table = r#"
        HostConfig.CapAdd ["SYS_CHROOT"] | ["KILL", "CAP_SYS_CHROOT", "net_raw"]
        HostConfig.Mounts [{"Type": "volume", "Source": "pip-cache", "Target": "/cache"}]
        HostConfig.Mounts [{"Type": "volume", "Source": "pip-cache", "Target": "/cache", "ReadOnly": true, "VolumeOptions": {"NoCopy": true}}, {"Type": "volume", "Target": "/own"}]
    "#;
    check(&CONTAINER, true, table);
    CONTAINER.refuses(
        r#"
        HostConfig.CapAdd ["SYS_CHROOT"]
        HostConfig.Mounts [{"Type": "volume", "Source": "pip-cache", "Target": "/cache"}]
        "#,
    );
}

#[test]
fn a_service_may_have_what_is_allowed_by_name() {
    let table = r#"
        ContainerSpec.CapabilityAdd ["CAP_SYS_CHROOT", "CAP_KILL"]
        ContainerSpec.Mounts [{"Type": "volume", "Source": "pip-cache", "Target": "/cache", "ReadOnly": true}]
    "#;
    check(&SERVICE, true, table);
    SERVICE.refuses(table.trim());
    check(
        &SERVICE,
        false,
        r#"
        ContainerSpec.CapabilityAdd ["SYS_CHROOT"] | ["CAP_SYS_ADMIN"] | ["CAP_SYS_CHROOT", "ALL"]
        ContainerSpec.Mounts [{"Type": "bind", "Source": "pip-cache", "Target": "/cache"}]
        ContainerSpec.Mounts [{"Type": "volume", "Source": "other", "Target": "/cache"}]
        ContainerSpec.Mounts [{"Type": "volume", "Source": "pip-cache", "Target": "/run"}]
        "#,
    );
}

#[test]
fn a_name_opens_nothing_else() {
    check(
        &CONTAINER,
        false,
        r#"
        HostConfig.CapAdd ["SYS_ADMIN"] | ["ALL"] | ["SYS_CHROOT", "SYS_PTRACE"] | ["CAP_CAP_SYS_CHROOT"]
        HostConfig.Mounts [{"Type": "volume", "Source": "other", "Target": "/cache"}]
        HostConfig.Mounts [{"Type": "volume", "Source": "pip-cache ", "Target": "/cache"}]
        HostConfig.Mounts [{"Type": "bind", "Source": "pip-cache", "Target": "/cache"}]
        HostConfig.Mounts [{"Type": "Volume", "Source": "pip-cache", "Target": "/cache"}]
        HostConfig.Mounts [{"Type": "volume", "Source": "pip-cache", "Target": "/proc/x"}]
        HostConfig.Mounts [{"Type": "volume", "Source": "pip-cache", "Target": "/run/dynamic-access"}]
        HostConfig.Mounts [{"Type": "volume", "Source": "pip-cache", "Target": "/run"}]
        HostConfig.Mounts [{"Type": "volume", "Source": "pip-cache", "Target": "/var/run/."}]
        HostConfig.Mounts [{"Type": "volume", "Source": "pip-cache", "Target": "/cache", "VolumeOptions": {"DriverConfig": {"Name": "local", "Options": {"device": "/", "o": "bind"}}}}]
        HostConfig.Mounts [{"Type": "volume", "Source": "pip-cache", "Target": "/cache", "VolumeOptions": {"Subpath": "a"}}]
        HostConfig.Binds ["pip-cache:/cache"]
        HostConfig.Privileged true
        "#,
    );
}
