//! The processes of this machine.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};

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

/// The numbers of the children of the process with this folder in `/proc`.
pub fn children(dir: &Path) -> Vec<String> {
    let threads = fs::read_dir(dir.join("task"))
        .into_iter()
        .flatten()
        .flatten();
    let lists = threads.filter_map(|it| fs::read_to_string(it.path().join("children")).ok());
    let lists = Vec::from_iter(lists).concat();
    lists.split_whitespace().map(str::to_owned).collect()
}
