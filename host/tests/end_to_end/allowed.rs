//! Capabilities and volumes that the operator allows by name.

use serde_json::json;
use test_support::engine::RealEngine;
use test_support::own::Deployment;
use test_support::unique;

use crate::lifecycle::{check_done, id_of};

on_each_engine!(targets_share_an_allowed_volume_that_outlives_them_and_may_chroot);

fn targets_share_an_allowed_volume_that_outlives_them_and_may_chroot(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let volume = unique("shared");
    let patch = json!({"HostConfig": {
        "CapAdd": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID", "SYS_CHROOT"],
        "Mounts": [{"Type": "volume", "Source": volume, "Target": "/shared"}],
    }});
    let patch = patch.to_string();
    let patched = [
        ("container_patch", patch.as_str()),
        ("allow_capabilities", "SYS_CHROOT"),
        ("allow_volumes", volume.as_str()),
    ];
    let server = deployment.server(&patched);
    check_done(&server.call("GET", "/health", ""));
    let noted = server.wait_for_line("config.unsafe");
    for named in [
        "allow_capabilities has SYS_CHROOT",
        "allow_volumes has shared",
    ] {
        assert!(noted.contains(named), "{noted}");
    }
    let first = id_of(&server.start_target(&unique("token")));
    engine.shell(&first, "echo kept >/shared/file; chroot / true");
    check_done(&server.stop_target(&first));
    let second = id_of(&server.start_target(&unique("token")));
    assert_eq!(engine.shell(&second, "cat /shared/file"), "kept\n");
    check_done(&server.stop_target(&second));

    // Without a patch, a target gets neither.
    let plain = deployment.server(&[]);
    let third = id_of(&plain.start_target(&unique("token")));
    let shown = engine.shell(&third, "chroot / true 2>&1 || ls /shared 2>&1 || true");
    assert!(
        shown.contains("not permitted") && shown.contains("No such file"),
        "{shown}"
    );
    check_done(&plain.stop_target(&third));
    let removed = engine.call("DELETE", &format!("/volumes/{volume}"), None);
    assert_eq!(removed.status, 204, "{removed:?}");

    // Without the operator's permission, the patch is an error.
    let refused = deployment.server(&patched[..1]).call("GET", "/health", "");
    assert_eq!(refused.status, 500, "{refused:?}");
}
