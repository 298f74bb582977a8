//! Starts a private Engine: a `dockerd` and `containerd` that share nothing with another on this machine.
//!
//! Everything of one Engine lies in one folder, whose random name is also in the
//! command line of each of its processes, so that [`crate::teardown`] finds all
//! of it, even after the run that started it was killed.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use crate::apt;
use crate::bridge;
use crate::docker::Docker;
use crate::endpoint::Endpoint;
use crate::engine_dir::{EngineDir, HOME, Owner, PREFIX};
use crate::image_cache;
use crate::interrupt;
use crate::outbound;
use crate::process::{self, POLL_INTERVAL};
use crate::random;
use crate::teardown;
use crate::workspace;
use dynamic_access_admin::certs;
use dynamic_access_admin::progress::say;

/// A first start takes two seconds on a machine at rest; compilers may be running beside it.
const START_BOUND: Duration = Duration::from_secs(60);

/// Under this name a private Engine's certificate is made out.
const TLS_HOST: &str = "localhost";

/// Where a private Engine listens, beside its unix socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    /// Nowhere.
    Socket,
    /// On a port of loopback, to whoever reaches it.
    Plain(u16),
    /// On a port of loopback, to who has a certificate.
    Tls(u16),
}

/// How a private Engine is reached over mutual TLS.
pub struct Tls {
    /// The Engine.
    pub endpoint: Endpoint,
    /// Spin's runtime configuration for it, beside the certificates.
    pub runtime_config: PathBuf,
}

/// A private Engine; dropping it removes all of it.
pub struct Engine {
    record: EngineDir,
    listen: Listen,
    children: Vec<Child>,
    outlives_us: bool,
    keeps_images: bool,
}

impl Engine {
    /// Starts an Engine that ends with this value.
    pub fn start(listen: Listen) -> Result<Self> {
        let mut engine = Self::prepare(listen)?;
        engine.launch()?;
        Ok(engine)
    }

    /// As [`Engine::start`], with the images of the last run that was started so.
    pub fn start_with_kept_images(listen: Listen) -> Result<Self> {
        let mut engine = Self::prepare(listen)?;
        image_cache::take(&engine.record);
        engine.keeps_images = true;
        engine.launch()?;
        Ok(engine)
    }

    fn prepare(listen: Listen) -> Result<Self> {
        if !workspace::is_root() {
            bail!(
                "a private Docker Engine needs root: `sudo env PATH=\"$PATH\" cargo xtask …`, \
                 or name an Engine with DOCKER_HOST"
            );
        }
        ensure_programs()?;
        teardown::sweep();
        Ok(Self {
            record: make_home()?,
            listen,
            children: Vec::new(),
            outlives_us: false,
            keeps_images: false,
        })
    }

    /// Starts what there is to start; a failure drops the value and so removes what there is of it.
    fn launch(&mut self) -> Result<()> {
        let started = Instant::now();
        bridge::create(&self.record.bridge(), self.record.block)?;
        self.start_containerd()?;
        self.start_dockerd()?;
        say(&format!(
            "private Engine: {} at {}, after {:.1} s",
            self.docker().version()?,
            self.socket().display(),
            started.elapsed().as_secs_f32()
        ));
        Ok(())
    }

    /// Lets it stay until `engine stop`.
    pub fn stay(&mut self) -> Result<()> {
        self.record.owner = Owner::Checkout(workspace::root());
        self.record.write()?;
        self.outlives_us = true;
        Ok(())
    }

    /// The folder that holds everything of it.
    pub fn dir(&self) -> &Path {
        &self.record.dir
    }

    /// The unix socket on which it listens.
    pub fn socket(&self) -> PathBuf {
        self.record.socket()
    }

    /// How it is reached over mutual TLS, if it was started so.
    pub fn tls(&self) -> Option<Tls> {
        let Listen::Tls(port) = self.listen else {
            return None;
        };
        Some(Tls {
            endpoint: Endpoint::Tls(format!("{TLS_HOST}:{port}")),
            runtime_config: certs::runtime_config_file(&self.certs()),
        })
    }

    fn certs(&self) -> PathBuf {
        self.record.dir.join("certs")
    }

    /// The file that holds the process id of its `dockerd`.
    pub fn pid_file(&self) -> PathBuf {
        self.record.dir.join("dockerd.pid")
    }

    /// The address at which its containers reach this machine.
    pub fn bridge_address(&self) -> Ipv4Addr {
        self.record.block.bridge_address()
    }

    /// The Docker CLI's view of it.
    pub fn docker(&self) -> Docker {
        Docker::private(&self.socket())
    }

    /// Lets its containers reach further than this machine.
    pub fn open_outbound(&self) -> Result<()> {
        outbound::open(&self.record)?;
        say("private Engine: its containers may reach further than this machine");
        Ok(())
    }

    fn start_containerd(&mut self) -> Result<()> {
        let dir = &self.record.dir;
        // The plugin serves Kubernetes, and would write outside our folder.
        let config = "version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n";
        fs::write(dir.join("containerd.toml"), config)?;
        let mut command = Command::new(require("containerd")?);
        command
            .arg("--config")
            .arg(dir.join("containerd.toml"))
            .arg("--root")
            .arg(dir.join("containerd"))
            .arg("--state")
            .arg(dir.join("containerd-state"))
            .arg("--address")
            .arg(dir.join("containerd.sock"));
        let socket = dir.join("containerd.sock");
        self.spawn(&mut command, "containerd", || match socket.exists() {
            true => Ok(()),
            false => bail!("there is no {}", socket.display()),
        })
    }

    fn start_dockerd(&mut self) -> Result<()> {
        let record = &self.record;
        let dir = &record.dir;
        // The machine's own /etc/docker/daemon.json must not have a say.
        fs::write(dir.join("daemon.json"), runtimes())?;
        let mut command = Command::new(require("dockerd")?);
        command
            .arg("--config-file")
            .arg(dir.join("daemon.json"))
            .arg("--data-root")
            .arg(record.data())
            .arg("--exec-root")
            .arg(dir.join("exec"))
            .arg("--pidfile")
            .arg(self.pid_file())
            .arg("--containerd")
            .arg(dir.join("containerd.sock"))
            .arg(format!("--host=unix://{}", record.socket().display()))
            .arg(format!("--bridge={}", record.bridge()))
            .arg(format!("--cgroup-parent=/{}", record.name()))
            .arg("--exec-opt=native.cgroupdriver=cgroupfs")
            .arg(format!(
                "--default-address-pool=base={},size=24",
                record.block
            ))
            // Rules of ours could collide with those of an Engine that is running; containers
            // reach this machine over the bridge without any, and need no more.
            .args(["--iptables=false", "--ip6tables=false", "--ip-masq=false"])
            .arg("--ip-forward=false");
        match self.listen {
            Listen::Socket => {}
            Listen::Plain(port) => {
                command.arg(format!("--host=tcp://127.0.0.1:{port}"));
                // Said aloud, since the Engine otherwise delays its start to warn of it.
                command.arg("--tls=false");
            }
            Listen::Tls(port) => {
                certs::make_for(&self.certs(), TLS_HOST)?;
                command.arg(format!("--host=tcp://127.0.0.1:{port}"));
                command.args(certs::dockerd_options(&self.certs()));
            }
        }
        let docker = self.docker();
        self.spawn(&mut command, "dockerd", || docker.ping())
    }

    /// Starts a daemon that goes with this Engine, and waits until it is ready.
    pub fn spawn(
        &mut self,
        command: &mut Command,
        name: &str,
        ready: impl Fn() -> Result<()>,
    ) -> Result<()> {
        let log_path = self.record.dir.join(format!("{name}.log"));
        let log = File::create(&log_path)?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C must not reach it before its containers are gone.
            .process_group(0)
            .spawn()
            .with_context(|| format!("failed to run {name}"))?;
        let outcome = wait_until(&mut child, ready);
        self.children.push(child);
        match outcome {
            Err(error) if !interrupt::requested() => {
                let log = fs::read_to_string(&log_path).unwrap_or_default();
                Err(error.context(format!(
                    "{name} did not start; the end of its log:\n{}",
                    process::tail(&log)
                )))
            }
            other => other,
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if self.outlives_us {
            return;
        }
        say("private Engine: removing it");
        let removed = match self.keeps_images && image_cache::tidy(&self.docker()).is_ok() {
            true => teardown::remove_but_images(&self.record, &mut self.children),
            false => teardown::remove(&self.record, &mut self.children),
        };
        if let Err(error) = removed {
            say(&format!(
                "private Engine: {error:#}; what is left goes with `cargo xtask engine stop`"
            ));
        }
    }
}

/// A configuration with the runtimes that are there beside runc.
fn runtimes() -> String {
    match workspace::program("crun") {
        Some(crun) => format!(
            "{{\"runtimes\": {{\"crun\": {{\"path\": \"{}\"}}}}}}\n",
            crun.display()
        ),
        None => "{}\n".to_owned(),
    }
}

fn wait_until(child: &mut Child, ready: impl Fn() -> Result<()>) -> Result<()> {
    let deadline = Instant::now() + START_BOUND;
    loop {
        let Err(not_yet) = ready() else {
            return Ok(());
        };
        interrupt::check()?;
        if let Some(status) = child.try_wait()? {
            bail!("it ended: {status}");
        }
        if Instant::now() >= deadline {
            return Err(not_yet.context(format!("it is not ready after {START_BOUND:?}")));
        }
        thread::sleep(POLL_INTERVAL);
    }
}

fn make_home() -> Result<EngineDir> {
    let block = bridge::free_block()?;
    let dir = Path::new(HOME).join(format!("{PREFIX}{}", random::suffix()?));
    fs::DirBuilder::new()
        .mode(0o700)
        .create(&dir)
        .with_context(|| format!("failed to create {}", dir.display()))?;
    let record = EngineDir {
        dir,
        block,
        owner: Owner::us()?,
    };
    record.write()?;
    Ok(record)
}

fn ensure_programs() -> Result<()> {
    let needed = ["dockerd", "containerd", "runc", "ip", "iptables", "docker"];
    if needed.iter().all(|name| workspace::program(name).is_some()) {
        return Ok(());
    }
    apt::install(&apt::docker_packages(), "a private Docker Engine")
}

fn require(name: &str) -> Result<PathBuf> {
    workspace::program(name).ok_or_else(|| {
        anyhow!(
            "`{name}` is missing; as root: apt-get install {}",
            apt::docker_packages().join(" ")
        )
    })
}
