//! A HAProxy with a configuration of a test's own.

use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};

use dev::process::Group;

use super::folder::Folder;
use super::wait::wait_for;

/// For `mode tcp` and `mode http` alike.
const TIMEOUTS: &str = "timeout connect 5s\n    timeout client 60s\n    timeout server 60s";

/// A HAProxy; dropping it ends it.
pub struct Haproxy {
    _process: Group,
    _folder: Folder,
}

impl Haproxy {
    /// Runs one in this mode, with these sections and the files of a folder, and
    /// waits until it listens at all of these addresses.
    pub fn start(folder: Folder, mode: &str, sections: &str, listening: &[SocketAddr]) -> Self {
        let config = format!("defaults\n    mode {mode}\n    {TIMEOUTS}\n{sections}");
        let mut command = Command::new("/usr/sbin/haproxy");
        command
            .arg("-db")
            .arg("-f")
            .arg(folder.file("config", &config))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = Group::spawn(&mut command);
        let started = Self {
            _process: process.expect("`cargo xtask test` has installed it"),
            _folder: folder,
        };
        for address in listening {
            wait_for("HAProxy to listen", || TcpStream::connect(address).ok());
        }
        started
    }
}
