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
    let space = |process: &Path| fs::read_link(process.join("ns/pid")).ok();
    let ours = space(&Path::new("/proc").join(namespaces.0.to_string()));
    let dir = dir.display().to_string();
    wait_until(KILLED_BOUND, || {
        let mut left = Vec::from_iter(running().filter_map(|process| {
            let is_engine = process.line.contains(&dir) && space(&process.dir) == ours;
            let held = fs::read_to_string(process.dir.join("cgroup")).unwrap_or_default();
            let mut groups = groups.iter().map(|group| format!("/{group}"));
            let is_ours =
                (is_engine && ours.is_some()) || groups.any(|group| held.contains(&group));
            is_ours.then_some((!is_engine, process.pid))
        }));
        // An Engine first, because it restarts what ends below it.
        left.sort_unstable();
        left.iter().for_each(|(_, pid)| kill(*pid));
        left.is_empty()
    });
}
