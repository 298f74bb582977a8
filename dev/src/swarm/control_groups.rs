//! The control groups that Engines leave behind, in every hierarchy of either version.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = "/sys/fs/cgroup";

/// Removes a control group of that name, and those below it, if no process is left in them.
pub fn remove(name: &str) {
    for hierarchy in hierarchies() {
        let group = hierarchy.join(name);
        for child in folders_in(&group) {
            // Files cannot be removed; they go with their folder.
            let _ = fs::remove_dir(child);
        }
        let _ = fs::remove_dir(group);
    }
}

/// The names that begin like this.
pub(crate) fn beginning_with(beginning: &str) -> BTreeSet<String> {
    let groups = hierarchies().into_iter().flat_map(|root| folders_in(&root));
    groups
        .filter_map(|group| group.file_name()?.to_str().map(str::to_owned))
        .filter(|name| name.starts_with(beginning))
        .collect()
}

/// The root itself in version 2, or each folder in it in version 1.
fn hierarchies() -> Vec<PathBuf> {
    let root = PathBuf::from(ROOT);
    let mut all = folders_in(&root);
    all.push(root);
    all
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.map(|entry| entry.path()).collect()
}
