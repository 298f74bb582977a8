//! The pid and mount namespaces of a private Engine, in which all of its processes run.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::process;

/// `kill` only sends a signal.
const SIGNAL_BOUND: Duration = Duration::from_secs(10);

/// The namespaces, by the number of their first process outside.
#[derive(Debug, Clone, Copy)]
pub struct Namespaces(pub i32);

impl Namespaces {
    /// A command that runs in them.
    pub fn command(self, program: impl AsRef<OsStr>) -> Command {
        self.enter(&["--pid", "--mount"], program)
    }

    /// A command in those that these options of `nsenter` name, which opens all of their files before it enters any.
    pub(crate) fn enter(self, namespaces: &[&str], program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.0.to_string()]);
        command.args(namespaces).arg("--").arg(program);
        command
    }

    /// A command that leaves a daemon running in them. The first process collects the daemon when
    /// it ends; an `nsenter` that waited for it would stop for good if somebody stopped the daemon.
    pub fn daemon(self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.command("setsid");
        command.arg("--fork").arg(program);
        command
    }

    /// Sends a signal to the process whose number in them is in a file.
    pub fn signal(self, name: &str, pid_file: &Path) -> Result<()> {
        let mut kill = self.command("kill");
        kill.args(["-s", name, &pid(pid_file)?]);
        process::output_within(&mut kill, SIGNAL_BOUND).map(drop)
    }

    /// The program of a process, and its parameters; empty if it has ended.
    pub fn command_line(self, pid: &str) -> Vec<String> {
        let line = fs::read(self.proc_file(pid, "cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        let words = line.split('\0').filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    }

    /// A file of a process, by the process's number inside.
    pub fn proc_file(self, pid: &str, name: &str) -> PathBuf {
        format!("/proc/{}/root/proc/{pid}/{name}", self.0).into()
    }

    /// Whether a process is gone, or a zombie, which has no command line.
    pub fn has_ended(self, pid: &str) -> bool {
        self.command_line(pid).is_empty()
    }
}

/// The number in a file, which is a process's number in its namespaces.
pub fn pid(file: &Path) -> Result<String> {
    let pid = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    Ok(pid.trim().to_owned())
}
