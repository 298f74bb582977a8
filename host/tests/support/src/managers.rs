//! Managers of a Swarm as a proxy calls them: each behind TLS that asks for the
//! proxy's certificate.

use std::net::SocketAddr;

use super::certificates::Authority;
use super::folder::Folder;
use super::program::Program;

/// The name for which all managers show a certificate.
pub const NAME: &str = "swarm-manager";

/// The managers; dropping them ends them.
pub struct Managers {
    /// Ends TLS and passes the bytes on.
    _haproxy: Program,
    pub addresses: Vec<SocketAddr>,
    /// Who has signed their certificate and the proxy's.
    authority: Authority,
}

impl Managers {
    /// TLS, with a certificate for `name`, in front of the Engines at these addresses.
    pub fn start(name: &str, engines: &[SocketAddr]) -> Self {
        let folder = Folder::new("managers-");
        let authority = Authority::new("managers-authority");
        authority.server(&[name]).files(&folder, "server");
        folder.file("ca.pem", &authority.certificate());
        let path = folder.path().display();
        let addresses: Vec<_> = engines.iter().map(|_| super::free_address()).collect();
        let listen = |(engine, address): (&SocketAddr, &SocketAddr)| {
            format!(
                "listen manager-{port}\n    bind {address} ssl crt {path}/server.pem ca-file {path}/ca.pem verify required\n    server engine {engine}\n",
                port = address.port()
            )
        };
        let sections: String = engines.iter().zip(&addresses).map(listen).collect();
        Self {
            _haproxy: Program::haproxy(folder, "tcp", &sections, &addresses),
            addresses,
            authority,
        }
    }

    /// Writes the files with which a proxy calls them.
    pub fn give_files(&self, folder: &Folder) {
        std::fs::create_dir(folder.path().join("managers")).expect("it is new");
        let client = self.authority.client();
        client.files(folder, "managers/client");
        folder.file("managers/ca.pem", &self.authority.certificate());
    }
}
