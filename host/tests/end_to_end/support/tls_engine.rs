//! A real Engine that asks for certificates: `dockerd --tlsverify`.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::certificates::Identity;
use super::engine::RealEngine;
use super::folder::Folder;
use super::wait::wait_for;

/// An empty Engine beside the one that the tests were given; dropping it ends it.
pub struct TlsEngine {
    process: Child,
    port: u16,
    _folder: Folder,
}

impl TlsEngine {
    /// An Engine that shows `identity`, and admits clients whose certificates the
    /// authority in the file `clients` has signed.
    pub fn start(identity: &Identity, clients: &Path) -> Self {
        let folder = Folder::new("tls-engine-");
        let (certificate, key) = identity.files(&folder, "engine");
        let port = super::free_address().port();
        let given = RealEngine::given();
        let home = given.socket().parent().expect("a socket lies in a folder");
        let dir = folder.path();
        let config = folder.file("daemon.json", "{}");
        let path = |name: &str| dir.join(name).display().to_string();
        let process = Command::new("dockerd")
            .arg(format!("--config-file={}", config.display()))
            .arg(format!("--data-root={}", path("data")))
            .arg(format!("--exec-root={}", path("exec")))
            .arg(format!("--pidfile={}", path("pid")))
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
            .arg("--tlsverify")
            .arg(format!("--tlscacert={}", clients.display()))
            .arg(format!("--tlscert={}", certificate.display()))
            .arg(format!("--tlskey={}", key.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("`cargo xtask test` has installed dockerd");
        let engine = Self {
            process,
            port,
            _folder: folder,
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

    /// The same URL, without TLS.
    pub fn plain_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for TlsEngine {
    fn drop(&mut self) {
        // It is asked to end; if it were killed, its mounts would stay.
        let pid = self.process.id().to_string();
        let _ = Command::new("kill").arg(pid).status();
        let _ = self.process.wait();
    }
}

/// The bridge of a private Engine, which has the name of its folder.
fn bridge_of(home: &Path) -> String {
    let name = home.file_name().expect("a folder has a name");
    name.to_str().expect("a plain name").to_owned()
}
