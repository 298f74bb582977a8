//! The mounts of a target, and the place of its token among them.

use serde_json::Value;

use super::forms::{
    BYTES_MAX, is_absent_or, is_number, is_one_of, is_path, is_path_of_files, is_unset,
};
use crate::docker::archive::SECRETS_DIR;

/// Whether a path can be a mount point: an Engine accepts neither the root nor the
/// kernel's own files.
pub fn is_mount_point(text: &str) -> bool {
    is_path_of_files(text) && text.contains(|letter| !matches!(letter, '/' | '.'))
}

/// Whether only the target uses this mount. A named volume may belong to another
/// container, and a driver can mount any folder of the host. Podman joins the options of
/// a mount into one text, so only those of its own kind are accepted, in forms with one
/// meaning.
pub fn is_own_mount(mount: &Value) -> bool {
    let own = match mount["Type"].as_str() {
        Some("tmpfs") => "TmpfsOptions",
        Some("volume") => "VolumeOptions",
        _ => return false,
    };
    let options = "BindOptions ClusterOptions ImageOptions TmpfsOptions VolumeOptions";
    let mut others = options.split(' ').filter(|key| *key != own);
    let (tmpfs, volume) = (&mount["TmpfsOptions"], &mount["VolumeOptions"]);
    let consistency = ["default", "consistent", "cached", "delegated"];
    let is_up_to = |value, max| is_absent_or(value, |value| is_number(value, 0..=max));
    mount["Target"].as_str().is_some_and(is_mount_point)
        && is_absent_or(&mount["Consistency"], |value| {
            is_one_of(value, &consistency)
        })
        && others.all(|key| is_unset(&mount[key]))
        && is_unset(&mount["Source"])
        && is_unset(&volume["DriverConfig"])
        && is_unset(&volume["Subpath"])
        && is_up_to(&tmpfs["SizeBytes"], BYTES_MAX)
        && is_up_to(&tmpfs["Mode"], 0o7777)
        && is_unset(&tmpfs["Options"])
}

/// Whether the options of a container have a mount that might hide the token, or show it
/// to others.
pub fn is_token_misplaced(host_config: &Value) -> bool {
    let tmpfs = host_config["Tmpfs"].as_object().into_iter().flatten();
    let mounts = host_config["Mounts"].as_array().into_iter().flatten();
    let binds = host_config["Binds"].as_array().into_iter().flatten();
    tmpfs.map(|(path, _)| path).any(|path| hides_token(path))
        || mounts.into_iter().any(is_mount_misplaced)
        || binds.into_iter().any(is_bind_misplaced)
}

/// Whether a mount might hide the token, or show it to others. Podman joins these texts
/// into one, where a comma or a quote could begin another mount point.
fn is_mount_misplaced(mount: &Value) -> bool {
    let target = mount["Target"].as_str().unwrap_or_default();
    let texts = [
        &mount["Consistency"],
        &mount["Source"],
        &mount["Type"],
        &mount["BindOptions"]["Propagation"],
        &mount["VolumeOptions"]["Subpath"],
    ];
    let has_separator = |text: &str| text.contains([',', '"', '\n', '\r']);
    hides_token(target)
        || (is_above_token(target) && !is_own_mount(mount))
        || texts
            .into_iter()
            .filter_map(Value::as_str)
            .any(has_separator)
}

/// The same for `source:target[:options]`.
fn is_bind_misplaced(bind: &Value) -> bool {
    let bind = bind.as_str().unwrap_or_default();
    let target = bind.split(':').nth(1).unwrap_or_default();
    hides_token(target) || is_above_token(target)
}

/// Whether a mount at this path of the container might hide the token's file; true for a
/// path that is not plain and absolute.
pub fn hides_token(path: &str) -> bool {
    !is_path(path) || resolved(path).starts_with(&resolved(SECRETS_DIR))
}

/// Whether this path of the container is a folder above the token's file. A mount there
/// may be shared with others, together with the token's volume.
pub fn is_above_token(path: &str) -> bool {
    resolved(SECRETS_DIR).starts_with(&resolved(path))
}

/// The parts of a path, without empty ones and `.`.
fn resolved(path: &str) -> Vec<&str> {
    let mut parts: Vec<_> = path
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    // `/var/run` is a link to `/run` in current images.
    if parts.starts_with(&["var", "run"]) {
        parts.remove(0);
    }
    parts
}
