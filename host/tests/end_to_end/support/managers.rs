//! Managers of a Swarm that fail on demand: played Engines, each behind TLS that
//! asks for the proxy's certificate.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use super::certificates::Authority;
use super::fake_engine::FakeEngine;
use super::folder::Folder;
use super::wait::wait_for;

/// The name for which all managers show a certificate.
pub const NAME: &str = "swarm-manager";

/// The managers; dropping them ends them.
pub struct Managers {
    /// A HAProxy, which ends TLS and passes the bytes on.
    process: Child,
    addresses: Vec<SocketAddr>,
    /// Who has signed their certificate and the proxy's.
    authority: Authority,
    _folder: Folder,
}

impl Managers {
    /// Managers that show a certificate for `name`.
    pub fn start(name: &str, engines: &[&FakeEngine]) -> Self {
        let folder = Folder::new("managers-");
        let authority = Authority::new("managers-authority");
        let server = authority.server(&[name]);
        folder.file("server.pem", &server.certificate);
        folder.file("server.pem.key", &server.key);
        folder.file("ca.pem", &authority.certificate());
        let path = folder.path().display();
        let mut config = "defaults\n    mode tcp\n    timeout connect 5s\n    timeout client 60s\n    timeout server 60s\n".to_owned();
        let addresses: Vec<_> = engines.iter().map(|_| super::free_address()).collect();
        for (engine, address) in engines.iter().zip(&addresses) {
            let engine = engine.url();
            let engine = engine.trim_start_matches("http://");
            config.push_str(&format!(
                "listen manager-{port}\n    bind {address} ssl crt {path}/server.pem ca-file {path}/ca.pem verify required\n    server engine {engine}\n",
                port = address.port()
            ));
        }
        let process = Command::new("/usr/sbin/haproxy")
            .arg("-db")
            .arg("-f")
            .arg(folder.file("config", &config))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("`cargo xtask test` has installed HAProxy");
        for address in &addresses {
            wait_for("a manager to listen", || {
                std::net::TcpStream::connect(address).ok()
            });
        }
        Self {
            process,
            addresses,
            authority,
            _folder: folder,
        }
    }

    /// Where they listen.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Writes what a proxy needs to call them.
    pub fn give_files(&self, folder: &Folder) {
        std::fs::create_dir(folder.path().join("managers")).expect("it is new");
        let client = self.authority.client();
        client.files(folder, "managers/client");
        // Where HAProxy looks for it.
        folder.file("managers/client.pem.key", &client.key);
        folder.file("managers/ca.pem", &self.authority.certificate());
    }
}

impl Drop for Managers {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
