//! A real proxy in front of an Engine: Debian's nginx or HAProxy, with the
//! configuration that `cargo xtask proxy-config` prints.

use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use dev::process;

use super::certificates::{Authority, Identity};
use super::engine::RealEngine;
use super::folder::Folder;
use super::given;
use super::managers::Managers;
use super::relay::Relay;
use super::server::Server;
use super::tls_client::Client;
use super::wait::wait_for;

/// Which program it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// nginx.
    Nginx,
    /// HAProxy.
    Haproxy,
}

/// How it knows its callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// By their certificates.
    Certificate,
    /// By a secret.
    Bearer,
}

/// Every configuration that there is for an Engine.
pub const KINDS: [(Program, Auth); 4] = [
    (Program::Nginx, Auth::Certificate),
    (Program::Nginx, Auth::Bearer),
    (Program::Haproxy, Auth::Certificate),
    (Program::Haproxy, Auth::Bearer),
];

/// Every configuration that there is for the managers of a Swarm.
pub const SWARM_KINDS: [(Program, Auth); 2] = [
    (Program::Haproxy, Auth::Certificate),
    (Program::Haproxy, Auth::Bearer),
];

/// The secrets that are let in, of the form that `openssl rand -hex 32` prints.
pub const SECRETS: [&str; 2] = [
    "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "a0b1c2d3e4f5061728394a5b6c7d8e9fa0b1c2d3e4f5061728394a5b6c7d8e9f",
];

/// The files of a proxy, before it runs.
pub struct Files {
    folder: Folder,
    offers_http2: bool,
    /// Who has signed its certificate, and whose clients are let in.
    pub authority: Authority,
}

impl Default for Files {
    /// All that it wants, with both [`SECRETS`].
    fn default() -> Self {
        let folder = Folder::new("engine-proxy-");
        let authority = Authority::new("engine-proxy-authority");
        let server = authority.server(&["localhost"]);
        server.files(&folder, "server");
        // Where HAProxy looks for it.
        folder.file("server.pem.key", &server.key);
        folder.file("ca.pem", &authority.certificate());
        let files = Self {
            folder,
            offers_http2: false,
            authority,
        };
        let [one, other] = SECRETS;
        files.put_secrets(&format!("# while rotating\n{one} one;\n{other} other;\n"));
        files
    }
}

impl Files {
    /// Puts this into the file of secrets.
    pub fn put_secrets(&self, text: &str) {
        let path = self.folder.file("bearer", text);
        let mode = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(path, mode).expect("it is ours");
    }

    /// For a HAProxy with a configuration that has no list of calls and offers
    /// HTTP/2, as an Engine may do itself.
    pub fn offering_http2(mut self) -> Self {
        self.offers_http2 = true;
        self
    }

    /// A path in their folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a proxy with them in front of `engine`, a socket's path or
    /// host:port, and waits until it listens.
    pub fn start(self, program: Program, auth: Auth, engine: &str) -> EngineProxy {
        self.run(program, auth, &["--engine", engine])
    }

    /// Runs a proxy with them in front of a real Engine.
    pub fn start_on(self, program: Program, auth: Auth, engine: &RealEngine) -> EngineProxy {
        let socket = self.path("docker.sock");
        let relay = Relay::start(&socket, engine.socket());
        let mut proxy = self.start(program, auth, socket.to_str().expect("a path of ASCII"));
        proxy.relay = Some(relay);
        proxy
    }

    /// Runs a proxy with them in front of the managers of a Swarm at these
    /// addresses, and waits until it listens.
    pub fn start_before(
        self,
        program: Program,
        auth: Auth,
        managers: &Managers,
        addresses: &[SocketAddr],
    ) -> EngineProxy {
        managers.give_files(&self.folder);
        let mut options = vec!["--scheduler=swarm".to_owned()];
        options.extend(
            addresses
                .iter()
                .map(|address| format!("--manager={address}")),
        );
        let options: Vec<_> = options.iter().map(String::as_str).collect();
        self.run(program, auth, &options)
    }

    /// Runs a proxy with them and these options of `proxy-config`.
    fn run(self, program: Program, auth: Auth, options: &[&str]) -> EngineProxy {
        let (process, address) = self.spawn(program, auth, options);
        let mut proxy = EngineProxy {
            process,
            program,
            auth,
            address,
            relay: None,
            client: self.authority.client(),
            files: self,
        };
        wait_for("the proxy to listen", || {
            let ended = proxy.process.try_wait().expect("it is ours");
            assert!(ended.is_none(), "{ended:?}: {}", proxy.complaints());
            TcpStream::connect(address).ok()
        });
        proxy
    }

    /// As [`Files::start`], for one that does not come to listening; what it
    /// says.
    pub fn start_in_vain(self, program: Program, auth: Auth) -> String {
        let (mut process, _) = self.spawn(program, auth, &["--engine", "127.0.0.1:2375"]);
        let status = wait_for("the proxy to give up", || {
            process.try_wait().expect("it is ours")
        });
        assert!(!status.success());
        std::fs::read_to_string(self.path("output")).expect("a log")
    }

    fn spawn(&self, program: Program, auth: Auth, options: &[&str]) -> (Child, SocketAddr) {
        let address = super::free_address();
        let config = match self.offers_http2 {
            true => self.config_with_http2(options[1], address),
            false => self.config(program, auth, options, address),
        };
        let mut command = match program {
            Program::Nginx => {
                let pid = self.path("pid");
                let mut command = Command::new("/usr/sbin/nginx");
                command.arg("-c").arg(config).arg("-g");
                command.arg(format!("daemon off; pid {};", pid.display()));
                command
            }
            Program::Haproxy => {
                let mut command = Command::new("/usr/sbin/haproxy");
                command.arg("-db").arg("-f").arg(config);
                command
            }
        };
        let output = File::create(self.path("output")).expect("a file");
        let process = command
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a file"))
            .stderr(output)
            .spawn()
            .expect("`cargo xtask test` has installed nginx and HAProxy");
        (process, address)
    }

    fn config_with_http2(&self, engine: &str, address: SocketAddr) -> PathBuf {
        let folder = self.folder.path().display();
        let text = format!(
            "defaults\n    mode http\n    timeout connect 5s\n    timeout client 60s\n    timeout server 60s\nfrontend component\n    bind {address} ssl crt {folder}/server.pem alpn h2,http/1.1 ca-file {folder}/ca.pem verify required\n    default_backend engine\nbackend engine\n    server engine unix@{engine}\n"
        );
        self.folder.file("config", &text)
    }

    fn config(
        &self,
        program: Program,
        auth: Auth,
        options: &[&str],
        address: SocketAddr,
    ) -> PathBuf {
        let name = match program {
            Program::Nginx => "nginx",
            Program::Haproxy => "haproxy",
        };
        let mut command = Command::new(given("TEST_XTASK"));
        command
            .args(["proxy-config", name])
            .args(options)
            .arg("--auth");
        command.arg(match auth {
            Auth::Certificate => "certificate",
            Auth::Bearer => "bearer",
        });
        command.arg("--listen").arg(address.to_string());
        command.arg("--certs").arg(self.folder.path());
        if program == Program::Nginx {
            command.arg("--log").arg(self.path("access.log"));
        }
        let text = process::output(&mut command).expect("a configuration");
        self.folder.file("config", &text)
    }
}

/// A proxy that runs, and ends when it is dropped.
pub struct EngineProxy {
    process: Child,
    program: Program,
    auth: Auth,
    address: SocketAddr,
    /// To the Engine behind it, if that is a real one.
    relay: Option<Relay>,
    client: Identity,
    files: Files,
}

impl EngineProxy {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The `docker_url` that reaches it.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// A client that it lets in.
    pub fn client(&self) -> Client {
        let client = self.stranger();
        match self.auth {
            Auth::Certificate => client.with_certificate(&self.client),
            Auth::Bearer => client.with_header(&format!("authorization: Bearer {}", SECRETS[0])),
        }
    }

    /// A client that has nothing to show.
    pub fn stranger(&self) -> Client {
        Client::new(self.address, &self.authority().certificate())
    }

    /// Who has signed its certificate, and whose clients are let in.
    pub fn authority(&self) -> &Authority {
        &self.files.authority
    }

    /// A server that reaches it: with a certificate, by a runtime configuration;
    /// with a secret, as on a hosted platform, which has no such configuration
    /// and trusts public authorities alone.
    pub fn server(&self, more: &[(&str, &str)]) -> Server {
        self.server_configured(more, "")
    }

    /// The same, with more in its runtime configuration if it has one.
    pub fn server_configured(&self, more: &[(&str, &str)], config: &str) -> Server {
        let authorization = format!("Bearer {}", SECRETS[1]);
        let url = self.url();
        let mut variables = vec![("docker_url", url.as_str())];
        variables.extend(more);
        let authority = self.authority().file(&self.files.folder);
        match self.auth {
            Auth::Certificate => {
                Server::over_tls(&variables, &self.runtime_config(&authority, config))
            }
            Auth::Bearer => {
                variables.push(("docker_authorization", &authorization));
                Server::hosted(&variables, &authority)
            }
        }
    }

    fn runtime_config(&self, authority: &Path, more: &str) -> PathBuf {
        let folder = &self.files.folder;
        let (certificate, key) = self.client.files(folder, "client");
        let text = format!(
            "[[client_tls]]\ncomponent_ids = [\"webhooks\"]\nhosts = [\"localhost\"]\nca_roots_file = {authority:?}\nclient_cert_file = {certificate:?}\nclient_private_key_file = {key:?}\n{more}"
        );
        folder.file("runtime-config.toml", &text)
    }

    /// Its access log, and with HAProxy what it says besides.
    pub fn log(&self) -> String {
        let name = match self.program {
            Program::Nginx => "access.log",
            Program::Haproxy => "output",
        };
        std::fs::read_to_string(self.files.path(name)).unwrap_or_default()
    }

    /// Waits until a line of its log has all of these words, and returns it.
    #[track_caller]
    pub fn logged(&self, words: &[&str]) -> String {
        wait_for(&format!("{words:?} in the log"), || {
            let log = self.log();
            let mut lines = log.lines();
            let line = lines.find(|line| words.iter().all(|word| line.contains(word)));
            line.map(str::to_owned)
        })
    }

    /// The users of the processes that serve.
    pub fn users(&self) -> Vec<u32> {
        let id = self.process.id();
        let pids = match self.program {
            // The master serves nobody.
            Program::Nginx => {
                let path = format!("/proc/{id}/task/{id}/children");
                std::fs::read_to_string(path).expect("it has workers")
            }
            Program::Haproxy => id.to_string(),
        };
        pids.split_whitespace()
            .map(|pid| user_of(pid).expect("a process has a user"))
            .collect()
    }

    fn complaints(&self) -> String {
        std::fs::read_to_string(self.files.path("output")).unwrap_or_default()
    }
}

impl Drop for EngineProxy {
    fn drop(&mut self) {
        // The master of nginx takes its workers along when it is asked, and
        // leaves them behind when it is killed.
        let pid = self.process.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.process.wait();
        if std::thread::panicking() {
            let kind = (self.program, self.auth);
            eprintln!("{kind:?}: {}{}", self.complaints(), self.log());
        }
    }
}

fn user_of(pid: &str) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_whitespace().next()?.parse().ok()
}
