//! The processes of this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::namespaces::Namespaces;
use crate::process::wait_until;

/// The kernel ends a killed process in milliseconds, unless the machine is busy.
const KILLED_BOUND: Duration = Duration::from_secs(10);

/// A process that has not ended.
pub struct Running {
    /// Its number.
    pub pid: i32,
    /// Its folder in `/proc`.
    pub dir: PathBuf,
    /// Its command line, with its words ended by NUL.
    pub line: String,
}

/// Each process that has not ended.
pub fn running() -> impl Iterator<Item = Running> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let dir = entry.path();
        // A zombie has no command line.
        let line = fs::read(dir.join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).into_owned();
        (!line.is_empty()).then_some(Running { pid, dir, line })
    })
}

/// Kills a process, if it is there.
pub fn kill(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid) {
        // A failure means that it has ended meanwhile.
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Kills the processes in these namespaces with `dir` in their command line, and those in the
/// control groups. Returns when none is left.
pub(crate) fn end(namespaces: Namespaces, dir: &Path, groups: &[String]) {
    wait_until(KILLED_BOUND, || {
        // An Engine first, because it restarts what ends below it.
        let mut left = naming(namespaces, dir);
        left.extend(in_groups(groups));
        left.iter().for_each(|pid| kill(*pid));
        left.is_empty()
    });
}

fn naming(namespaces: Namespaces, dir: &Path) -> Vec<i32> {
    let space = |process: &Path| fs::read_link(process.join("ns/pid")).ok();
    let ours = space(&Path::new("/proc").join(namespaces.0.to_string()));
    let dir = dir.display().to_string();
    let named = running().filter(|process| {
        process.line.contains(&dir) && ours.is_some() && space(&process.dir) == ours
    });
    named.map(|process| process.pid).collect()
}

fn in_groups(groups: &[String]) -> Vec<i32> {
    let grouped = running().filter(|process| {
        let held = fs::read_to_string(process.dir.join("cgroup")).unwrap_or_default();
        groups
            .iter()
            .any(|group| held.contains(&format!("/{group}")))
    });
    grouped.map(|process| process.pid).collect()
}
