//! A real Engine that asks for certificates: `dockerd --tlsverify`.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};

use dev::dockerd;
use dev::namespaces::{Namespaces, pid};
use dynamic_access_admin::certs;

use super::certificates::Identity;
use super::engine::RealEngine;
use super::folder::Folder;
use super::wait::wait_for;
use super::{given, namespaces};

/// An empty Engine beside the one that the tests were given, by the same program; dropping it
/// ends it.
pub struct TlsEngine {
    namespaces: Namespaces,
    /// An `nsenter`, which ends with the Engine.
    process: Child,
    port: u16,
    folder: Folder,
}

impl TlsEngine {
    /// An Engine that shows `identity`, and admits clients whose certificates the
    /// authority in the file `clients` has signed.
    pub fn start(identity: &Identity, clients: &Path) -> Self {
        let engine = RealEngine::given();
        let home = engine.home();
        // The program may have a root of its own, which has this folder.
        let folder = Folder::within(home, "tls-engine-");
        identity.files(&folder, "server");
        let clients = std::fs::read_to_string(clients).expect("a certificate");
        folder.file("ca.pem", &clients);
        let port = super::free_address().port();
        let options = dockerd::options(folder.path(), "{}", "tls-engine", None);
        let namespaces = namespaces();
        let given = pid(Path::new(&given("TEST_DOCKERD_PIDFILE"))).expect("a running Engine");
        let process = namespaces
            .command(&namespaces.command_line(&given)[0])
            .args(options.expect("a file for its configuration"))
            // It runs no containers, so it names the other Engine's containerd and
            // bridge without using them. With `--bridge=none` it would delete
            // Docker's default bridge, which another Engine may use.
            .arg(format!("--containerd={}/containerd.sock", home.display()))
            .arg(format!("--containerd-namespace=tls-{port}"))
            .arg(format!("--containerd-plugins-namespace=tls-{port}-plugins"))
            .arg(format!("--bridge={}", bridge_of(home)))
            .args(["--iptables=false", "--ip6tables=false", "--ip-masq=false"])
            .args(["--ip-forward=false", "--storage-driver=vfs"])
            .arg(format!("--host=tcp://127.0.0.1:{port}"))
            .args(certs::dockerd_options(folder.path()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nsenter is there");
        let engine = Self {
            namespaces,
            process,
            port,
            folder,
        };
        wait_for("the Engine to listen", || {
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        engine
    }

    /// Its URL, by a name or address of this machine.
    pub fn url(&self, host: &str) -> String {
        format!("https://{host}:{}", self.port)
    }

    pub fn plain_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for TlsEngine {
    fn drop(&mut self) {
        // It is asked to end; if it were killed, its mounts would stay. Without its file, it has
        // ended already, or has not mounted anything.
        let asked = self
            .namespaces
            .signal("TERM", &dockerd::pid_file(self.folder.path()));
        if asked.is_err() {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}

/// The bridge of a private Engine, which has the name of its folder.
fn bridge_of(home: &Path) -> String {
    let name = home.file_name().expect("a folder has a name");
    name.to_str().expect("a plain name").to_owned()
}
