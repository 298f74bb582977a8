//! A real registry: Debian's `docker-registry`, on a port of its own.

use std::net::SocketAddr;
use std::process::Command;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE;
use bollard::auth::DockerCredentials;
use serde_json::json;

use super::engine::RealEngine;
use super::folder::Folder;
use super::program::Program;
use super::unique;

/// The user who may pull from a registry with authentication.
pub const USER: &str = "somebody";
/// That user's password.
pub const PASSWORD: &str = "planted-registry-password";

/// The same user with the password's bcrypt hash, at the lowest cost, which is four.
const PASSWORD_HASH: &str = "$2b$04$5OohH37wQlNCU.Szi82MeO87qfeKd.WPO12CWvpQPWPAXnoC8NSVi";

/// A registry; dropping it removes it and its images.
pub struct Registry {
    _process: Program,
    authority: String,
}

impl Registry {
    /// A registry from which anybody may pull.
    pub fn open() -> Self {
        Self::start(super::free_address(), |_| String::new())
    }

    /// A registry at an address of this machine from which only [`USER`] may pull.
    pub fn closed_at(address: SocketAddr) -> Self {
        Self::start(address, |folder| {
            let users = folder.file("users", &format!("{USER}:{PASSWORD_HASH}\n"));
            let path = users.display();
            format!("auth:\n  htpasswd:\n    realm: tests\n    path: {path}\n")
        })
    }

    fn start(address: SocketAddr, auth: impl FnOnce(&Folder) -> String) -> Self {
        let folder = Folder::new("registry-");
        let config = format!(
            "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {address}\n{}",
            folder.path().join("data").display(),
            auth(&folder)
        );
        let config = folder.file("config.yml", &config);
        let mut command = Command::new("docker-registry");
        Self {
            _process: Program::start(command.arg("serve").arg(config), folder, &[address]),
            authority: address.to_string(),
        }
    }

    /// The reference of an image in it.
    pub fn reference(&self, rest: &str) -> String {
        format!("{}/{rest}", self.authority)
    }

    /// `X-Registry-Auth` of that user, for this registry.
    pub fn auth(&self) -> String {
        auth_for(&self.authority)
    }

    /// Who may pull from it and push to it.
    pub(crate) fn credentials(&self) -> DockerCredentials {
        DockerCredentials {
            username: Some(USER.to_owned()),
            password: Some(PASSWORD.to_owned()),
            serveraddress: Some(self.authority.clone()),
            ..DockerCredentials::default()
        }
    }

    /// Lets Docker push an image of one small file as `team/agent:1` and remove it again,
    /// and returns its digest.
    pub fn hold_image(&self) -> String {
        let engine = RealEngine::given();
        let repository = self.reference("team/agent");
        // No other image has this content.
        let content = unique("an image of the tests ");
        engine.import_image(&repository, archive_of("file", &content));
        let digest = engine.push_image(&repository, self);
        self.forget_image(&engine);
        digest
    }

    /// Removes the image from the Engine.
    pub fn forget_image(&self, engine: &RealEngine) {
        let _ = engine.try_remove_image(&format!("{}:1", self.reference("team/agent")));
    }
}

/// An archive of one file.
pub fn archive_of(name: &str, content: &str) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o400);
    header.set_size(content.len() as u64);
    let mut archive = tar::Builder::new(Vec::new());
    archive
        .append_data(&mut header, name, content.as_bytes())
        .and_then(|()| archive.into_inner())
        .expect("memory takes it")
}

/// `X-Registry-Auth` of that user, for a registry.
pub fn auth_for(address: &str) -> String {
    let auth = json!({"username": USER, "password": PASSWORD, "serveraddress": address});
    BASE64_URL_SAFE.encode(auth.to_string())
}
