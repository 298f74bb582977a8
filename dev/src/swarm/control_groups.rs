//! The control groups that Engines leave behind, in every hierarchy of either version.

use std::fs;
use std::path::Path;

const ROOT: &str = "/sys/fs/cgroup";

/// Removes the control groups whose names begin like this, and those below them, if no process is left in them.
pub fn remove(beginning: &str) {
    let root = Path::new(ROOT);
    // The root itself in version 2, or each folder in it in version 1.
    let folders = names_in(root, "").into_iter().map(|name| root.join(name));
    for hierarchy in folders.chain([root.to_owned()]) {
        for group in names_in(&hierarchy, beginning) {
            let group = hierarchy.join(group);
            for child in names_in(&group, "") {
                // Files cannot be removed; they go with their folder.
                let _ = fs::remove_dir(group.join(child));
            }
            let _ = fs::remove_dir(&group);
        }
    }
}

/// The entries of a folder whose names begin like this; none if it is no folder.
pub(crate) fn names_in(folder: &Path, beginning: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.starts_with(beginning))
        .collect()
}
