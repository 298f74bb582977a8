//! A folder of `examples/`, and the commands of its README, run as a person runs them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

use dev::docker::Docker;
use dev::process::Group;
use serde_json::Value;

use super::folder::Folder;
use super::given;

/// The secret of the server's `/v1`.
pub const API_SECRET: &str = "dGhlIHNlY3JldCBvZiBhIHBlcnNvbg==";

/// Where the READMEs expect the server.
const SERVER: &str = "127.0.0.1:3000";

/// An example.
pub struct Example {
    name: &'static str,
}

impl Example {
    /// The example in the folder of that name, with its image on an Engine.
    pub fn on(docker: &Docker, name: &'static str) -> Self {
        let archive = Path::new(&given("TEST_EXAMPLES")).join(format!("{name}.tar"));
        let loaded = docker.load_image(archive.to_str().expect("a path is text"));
        loaded.unwrap_or_else(|error| panic!("{}: {error:#}", archive.display()));
        Self { name }
    }

    /// What its image is called.
    pub fn image(&self) -> &'static str {
        self.name
    }

    /// The server's variable `environments` for it.
    pub fn environments(&self) -> Value {
        let text = std::fs::read_to_string(self.folder().join("environments.json"));
        serde_json::from_str(&text.expect("a file")).expect("JSON")
    }

    /// The README's command that contains a text, in one line.
    #[track_caller]
    pub fn command(&self, part: &str) -> String {
        let text = std::fs::read_to_string(self.folder().join("README.md")).expect("a README");
        let text = text.replace("\\\n", "");
        let mut commands = text.lines().filter_map(|line| line.strip_prefix("    "));
        let found = commands.find(|command| command.contains(part));
        found
            .unwrap_or_else(|| panic!("no command has {part}"))
            .to_owned()
    }

    fn folder(&self) -> PathBuf {
        checkout().join("examples").join(self.name)
    }
}

/// A folder like a checkout in which `cargo xtask up` serves, and a shell there.
pub struct Person {
    folder: Folder,
    server: SocketAddr,
}

impl Person {
    /// One who calls this server.
    pub fn at(server: SocketAddr) -> Self {
        let folder = Folder::new("da-person");
        folder.file("api-header", &format!("Authorization: Bearer {API_SECRET}"));
        let examples = folder.path().join("examples");
        std::os::unix::fs::symlink(checkout().join("examples"), examples).expect("a link");
        Self { folder, server }
    }

    /// Runs a command to its end.
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
        let text = std::fs::read_to_string(self.path("target.json")).expect("a target");
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("no target: {text}"))
    }

    /// A file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a command that is talked to.
    pub fn start(&self, command: &str) -> Conversation {
        let mut child = self
            .shell(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a shell");
        Conversation {
            input: child.stdin.take().expect("a pipe"),
            output: BufReader::new(child.stdout.take().expect("a pipe")),
            child,
        }
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

/// A program that reads lines and prints lines; dropping it ends it.
pub struct Conversation {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Conversation {
    /// Says a line, and returns the line that is printed next; empty at the end.
    pub fn ask(&mut self, line: &str) -> String {
        // The output of an ended program shows why.
        let _ = writeln!(self.input, "{line}");
        let mut answer = String::new();
        self.output.read_line(&mut answer).expect("text");
        answer.trim_end().to_owned()
    }

    /// Waits until it ends by itself, and returns its exit code and its errors.
    pub fn ended(&mut self) -> (Option<i32>, String) {
        let mut errors = String::new();
        let stderr = self.child.stderr.as_mut().expect("a pipe");
        stderr.read_to_string(&mut errors).expect("text");
        (self.child.wait().expect("it is ours").code(), errors)
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}
