//! Starts a private Engine: a `dockerd` and a `containerd` that share nothing with any other on this machine.
//!
//! Its files are in one folder, and its processes in namespaces of their own, so the next run can remove all of it, even
//! if the run that started it was killed.

mod bridge;
pub mod choice;
mod dir;
mod namespaces;
mod outbound;
pub mod podman;
pub mod suite;
pub mod swarm;

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use dev::docker::Docker;
use dev::docker::endpoint::Endpoint;
use dev::dockerd;
use dev::namespaces::Namespaces;
use dev::network::free_address;
use dev::process;

use crate::engine::dir::EngineDir;
use crate::engine::namespaces::Unshared;
use crate::engine::suite::{EngineArguments, ImageStore};
use crate::machine::{setup, workspace};
use dynamic_access_admin::certs;
use dynamic_access_admin::progress::say;

/// A daemon has its name only once its starter has executed it, which takes a moment on a busy
/// machine. Before that, its absence says nothing.
const EXEC_BOUND: Duration = Duration::from_secs(2);

/// A first start takes two seconds on an idle machine; compilers may be running at the same time.
const START_BOUND: Duration = Duration::from_secs(60);

/// The name in a private Engine's certificate.
const TLS_HOST: &str = "localhost";

/// No run lasts longer than its certificates.
const TLS_DAYS: u16 = 30;

/// Where a private Engine listens in addition to its unix socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    Socket,
    /// On a port of loopback, without authentication.
    Plain,
    /// On a port of loopback, for clients with a certificate.
    Tls,
}

/// A private Engine; dropping it removes all of it: first its processes, then its files.
pub struct Engine {
    unshared: Unshared,
    dir: EngineDir,
    listen: Listen,
    port: u16,
    /// Where its programs are, unless in this machine's own root.
    root: Option<PathBuf>,
    image_store: ImageStore,
}

impl Engine {
    /// Installs whatever is missing, starts an Engine, and waits until it answers. The caller must
    /// hold [`setup::alone`].
    pub fn start(listen: Listen, which: EngineArguments) -> Result<Self> {
        ensure!(
            workspace::is_root(),
            "a private Docker Engine needs root: `sudo env PATH=\"$PATH\" cargo xtask …`, \
             or name an Engine with DOCKER_HOST"
        );
        let needed = ["dockerd", "containerd", "runc", "ip", "iptables", "docker"];
        if needed.iter().any(|name| process::program(name).is_none()) {
            setup::run("docker", ["a private Docker Engine"])?;
        }
        let root = which.root()?;
        EngineDir::sweep();
        let started = Instant::now();
        let dir = EngineDir::create()?;
        let engine = Self {
            unshared: Unshared::create(&dir, root.as_deref())?,
            dir,
            listen,
            port: free_address((Ipv4Addr::LOCALHOST, 0).into())?.port(),
            root,
            image_store: which.image_store,
        };
        bridge::create(&engine.dir.name(), engine.dir.block)?;
        engine.start_containerd()?;
        engine.start_dockerd()?;
        say(&format!(
            "private Engine: {} at {}, after {:.1} s",
            engine.docker().version()?,
            engine.socket().display(),
            started.elapsed().as_secs_f32()
        ));
        Ok(engine)
    }

    pub fn dir(&self) -> &Path {
        &self.dir.dir
    }

    pub fn namespaces(&self) -> Namespaces {
        self.unshared.namespaces
    }

    pub fn socket(&self) -> PathBuf {
        dockerd::socket(self.dir())
    }

    pub fn plain(&self) -> Endpoint {
        Endpoint::Tcp(format!("127.0.0.1:{}", self.port))
    }

    /// Where it is reached over mutual TLS, if it was started so, and Spin's runtime configuration for that.
    pub fn tls(&self) -> Option<(Endpoint, PathBuf)> {
        let endpoint = Endpoint::Tls(format!("{TLS_HOST}:{}", self.port));
        let config = certs::runtime_config_file(&self.certs());
        (self.listen == Listen::Tls).then_some((endpoint, config))
    }

    fn certs(&self) -> PathBuf {
        self.dir().join("certs")
    }

    pub fn docker(&self) -> Docker {
        Docker::private(&self.socket())
    }

    /// Lets its containers reach beyond this machine.
    pub fn open_outbound(&self) -> Result<()> {
        outbound::open(self.dir(), self.dir.block)?;
        say("private Engine: its containers can reach beyond this machine");
        Ok(())
    }

    fn start_containerd(&self) -> Result<()> {
        // This plugin is for Kubernetes and would write outside our folder.
        let config = "version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n";
        fs::write(self.dir().join("containerd.toml"), config)?;
        let mut command = self.namespaces().daemon("containerd");
        command.args([
            self.option("config", "containerd.toml"),
            self.option("root", "containerd"),
            self.option("state", "containerd-state"),
            self.option("address", "containerd.sock"),
        ]);
        let socket = self.dir().join("containerd.sock");
        self.spawn(&mut command, "containerd", || {
            ensure!(socket.exists(), "there is no {}", socket.display());
            Ok(())
        })
    }

    fn start_dockerd(&self) -> Result<()> {
        let address = (Ipv4Addr::LOCALHOST, self.port).into();
        let without_tls = (self.listen == Listen::Plain).then_some(address);
        let name = self.dir.name();
        let options = dockerd::options(self.dir(), &self.daemon_json(), &name, without_tls)?;
        let mut command = self.namespaces().daemon("dockerd");
        command
            .args(options)
            .arg(self.option("containerd", "containerd.sock"))
            .arg(format!("--bridge={name}"))
            .arg(format!(
                "--default-address-pool=base={},size=24",
                self.dir.block
            ))
            // Firewall rules could collide with those of a running Engine. Containers reach
            // this machine over the bridge without any, which is enough.
            .args(["--iptables=false", "--ip6tables=false", "--ip-masq=false"])
            .arg("--ip-forward=false");
        if self.listen == Listen::Tls {
            certs::make(&self.certs(), &[TLS_HOST.to_owned()], TLS_DAYS)?;
            command.arg(format!("--host=tcp://{address}"));
            command.args(certs::dockerd_options(&self.certs()));
        }
        self.spawn(&mut command, "dockerd", || self.docker().ping())
    }

    /// An option of a daemon, with a path in the Engine's folder.
    pub fn option(&self, name: &str, path: &str) -> String {
        format!("--{name}={}", self.dir().join(path).display())
    }

    /// Starts a daemon, given as a [`Namespaces::daemon`], and waits until it is ready. Its output goes to a file in the
    /// folder.
    pub fn spawn(
        &self,
        command: &mut Command,
        name: &str,
        ready: impl Fn() -> Result<()>,
    ) -> Result<()> {
        let log = self.dir().join(format!("{name}.log"));
        let begun = Instant::now();
        let is_over = || begun.elapsed() > EXEC_BOUND && !self.unshared.has_daemon(name);
        let look = || match ready() {
            Err(_) if is_over() => Ok(Err(anyhow!("it has ended"))),
            other => other.map(Ok),
        };
        process::start_daemon(command, &log)
            .and_then(|()| process::wait_for(START_BOUND, name, look)?)
            .with_context(|| {
                let log = process::end_of_log(&log);
                format!("{name} did not start; the end of its log:\n{log}")
            })
    }

    /// The configuration of `dockerd`: a second runtime, which may not be installed, and where images are kept.
    fn daemon_json(&self) -> String {
        let mut config = serde_json::json!({"runtimes": {"crun": {"path": "crun"}}});
        if self.image_store == ImageStore::Containerd {
            config["features"] = serde_json::json!({"containerd-snapshotter": true});
        }
        config.to_string()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        say("private Engine: removing it");
        self.dir.is_left = !self.unshared.end();
    }
}
