//! Makes and ends the pid and mount namespaces of a private Engine.
//!
//! All of its daemons and containers run in them. When their first process ends, the kernel kills
//! all others and undoes their mounts, so nobody has to look for them.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use dev::namespaces::Namespaces;
use dev::process::wait_until;
use dev::processes;

use crate::engine::dir::EngineDir;

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

/// Namespaces with only their first process; dropping them ends all processes in them.
pub struct Unshared {
    unshare: Child,
    pub namespaces: Namespaces,
}

impl Unshared {
    /// Creates them for an Engine, whose programs are in `root`, or else in this machine's own. They end with this
    /// process, and hold the Engine's lock until they have ended.
    pub fn create(engine: &EngineDir, root: Option<&Path>) -> Result<Self> {
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "unshare", "--kill-child"])
            .args(["--pid", "--mount", "--mount-proc", "--fork"]);
        if let Some(root) = root {
            command.args(["sh", "-c", ENTER, "sh"]);
            command.arg(root).arg(&engine.dir);
        }
        let mut unshare = command
            .args([INIT, "--", "sleep", "infinity"])
            .stdin(engine.lock.try_clone()?)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C on the terminal must not reach it.
            .process_group(0)
            .spawn()
            .context("failed to run unshare (package util-linux)")?;
        let mut init = None;
        wait_until(START_BOUND, || {
            init = child(unshare.id().cast_signed(), INIT);
            init.is_some() || !matches!(unshare.try_wait(), Ok(None))
        });
        let Some(init) = init else {
            // Its child ends with it.
            if let Some(status) = unshare.try_wait()? {
                bail!("unshare failed: {status}; private Engines need root and namespaces");
            }
            unshare.kill().and_then(|()| unshare.wait())?;
            bail!("unshare has started nothing within {START_BOUND:?}");
        };
        Ok(Self {
            unshare,
            namespaces: Namespaces(init),
        })
    }

    /// Kills all of their processes, and waits for the end of `unshare`: it ends after the first process, which ends after
    /// all others. Returns whether they have ended.
    pub fn end(&mut self) -> bool {
        let has_ended = |unshare: &mut Child| !matches!(unshare.try_wait(), Ok(None));
        // Its id may be another process's once it has ended.
        if !has_ended(&mut self.unshare) {
            processes::kill(self.namespaces.0);
        }
        wait_until(KILLED_BOUND, || has_ended(&mut self.unshare))
    }

    pub fn has_daemon(&self, name: &str) -> bool {
        child(self.namespaces.0, name).is_some()
    }
}

impl Drop for Unshared {
    fn drop(&mut self) {
        self.end();
    }
}

/// The child of a process that runs the program of this name.
fn child(parent: i32, name: &str) -> Option<i32> {
    let mut children = processes::children(Path::new(&format!("/proc/{parent}"))).into_iter();
    let is_named = |child: &String| {
        let found = fs::read_to_string(format!("/proc/{child}/comm"));
        found.is_ok_and(|found| found.trim_end() == name)
    };
    children.find(is_named)?.parse().ok()
}
