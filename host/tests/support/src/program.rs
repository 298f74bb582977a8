//! Real programs with files of their own, which listen for connections.

use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use dev::process::Group;

use super::folder::Folder;
use super::wait::wait_for;

/// For `mode tcp` and `mode http` of HAProxy alike.
const TIMEOUTS: &str = "timeout connect 5s\n    timeout client 60s\n    timeout server 60s";

/// A program that runs; dropping it ends it, and removes its files.
pub struct Program {
    process: Group,
    folder: Folder,
}

impl Program {
    /// Runs a command on the files of a folder, and waits until it listens at all of these
    /// addresses.
    pub fn start(command: &mut Command, folder: Folder, listening: &[SocketAddr]) -> Self {
        let output = File::create(folder.path().join("output")).expect("a file");
        let errors = output.try_clone().expect("a file");
        let process = Group::spawn(command.stdout(output).stderr(errors));
        let process = process.expect("`cargo xtask test` has installed it");
        let mut started = Self { process, folder };
        for address in listening {
            wait_for("a program to listen", || {
                let ended = started.process.ended().expect("it is ours");
                assert!(ended.is_none(), "{ended:?}: {}", started.file("output"));
                TcpStream::connect(address).ok()
            });
        }
        started
    }

    /// Runs a HAProxy in this mode with these sections.
    pub fn haproxy(folder: Folder, mode: &str, sections: &str, listening: &[SocketAddr]) -> Self {
        let text = format!("defaults\n    mode {mode}\n    {TIMEOUTS}\n{sections}");
        let config = folder.file("config", &text);
        let mut command = Command::new("/usr/sbin/haproxy");
        Self::start(command.arg("-db").arg("-f").arg(config), folder, listening)
    }

    /// Its files, `output` among them.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The text of one of its files, empty if there is none.
    pub fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.file("output"));
        }
    }
}
