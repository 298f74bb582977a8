//! A folder of `examples/`, and the commands of its README, run as a person runs them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use dev::docker::Docker;
use dev::process::Group;
use serde_json::Value;

use super::folder::Folder;
use super::{checkout, given, shipped};

/// The secret of the server's `/v1`.
pub const API_SECRET: &str = "dGhlIHNlY3JldCBvZiBhIHBlcnNvbg==";

/// Where the READMEs expect the server.
const SERVER: &str = "127.0.0.1:3000";

pub struct Example {
    /// The name of its folder and of its image.
    pub name: &'static str,
}

impl Example {
    /// The example in the folder of that name, with its image on an Engine.
    pub fn on(docker: &Docker, name: &'static str) -> Self {
        let archive = Path::new(&given("TEST_EXAMPLES"))
            .join(name)
            .join("image.tar");
        let loaded = docker.load_image(&archive);
        loaded.unwrap_or_else(|error| panic!("{}: {error:#}", archive.display()));
        Self { name }
    }

    /// The server's variable `environments` for it.
    pub fn environments(&self) -> Value {
        let text = shipped(&format!("examples/{}/environments.json", self.name));
        serde_json::from_str(&text).expect("JSON")
    }

    /// The README's command that contains a text, in one line.
    #[track_caller]
    pub fn command(&self, part: &str) -> String {
        let text = shipped(&format!("examples/{}/README.md", self.name)).replace("\\\n", "");
        let mut commands = text.lines().filter_map(|line| line.strip_prefix("    "));
        let found = commands.find(|command| command.contains(part));
        found
            .unwrap_or_else(|| panic!("no command has {part}"))
            .to_owned()
    }
}

/// A folder like a checkout in which `cargo xtask up` serves, and a shell there.
pub struct Person {
    folder: Folder,
    server: SocketAddr,
}

impl Person {
    pub fn at(server: SocketAddr) -> Self {
        let folder = Folder::new("da-person");
        folder.file("api-header", &format!("Authorization: Bearer {API_SECRET}"));
        let examples = folder.path().join("examples");
        std::os::unix::fs::symlink(checkout("examples"), examples).expect("a link");
        Self { folder, server }
    }

    pub fn run(&self, command: &str) -> Output {
        self.shell(command)
            .stdin(Stdio::null())
            .output()
            .expect("a shell")
    }

    /// Runs a command that must succeed, and returns what it printed.
    #[track_caller]
    pub fn must(&self, command: &str) -> String {
        let output = self.run(command);
        assert!(output.status.success(), "{command}: {output:?}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// The target of the last order.
    pub fn target(&self) -> Value {
        let text = self.read("target.json");
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("no target: {text}"))
    }

    /// Types lines into a program that goes on until its group is dropped. Its output goes into the
    /// files `said` and `errors` in the folder, and at its end its exit code into `code`.
    pub fn type_into(&self, command: &str, lines: &str) -> Group {
        // A person keeps the program's input open.
        let typed = format!("<(echo '{lines}'; sleep 300)");
        self.leave_running(&format!(
            "{command} < {typed} >said 2>errors; echo $? >code"
        ))
    }

    /// The text of a file in the folder, empty if there is none.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a command that goes on until its group is dropped.
    pub fn leave_running(&self, command: &str) -> Group {
        Group::spawn(&mut self.shell(command)).expect("a shell")
    }

    fn shell(&self, command: &str) -> Command {
        let mut shell = Command::new("bash");
        let command = command.replace(SERVER, &self.server.to_string());
        // A pipe fails with its first command, and a person sees no progress of curl.
        shell.args(["-o", "pipefail", "-c", &command]);
        shell.current_dir(self.folder.path());
        shell
    }
}
