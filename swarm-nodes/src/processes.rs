//! Ends the processes of nodes.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::run::{command, run};

/// The kernel ends what is killed in milliseconds, unless the machine is busy.
const KILLED_BOUND: Duration = Duration::from_secs(10);

const BETWEEN_LOOKS: Duration = Duration::from_millis(30);

/// Kills the processes in namespaces of which `init` is the first, if their command line has `dir` in it,
/// and those in the control groups. Returns when there is none left.
pub(crate) fn end(init: i32, dir: &Path, groups: &[String]) {
    let deadline = Instant::now() + KILLED_BOUND;
    loop {
        // An Engine first, since it starts again what ends below it.
        let mut left = naming(init, dir);
        left.extend(in_groups(groups));
        if left.is_empty() || Instant::now() >= deadline {
            return;
        }
        // One may have ended by itself.
        let _ = run(command("kill").arg("-KILL").args(left));
        thread::sleep(BETWEEN_LOOKS);
    }
}

fn naming(init: i32, dir: &Path) -> Vec<String> {
    let space = |process: &Path| fs::read_link(process.join("ns/pid")).ok();
    let ours = space(&Path::new("/proc").join(init.to_string()));
    let dir = dir.display().to_string();
    let named = running().filter(|(_, process, line)| {
        line.contains(&dir) && ours.is_some() && space(process) == ours
    });
    named.map(|(pid, ..)| pid).collect()
}

fn in_groups(groups: &[String]) -> Vec<String> {
    let grouped = running().filter(|(_, process, _)| {
        let held = fs::read_to_string(process.join("cgroup")).unwrap_or_default();
        groups
            .iter()
            .any(|group| held.contains(&format!("/{group}")))
    });
    grouped.map(|(pid, ..)| pid).collect()
}

/// The number, the folder in `/proc` and the command line of each process that has not ended.
fn running() -> impl Iterator<Item = (String, PathBuf, String)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let pid = entry.file_name().into_string().ok()?;
        pid.parse::<u32>().ok()?;
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        // What has ended and waits for its parent to take note has no command line.
        let line = String::from_utf8_lossy(&line).into_owned();
        (!line.is_empty()).then(|| (pid, entry.path(), line))
    })
}
