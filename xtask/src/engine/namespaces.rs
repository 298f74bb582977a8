//! Makes and ends the pid and mount namespaces of a private Engine.
//!
//! All of its daemons and containers run in them. When their first process ends, the kernel kills
//! all others and undoes their mounts, so nobody has to look for them.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use dev::namespaces::Namespaces;
use dev::process::{POLL_INTERVAL, wait_until};
use dev::processes;

use crate::engine::dir::LOCK_FILE;

/// The first process, which comes with Docker: it collects the processes that lose their parent.
const INIT: &str = "docker-init";

/// `unshare` takes milliseconds.
const START_BOUND: Duration = Duration::from_secs(10);

/// The kernel needs a moment to kill a namespace and undo its mounts.
const KILLED_BOUND: Duration = Duration::from_secs(20);

/// Makes a folder the root of a mount namespace, and runs a program there. Its parameters
/// are the root, the Engine's folder, which is at the same place in it, and the program.
///
/// A change of root (`chroot`) would not do: containers need a root that is a mount.
const ENTER: &str = r#"
set -e
root=$1 dir=$2
shift 2
mount --bind "$root" "$root"
mount --types proc proc "$root/proc"
for folder in sys dev; do mount --rbind "/$folder" "$root/$folder"; done
for folder in run tmp var/tmp; do mount --types tmpfs tmpfs "$root/$folder"; done
mkdir "$root$dir"
mount --bind "$dir" "$root$dir"
mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
cd "$root"
pivot_root . mnt
cd /
umount --lazy /mnt
exec "$@"
"#;

/// Namespaces with only their first process.
pub struct Unshared {
    unshare: Child,
    /// The namespaces.
    pub namespaces: Namespaces,
}

impl Unshared {
    /// Creates them for the Engine in `dir`, whose programs are in `root`, or else in this
    /// machine's own. They end with this process.
    pub fn create(dir: &Path, root: Option<&Path>) -> Result<Self> {
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "unshare", "--kill-child"])
            .args(["--pid", "--mount", "--mount-proc", "--fork"]);
        if let Some(root) = root {
            command.args(["sh", "-c", ENTER, "sh"]).arg(root).arg(dir);
        }
        command.args([INIT, "--"]);
        // Waits for ever, with the folder in its command line.
        command.args(["tail", "--follow"]).arg(dir.join(LOCK_FILE));
        let mut unshare = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C on the terminal must not reach it.
            .process_group(0)
            .spawn()
            .context("failed to run unshare (package util-linux)")?;
        let deadline = Instant::now() + START_BOUND;
        loop {
            if let Some(&init) = inits(dir).first() {
                return Ok(Self {
                    unshare,
                    namespaces: Namespaces(init),
                });
            }
            if let Some(status) = unshare.try_wait()? {
                bail!("unshare failed: {status}; private Engines need root and namespaces");
            }
            if Instant::now() >= deadline {
                bail!("unshare has started nothing within {START_BOUND:?}");
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// Whether a daemon of that name runs.
    pub fn has_daemon(&self, name: &str) -> bool {
        let Namespaces(init) = self.namespaces;
        let children = fs::read_to_string(format!("/proc/{init}/task/{init}/children"));
        children.unwrap_or_default().split(' ').any(|child| {
            let found = fs::read_to_string(format!("/proc/{child}/comm"));
            found.is_ok_and(|found| found.trim_end() == name)
        })
    }

    /// Takes the status of an ended `unshare`, which would otherwise stay a zombie.
    pub fn reap(&mut self) {
        wait_until(KILLED_BOUND, || {
            !matches!(self.unshare.try_wait(), Ok(None))
        });
    }
}

/// Kills the namespaces of the Engine in `dir`, and returns whether all of their processes are
/// gone.
pub fn kill(dir: &Path) -> bool {
    let inits = inits(dir);
    for init in &inits {
        processes::kill(*init);
    }
    wait_until(KILLED_BOUND, || inits.iter().all(|init| has_ended(*init)))
}

/// Whether a process has ended: a first process does only after all others of its namespace.
fn has_ended(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // After the name in parentheses comes the state (proc(5)).
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest);
    state.is_none_or(|state| state.starts_with('Z'))
}

/// The first processes of namespaces of the Engine in `dir`.
fn inits(dir: &Path) -> Vec<i32> {
    let lock = dir.join(LOCK_FILE);
    let inits = processes::running().filter(|process| is_init(&process.line, &lock));
    inits.map(|process| process.pid).collect()
}

/// Whether a command line, with its words ended by NUL, is that of a first process.
fn is_init(line: &str, lock: &Path) -> bool {
    let mut words = line.trim_end_matches('\0').split('\0');
    let program = words.next().unwrap_or_default();
    program.rsplit('/').next() == Some(INIT) && words.next_back() == lock.to_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_init_is_told_by_its_program_and_the_engines_folder() {
        let lock = Path::new("/var/tmp/dax-0123abcd/lock");
        let line = "docker-init\0--\0tail\0--follow\0/var/tmp/dax-0123abcd/lock\0";
        assert!(is_init(line, lock));
        assert!(!is_init(&format!("unshare\0--fork\0{line}"), lock));
        assert!(!is_init(line, Path::new("/var/tmp/dax-0123abce/lock")));
        assert!(!is_init(
            "tail\0--follow\0/var/tmp/dax-0123abcd/lock\0",
            lock
        ));
    }
}
