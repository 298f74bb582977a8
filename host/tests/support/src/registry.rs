//! A real registry: Debian's `docker-registry`, on a port of its own.

use std::net::SocketAddr;
use std::process::Command;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE;
use serde_json::json;

use super::engine::{RealEngine, TAR};
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

    pub fn reference(&self, rest: &str) -> String {
        format!("{}/{rest}", self.authority)
    }

    /// `X-Registry-Auth` of that user, for this registry.
    pub fn auth(&self) -> String {
        auth_for(&self.authority)
    }

    /// Lets Docker push an image of one small file as `team/agent:1` and remove it again,
    /// and returns its digest.
    pub fn hold_image(&self) -> String {
        let engine = RealEngine::given();
        // No other image has this content.
        let content = unique("an image of the tests ");
        let archive = archive_of("file", &content);
        let repository = self.reference("team/agent");
        let path = format!("/images/create?fromSrc=-&repo={repository}&tag=1");
        engine.call_with("POST", &path, &TAR, &archive).check(200);
        self.take_image(&engine)
    }

    /// Lets an Engine push its image `team/agent:1` and remove it again, and returns its digest.
    ///
    /// A push shows it in words, wherever the Engine keeps its images:
    /// `1: digest: sha256:… size: …`.
    #[track_caller]
    pub fn take_image(&self, engine: &RealEngine) -> String {
        let path = format!("/images/{}/push?tag=1", self.reference("team/agent"));
        let auth = [("x-registry-auth", &*self.auth()), ("content-length", "0")];
        let told = engine.call_with("POST", &path, &auth, b"").check(200);
        self.forget_image(engine);
        let words = told.body.split_once("digest: ");
        let digest = words.and_then(|(_, rest)| rest.split(' ').next());
        digest.unwrap_or_else(|| panic!("{told:?}")).to_owned()
    }

    pub fn forget_image(&self, engine: &RealEngine) {
        let image = self.reference("team/agent:1");
        engine.discard(&format!("/images/{image}?force=true"));
    }
}

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
