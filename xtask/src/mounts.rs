//! Finds and undoes mounts below a folder of ours, before the folder is deleted.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process;
use dynamic_access_admin::progress::say;

/// Detaching a mount takes milliseconds.
const DETACH_BOUND: Duration = Duration::from_secs(10);

/// Undoes every mount below a folder, and says whether none is left.
pub fn detach_below(dir: &Path) -> bool {
    for mount in below(dir) {
        let mut command = Command::new("umount");
        command.arg("--lazy").arg(&mount);
        if let Err(error) = process::output_within(&mut command, DETACH_BOUND) {
            say(&format!("{error:#}"));
        }
    }
    below(dir).is_empty()
}

/// The mounts below a folder, innermost first.
fn below(dir: &Path) -> Vec<PathBuf> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    below_in(&table, dir)
}

fn below_in(table: &str, dir: &Path) -> Vec<PathBuf> {
    let mut mounts: Vec<PathBuf> = table
        .lines()
        // The fifth field is where it is mounted (proc(5)); our own paths need no unescaping.
        .filter_map(|line| line.split(' ').nth(4))
        .map(PathBuf::from)
        .filter(|mount| mount.starts_with(dir))
        .collect();
    mounts.reverse();
    mounts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_undone_from_the_inside() {
        let table = "25 1 0:1 / / rw - ext4 /dev/vda rw\n\
                     40 25 0:2 / /var/tmp/dax-0123abcd/exec rw - tmpfs tmpfs rw\n\
                     41 40 0:3 / /var/tmp/dax-0123abcd/exec/netns rw - nsfs nsfs rw\n\
                     42 25 0:4 / /var/tmp/dax-0123abcdef rw - tmpfs tmpfs rw";
        assert_eq!(
            below_in(table, Path::new("/var/tmp/dax-0123abcd")),
            [
                Path::new("/var/tmp/dax-0123abcd/exec/netns"),
                Path::new("/var/tmp/dax-0123abcd/exec")
            ]
        );
    }
}
