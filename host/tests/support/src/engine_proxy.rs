//! A real proxy in front of an Engine: Debian's nginx or HAProxy, with the
//! configuration that `cargo xtask proxy-config` prints.

use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use dev::process;

use super::certificates::{Authority, Identity};
use super::engine::RealEngine;
use super::folder::Folder;
use super::given;
use super::http::Answer;
use super::managers::Managers;
use super::program::Program;
use super::server::Server;
use super::tls_client::Client;
use super::wait::wait_for;

/// One of the configurations: the program, and how it knows its callers, both in the words of
/// `proxy-config`.
pub type Kind = (&'static str, &'static str);

/// Every configuration that there is for an Engine.
pub const KINDS: [Kind; 4] = [
    ("nginx", "certificate"),
    ("nginx", "bearer"),
    ("haproxy", "certificate"),
    ("haproxy", "bearer"),
];

/// Every configuration that there is for the managers of a Swarm.
pub const SWARM_KINDS: [Kind; 2] = [KINDS[2], KINDS[3]];

/// The secrets that are let in, of the form that `openssl rand -hex 32` prints.
pub const SECRETS: [&str; 2] = [
    "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "a0b1c2d3e4f5061728394a5b6c7d8e9fa0b1c2d3e4f5061728394a5b6c7d8e9f",
];

/// A proxy that lacks a file says so at once; one that runs would never end.
const GIVEN_UP_WITHIN: Duration = Duration::from_secs(30);

/// The files of a proxy, before it runs.
pub struct Files {
    folder: Folder,
    authority: Authority,
}

impl Default for Files {
    /// All that it wants, with both [`SECRETS`].
    fn default() -> Self {
        // On the file system of the tests' Engine.
        let folder = Folder::within(Path::new("/var/tmp"), "engine-proxy-");
        let authority = Authority::new("engine-proxy-authority");
        let server = authority.server(&["localhost"]);
        server.files(&folder, "server");
        folder.file("ca.pem", &authority.certificate());
        let files = Self { folder, authority };
        let [one, other] = SECRETS;
        files.put_secrets(&format!("# while rotating\n{one} one;\n{other} other;\n"));
        files
    }
}

impl Files {
    pub fn put_secrets(&self, text: &str) {
        let path = self.folder.file("bearer", text);
        std::fs::set_permissions(path, Permissions::from_mode(0o600)).expect("it is ours");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a proxy with them in front of `engine`, a socket's path or
    /// host:port, and waits until it listens.
    pub fn start(self, kind: Kind, engine: &str) -> EngineProxy {
        self.run(kind, &["--engine", engine])
    }

    pub fn start_on(self, kind: Kind, engine: &RealEngine) -> EngineProxy {
        let socket = self.link_socket(engine);
        self.start(kind, socket.to_str().expect("a path of ASCII"))
    }

    /// Runs a HAProxy with them in front of a real Engine that has no list of calls and offers
    /// HTTP/2, as an Engine may do itself.
    pub fn start_with_http2(self, engine: &RealEngine) -> EngineProxy {
        let (socket, address) = (self.link_socket(engine), super::free_address());
        let (folder, socket) = (self.folder.path().display(), socket.display());
        let sections = format!(
            "listen engine\n    bind {address} ssl crt {folder}/server.pem alpn h2,http/1.1 ca-file {folder}/ca.pem verify required\n    server engine unix@{socket}\n"
        );
        let running = Program::haproxy(self.folder, "http", &sections, &[address]);
        EngineProxy::of(running, KINDS[2], address, self.authority)
    }

    /// Makes the socket of a real Engine one that root and the group `docker` may open, like
    /// `/run/docker.sock`. Its own folder is one that only root may enter.
    fn link_socket(&self, engine: &RealEngine) -> PathBuf {
        let path = self.path("docker.sock");
        std::fs::hard_link(engine.socket(), &path).expect("a file system for both");
        let owned = process::output(Command::new("chown").arg("root:docker").arg(&path));
        owned.expect("docker.io has made its group");
        std::fs::set_permissions(&path, Permissions::from_mode(0o660)).expect("it is ours");
        path
    }

    /// Runs a proxy with them in front of the managers of a Swarm at these
    /// addresses, and waits until it listens.
    pub fn start_before(
        self,
        kind: Kind,
        managers: &Managers,
        addresses: &[SocketAddr],
    ) -> EngineProxy {
        managers.give_files(&self.folder);
        let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        let managers = addresses.iter().flat_map(|one| ["--manager", one]);
        let options: Vec<_> = ["--scheduler", "swarm"]
            .into_iter()
            .chain(managers)
            .collect();
        self.run(kind, &options)
    }

    /// Runs a proxy with them and these options of `proxy-config`.
    fn run(self, kind: Kind, options: &[&str]) -> EngineProxy {
        let address = super::free_address();
        let mut command = self.command(kind, options, address);
        let running = Program::start(&mut command, self.folder, &[address]);
        EngineProxy::of(running, kind, address, self.authority)
    }

    /// What a proxy says that does not come to listening.
    pub fn start_in_vain(self, kind: Kind) -> String {
        let options = ["--engine", "127.0.0.1:2375"];
        let mut command = self.command(kind, &options, super::free_address());
        let given_up = process::output_within(&mut command, GIVEN_UP_WITHIN);
        format!("{:#}", given_up.expect_err("it lacks a file"))
    }

    /// The program on the configuration that these options of `proxy-config` make.
    fn command(&self, (program, auth): Kind, options: &[&str], address: SocketAddr) -> Command {
        let mut print = Command::new(given("TEST_XTASK"));
        print
            .args(["proxy-config", program, "--auth", auth])
            .args(options)
            .args(["--listen", &address.to_string(), "--certs"])
            .arg(self.folder.path());
        let mut command = Command::new(format!("/usr/sbin/{program}"));
        if program == "nginx" {
            print.arg("--log").arg(self.path("access.log"));
            let pid = self.path("pid");
            let setting = format!("daemon off; pid {};", pid.display());
            command.args(["-g", &setting, "-c"]);
        } else {
            command.args(["-db", "-f"]);
        }
        let config = process::output(&mut print).expect("a configuration");
        command.arg(self.folder.file("config", &config));
        command
    }
}

/// A proxy that runs, and ends when it is dropped.
pub struct EngineProxy {
    running: Program,
    kind: Kind,
    pub address: SocketAddr,
    client: Identity,
    /// Who has signed its certificate, and whose clients are let in.
    pub authority: Authority,
}

impl EngineProxy {
    fn of(running: Program, kind: Kind, address: SocketAddr, authority: Authority) -> Self {
        Self {
            running,
            kind,
            address,
            client: authority.client(),
            authority,
        }
    }

    /// A client that it lets in.
    pub fn client(&self) -> Client {
        let client = self.stranger();
        match self.kind.1 {
            "certificate" => client.with_certificate(&self.client),
            _ => client.with_header(&format!("authorization: Bearer {}", SECRETS[0])),
        }
    }

    /// The answer to a client that it lets in, to a request with this first line.
    #[track_caller]
    pub fn ask(&self, line: &str, headers: &str, body: &[u8]) -> Answer {
        let answer = self.client().ask(line, headers, body);
        answer.unwrap_or_else(|| panic!("no answer: {line} {headers}"))
    }

    /// A client that has nothing to show.
    pub fn stranger(&self) -> Client {
        Client::new(self.address, &self.authority.certificate())
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
        let url = format!("https://localhost:{}", self.address.port());
        let mut variables = vec![("docker_url", url.as_str())];
        variables.extend(more);
        let folder = self.running.folder();
        let authority = self.authority.file(folder);
        if self.kind.1 == "certificate" {
            let client = Some(&self.client);
            let config = Identity::runtime_config(folder, Some(&authority), client, config);
            Server::adjusted(&variables, |options| options.runtime_config = Some(config))
        } else {
            variables.push(("docker_authorization", &authorization));
            Server::adjusted(&variables, |options| options.public_roots = Some(authority))
        }
    }

    /// Its access log, and with HAProxy what it says besides.
    pub fn log(&self) -> String {
        let is_nginx = self.kind.0 == "nginx";
        self.running
            .file(if is_nginx { "access.log" } else { "output" })
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
    pub fn users(&self) -> Vec<String> {
        // The master of nginx serves nobody.
        let of = match self.kind.0 {
            "nginx" => "--ppid",
            _ => "--pid",
        };
        let mut ps = Command::new("ps");
        ps.args([of, &self.running.id().to_string(), "-o", "user="]);
        let users = process::output(&mut ps).expect("it has processes");
        users.split_whitespace().map(str::to_owned).collect()
    }
}
