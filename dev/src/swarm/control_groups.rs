//! The control groups that Engines leave behind, in every hierarchy of either version.

use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = "/sys/fs/cgroup";

/// Removes the control groups whose names begin like this, and those below them, if no process is left in them.
pub fn remove(beginning: &str) {
    let root = PathBuf::from(ROOT);
    // The root itself in version 2, or each folder in it in version 1.
    let hierarchies = folders_in(&root).into_iter().chain([root]);
    for group in hierarchies.flat_map(|hierarchy| folders_in(&hierarchy)) {
        let name = group.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(beginning) {
            for child in folders_in(&group) {
                // Files cannot be removed; they go with their folder.
                let _ = fs::remove_dir(child);
            }
            let _ = fs::remove_dir(&group);
        }
    }
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.map(|entry| entry.path()).collect()
}
