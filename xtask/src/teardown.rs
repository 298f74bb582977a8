//! Removes a private Engine whole: containers, daemons, mounts, bridges, control groups, files.
//!
//! Works from what is found rather than from what was remembered, so that it
//! serves after a crash as well, and goes on after a step that fails.

use std::fs;
use std::path::Path;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::bridge;
use crate::docker::Docker;
use crate::engine_dir::{EngineDir, Owner};
use crate::image_cache;
use crate::mounts;
use crate::outbound;
use crate::process::POLL_INTERVAL;
use crate::workspace;
use dynamic_access_admin::progress::say;

/// Without containers a daemon ends within a second; then it is killed.
const DAEMON_GRACE: Duration = Duration::from_secs(15);

/// The kernel needs a moment to let go of a killed process and its mounts.
const KILLED_BOUND: Duration = Duration::from_secs(5);

/// Programs that belong to an Engine when its folder is in their command line; an editor on one
/// of its files does not.
const DAEMONS: [&str; 6] = [
    "dockerd",
    "containerd",
    "containerd-shim",
    "docker-proxy",
    "podman",
    "conmon",
];

/// Removes the Engines that were started to stay from this checkout, and says how many they were.
pub fn stop_all() -> Result<usize> {
    sweep();
    let ours = Owner::Checkout(workspace::root());
    let mut stopped = 0;
    for record in EngineDir::all() {
        if record.owner == ours {
            remove(&record, &mut [])?;
            stopped += 1;
        }
    }
    Ok(stopped)
}

/// Removes the Engines whose runs were killed before they could.
pub fn sweep() {
    for record in EngineDir::all()
        .iter()
        .filter(|record| record.is_abandoned())
    {
        say(&format!(
            "removing {}, left by a run that was killed",
            record.dir.display()
        ));
        if let Err(error) = remove(record, &mut []) {
            say(&format!("{error:#}"));
        }
    }
}

/// Removes one Engine; `children` are those of its daemons that we started ourselves.
pub fn remove(record: &EngineDir, children: &mut [Child]) -> Result<()> {
    let docker = Docker::private(&record.socket());
    if record.socket().exists() && docker.ping().is_ok() {
        // What stays behind is killed with the rest.
        let _ = docker.remove_all();
    }
    take_apart(record, children)?;
    delete(record)
}

/// As [`remove`], but keeps the images of an Engine without containers for the next run.
pub fn remove_but_images(record: &EngineDir, children: &mut [Child]) -> Result<()> {
    take_apart(record, children)?;
    let kept = image_cache::keep(record);
    delete(record)?;
    kept
}

/// Ends and undoes everything but the files.
fn take_apart(record: &EngineDir, children: &mut [Child]) -> Result<()> {
    end(record, "dockerd", children);
    kill_shims(record);
    end(record, "containerd", children);
    let is_detached = mounts::detach_below(&record.dir);
    outbound::close(record, !is_any_engine_running());
    bridge::remove(&record.bridge(), record.block)?;
    remove_control_groups(&record.name());
    if !is_detached {
        bail!("something is still mounted below {}", record.dir.display());
    }
    Ok(())
}

fn delete(record: &EngineDir) -> Result<()> {
    fs::remove_dir_all(&record.dir)
        .with_context(|| format!("failed to remove {}", record.dir.display()))
}

/// Ends one of the daemons, kindly if it lets us.
fn end(record: &EngineDir, name: &str, children: &mut [Child]) {
    for (signal, bound) in [(Signal::TERM, DAEMON_GRACE), (Signal::KILL, KILLED_BOUND)] {
        let processes = || daemons(&record.dir, |program| program == name);
        for pid in processes() {
            send(pid, signal);
        }
        wait_for(bound, || {
            reap(children);
            processes().is_empty()
        });
    }
}

/// Kills the containers that the Engine itself did not remove, and their keepers.
fn kill_shims(record: &EngineDir) {
    let shims = || {
        daemons(&record.dir, |program| {
            program != "dockerd" && program != "containerd"
        })
    };
    for shim in shims() {
        for child in children_of(shim) {
            send(child, Signal::KILL);
        }
        send(shim, Signal::KILL);
    }
    wait_for(KILLED_BOUND, || shims().is_empty());
}

/// Whether there is a `dockerd` still, whose ever it is.
fn is_any_engine_running() -> bool {
    processes().any(|pid| {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        // A zombie has no command line.
        name.trim() == "dockerd" && !line.is_empty()
    })
}

/// The processes of an Engine, told by their program and the Engine's folder in their arguments.
fn daemons(dir: &Path, is_wanted: impl Fn(&str) -> bool) -> Vec<i32> {
    let dir = dir.to_string_lossy();
    processes()
        .filter(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            belongs(&String::from_utf8_lossy(&line), &dir, &is_wanted)
        })
        .collect()
}

/// Whether a command line, with its words ended by NUL, is that of a daemon of the Engine in `dir`.
fn belongs(line: &str, dir: &str, is_wanted: impl Fn(&str) -> bool) -> bool {
    let program = line.split('\0').next().unwrap_or_default();
    let name = program.rsplit('/').next().unwrap_or_default();
    let is_daemon = DAEMONS.contains(&name) || name.starts_with("containerd-shim-");
    is_daemon && line.contains(dir) && is_wanted(name)
}

fn children_of(parent: i32) -> Vec<i32> {
    processes()
        .filter(|pid| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            // After the name in parentheses come the state and the parent (proc(5)).
            stat.rsplit_once(')')
                .and_then(|(_, rest)| rest.split_whitespace().nth(1))
                .is_some_and(|found| found == parent.to_string())
        })
        .collect()
}

fn processes() -> impl Iterator<Item = i32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn send(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        // A failure means that it has ended meanwhile.
        let _ = kill_process(pid, signal);
    }
}

/// Takes the status of children that have ended, which would stay as zombies otherwise.
fn reap(children: &mut [Child]) {
    for child in children {
        let _ = child.try_wait();
    }
}

fn wait_for(bound: Duration, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + bound;
    while !condition() && Instant::now() < deadline {
        thread::sleep(POLL_INTERVAL);
    }
}

/// Removes the empty control groups of an Engine, in every hierarchy of either version.
fn remove_control_groups(name: &str) {
    let root = Path::new("/sys/fs/cgroup");
    let hierarchies = fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    for hierarchy in hierarchies.chain([root.to_owned()]) {
        let group = hierarchy.join(name);
        for child in fs::read_dir(&group).into_iter().flatten().flatten() {
            // Its files cannot be removed and go with their folder.
            let _ = fs::remove_dir(child.path());
        }
        let _ = fs::remove_dir(group);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIR: &str = "/var/tmp/dax-0123abcd";

    #[test]
    fn a_daemon_belongs_to_the_engine_whose_folder_it_names() {
        let ours = "/usr/sbin/dockerd\0--data-root\0/var/tmp/dax-0123abcd/data\0";
        let shim =
            "/usr/bin/containerd-shim-runc-v2\0-address\0/var/tmp/dax-0123abcd/containerd.sock\0";
        let other = "/usr/sbin/dockerd\0--data-root\0/var/lib/docker\0";
        let editor = "less\0/var/tmp/dax-0123abcd/dockerd.log\0";
        assert!(belongs(ours, DIR, |name| name == "dockerd"));
        assert!(!belongs(ours, DIR, |name| name == "containerd"));
        assert!(belongs(shim, DIR, |name| name != "containerd"));
        assert!(!belongs(other, DIR, |_| true));
        assert!(!belongs(editor, DIR, |_| true));
    }
}
