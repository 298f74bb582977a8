//! The processes of the Engines that the tests were given.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::given;

/// The process id in a file, as it is in the namespaces.
pub fn pid(pid_file: &Path) -> String {
    let pid = std::fs::read_to_string(pid_file);
    let pid = pid.unwrap_or_else(|error| panic!("{}: {error}", pid_file.display()));
    pid.trim().to_owned()
}

/// Their pid and mount namespaces, by the pid of their first process.
pub struct Namespaces(String);

impl Namespaces {
    /// Those of the process whose pid is `TEST_ENGINE_INIT`.
    pub fn given() -> Self {
        Self(given("TEST_ENGINE_INIT"))
    }

    /// A command that runs in them.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.0, "--pid", "--mount", "--", program]);
        command
    }

    /// The program of a process, and its parameters.
    pub fn command_line(&self, pid: &str) -> Vec<String> {
        let line = std::fs::read_to_string(self.proc_file(pid, "cmdline"));
        let line = line.expect("a running process, and a command line of text");
        let words = line.split('\0').filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    }

    /// A file of a process, by the process's number in the namespace.
    pub fn proc_file(&self, pid: &str, name: &str) -> PathBuf {
        self.proc().join(pid).join(name)
    }

    fn proc(&self) -> PathBuf {
        Path::new("/proc").join(&self.0).join("root/proc")
    }

    /// Sends a signal to a process.
    pub fn signal(&self, name: &str, pid: &str) {
        let status = self.command("kill").args(["-s", name, pid]).status();
        assert!(status.expect("nsenter is there").success(), "kill {pid}");
    }

    /// Whether a process is gone, or only waits for its parent to take note.
    pub fn has_ended(&self, pid: &str) -> bool {
        let state = self.state_and_parent(pid);
        state.is_none_or(|(state, _)| state == "Z")
    }

    /// The children of a process.
    pub fn children(&self, parent: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.proc()).expect("/proc is there");
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let is_child = |pid: &String| {
            let state = self.state_and_parent(pid);
            state.is_some_and(|(_, of)| of == parent)
        };
        names.filter(is_child).collect()
    }

    /// `None` for what is no process, or none any more.
    fn state_and_parent(&self, pid: &str) -> Option<(String, String)> {
        let stat = std::fs::read_to_string(self.proc_file(pid, "stat")).ok()?;
        // The name, in parentheses, may hold anything.
        let (_, rest) = stat.rsplit_once(") ")?;
        let mut words = rest.split(' ').map(str::to_owned);
        Some((words.next()?, words.next()?))
    }
}
