//! The pid and mount namespaces of a private Engine.
//!
//! All of its daemons and containers run in them. When their first process ends, the kernel kills
//! all the others and undoes their mounts, so nothing of them has to be looked for.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::engine_dir::LOCK_FILE;
use crate::process::POLL_INTERVAL;

/// The first process, which comes with Docker: it collects the processes that lose their parent.
const INIT: &str = "docker-init";

/// `unshare` takes milliseconds.
const START_BOUND: Duration = Duration::from_secs(10);

/// The kernel needs a moment to kill a namespace and undo its mounts.
const KILLED_BOUND: Duration = Duration::from_secs(20);

/// Namespaces with nothing but their first process.
pub struct Namespaces {
    unshare: Child,
    init: i32,
}

impl Namespaces {
    /// Creates them for the Engine in `dir`. Unless they stay, they end when this process does.
    pub fn create(dir: &Path, stay: bool) -> Result<Self> {
        let unshare = ["--pid", "--mount", "--mount-proc", "--fork"];
        let mut command = match stay {
            true => Command::new("unshare"),
            false => {
                let mut command = Command::new("setpriv");
                command.args(["--pdeathsig", "KILL", "unshare", "--kill-child"]);
                command
            }
        };
        command.args(unshare).args([INIT, "--"]);
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
                return Ok(Self { unshare, init });
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

    /// A program that runs in them.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.init.to_string(), "--pid", "--mount", "--"]);
        command.arg(program);
        command
    }

    /// The number of their first process, outside of them.
    pub fn init(&self) -> i32 {
        self.init
    }

    /// Takes the status of an `unshare` that has ended, which would stay as a zombie otherwise.
    pub fn reap(&mut self) {
        let _ = self.unshare.wait();
    }
}

/// Kills the namespaces of the Engine in `dir`, and says whether they are gone.
pub fn kill(dir: &Path) -> bool {
    // The kernel waits for each `nsenter` to take note of its daemon's end, and one whose daemon
    // was once stopped has stopped itself.
    for pid in processes(|line| is_init(line, dir) || is_entry(line, dir)) {
        if let Some(pid) = Pid::from_raw(pid) {
            // A failure means that it has ended meanwhile.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
    let deadline = Instant::now() + KILLED_BOUND;
    while !inits(dir).is_empty() && Instant::now() < deadline {
        thread::sleep(POLL_INTERVAL);
    }
    inits(dir).is_empty()
}

/// The first processes of namespaces of the Engine in `dir`.
fn inits(dir: &Path) -> Vec<i32> {
    processes(|line| is_init(line, dir))
}

/// The processes with such a command line, whose words are ended by NUL.
fn processes(is_wanted: impl Fn(&str) -> bool) -> Vec<i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &i32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            is_wanted(&String::from_utf8_lossy(&line))
        })
        .collect()
}

/// Whether a command line is that of a first process.
fn is_init(line: &str, dir: &Path) -> bool {
    let lock = dir.join(LOCK_FILE);
    is_program(line, INIT) && line.trim_end_matches('\0').split('\0').next_back() == lock.to_str()
}

/// Whether a command line is that of an `nsenter` with a daemon of the Engine.
fn is_entry(line: &str, dir: &Path) -> bool {
    is_program(line, "nsenter") && line.contains(&format!("{}/", dir.display()))
}

fn is_program(line: &str, name: &str) -> bool {
    let program = line.split('\0').next().unwrap_or_default();
    program.rsplit('/').next() == Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_are_told_by_their_program_and_the_engines_folder() {
        let dir = Path::new("/var/tmp/dax-0123abcd");
        let other = Path::new("/var/tmp/dax-0123abc");
        let init = "docker-init\0--\0tail\0--follow\0/var/tmp/dax-0123abcd/lock\0";
        assert!(is_init(init, dir) && !is_init(init, other));
        let unshare = format!("unshare\0--fork\0{init}");
        assert!(!is_init(&unshare, dir) && !is_entry(&unshare, dir));
        let entry = "nsenter\0--target\x007\0--\0/usr/sbin/dockerd\0--data-root\0/var/tmp/dax-0123abcd/data\0";
        assert!(is_entry(entry, dir) && !is_entry(entry, other) && !is_init(entry, dir));
        assert!(!is_entry("less\0/var/tmp/dax-0123abcd/dockerd.log\0", dir));
    }
}
