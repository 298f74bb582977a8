//! Capabilities and volumes that the operator allows by name.

use test_support::prelude::*;

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
    server.health().check_done();
    let noted = server.wait_for_line("config.unsafe");
    for note in [
        "allow_capabilities has SYS_CHROOT",
        "allow_volumes has shared",
    ] {
        assert!(noted.contains(note), "{noted}");
    }
    let first = server.started();
    // Docker may have warnings of its own, such as that this machine does not forward.
    assert!(!server.wait_for_line("target.start").contains("allow_"));
    engine.shell(&first, "echo kept >/shared/file; chroot / true");
    server.stop_target(&first).check_done();
    let second = server.started();
    assert_eq!(engine.shell(&second, "cat /shared/file"), "kept\n");
    server.stop_target(&second).check_done();

    // Without a patch, a target gets neither.
    let plain = deployment.server(&[]);
    let third = plain.started();
    let shown = engine.shell(&third, "chroot / true 2>&1 || ls /shared 2>&1 || true");
    assert!(
        shown.contains("not permitted") && shown.contains("No such file"),
        "{shown}"
    );
    plain.stop_target(&third).check_done();
    let path = format!("/volumes/{volume}");
    engine.call("DELETE", &path, None).check(204);

    // Without the operator's permission, the patch is an error.
    deployment.server(&patched[..1]).health().check(500);
}
