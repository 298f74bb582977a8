//! A Swarm of several Docker Engines on one machine, each in a network namespace of its own.
//!
//! They run in the namespaces of a private Engine, so they end with it, and their files are in its
//! folder. Each is a manager. One more may run this machine's own Docker, of another version.
//! [`place`] knows where everything is.

pub mod control_groups;
mod join;
pub mod place;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::docker::Docker;
use crate::namespaces::Namespaces;
use crate::network::ip;
use crate::swarm::place::Place;
use crate::{dockerd, interrupt, process, processes};

/// The most nodes on one machine: a Swarm has at most seven managers.
pub const COUNT_MAX: u8 = 7;

/// Where a node's Engine listens, if it listens on its address.
const PORT: u16 = 2375;

/// Several daemons start at once, on two cores.
const START_BOUND: Duration = Duration::from_secs(90);

/// A daemon without a Swarm's majority takes longer to end.
const STOP_BOUND: Duration = Duration::from_secs(30);

/// Managers that join wait for each other.
const JOIN_BOUND: Duration = Duration::from_secs(120);

/// The kernel ends a killed process in milliseconds, unless the machine is busy.
const KILLED_BOUND: Duration = Duration::from_secs(10);

/// Gives the Engine after it a host name of its own, which distinguishes the nodes.
const NAMED: &str = "echo \"$0\" >/proc/sys/kernel/hostname && exec \"$@\"";

/// The nodes to make.
pub struct Plan {
    /// Their place.
    pub place: Place,
    /// The Engine's namespaces.
    pub namespaces: Namespaces,
    /// How many nodes run the Engine of those namespaces.
    pub count: u8,
    /// Whether there is one more, with this machine's own Docker, which is not in the Swarm before
    /// [`Nodes::join_own`].
    pub has_own: bool,
    /// Whether each Engine listens on its address too. Whoever reaches it is root, targets included.
    pub is_on_tcp: bool,
}

/// The nodes; dropping them removes them.
pub struct Nodes(Plan);

impl Nodes {
    /// Makes the nodes and joins them.
    ///
    /// # Errors
    ///
    /// If it fails, or is interrupted. Removes then what it has made.
    pub fn start(plan: Plan) -> Result<Self> {
        let nodes = Self(plan);
        // The files of earlier nodes, whose processes have ended.
        let _ = fs::remove_dir_all(nodes.0.place.dir());
        // First, because without it there is nothing to remove.
        fs::create_dir_all(nodes.0.place.dir()).context("failed to make the nodes' folder")?;
        nodes.make_bridge()?;
        for node in nodes.numbers() {
            interrupt::check()?;
            nodes.connect(node)?;
            nodes.launch(node)?;
        }
        for node in nodes.numbers() {
            nodes.wait_until_up(node)?;
        }
        nodes.join()?;
        Ok(nodes)
    }

    /// Their numbers.
    pub fn numbers(&self) -> RangeInclusive<u8> {
        1..=self.0.count + u8::from(self.0.has_own)
    }

    /// Whether a node runs this machine's own Docker.
    fn is_own(&self, node: u8) -> bool {
        node > self.0.count
    }

    /// The address of a node's Engine.
    pub fn address(&self, node: u8) -> SocketAddr {
        (self.0.place.ip(node), PORT).into()
    }

    /// This machine's own address on the nodes' network, where a registry may do without TLS.
    pub fn gateway(&self) -> Ipv4Addr {
        self.0.place.gateway()
    }

    /// The Docker CLI's view of a node's Engine.
    pub fn docker(&self, node: u8) -> Docker {
        Docker::private(&dockerd::socket(&self.0.place.dir_of(node)))
    }

    /// The end of a node's log.
    pub fn log(&self, node: u8) -> String {
        process::end_of_log(&self.log_file(node))
    }

    /// Gives every node an image that another Engine has, and returns its id.
    pub fn load_image(&self, from: &Docker, name: &str) -> Result<String> {
        let id = from.image_id(name)?;
        let file = self.0.place.dir().join("image.tar");
        from.save_image(name, &file)?;
        for node in self.numbers() {
            let loaded = self.docker(node).load_image(&file);
            loaded.with_context(|| format!("node {node} did not load the image {name}"))?;
        }
        fs::remove_file(file)?;
        Ok(id)
    }

    /// Makes a network of that name: on each node a bridge of its own, on which targets cannot reach each other.
    pub fn make_network(&self, name: &str) -> Result<()> {
        for node in self.numbers() {
            self.configure_network(node, name)?;
        }
        let from = configuration_of(name);
        let make = ["network", "create", "--scope", "swarm", "--config-from"];
        self.docker(1).ask(&[&make[..], &[&from, name]].concat())?;
        Ok(())
    }

    /// Makes the configuration of a node's part of that network.
    pub fn configure_network(&self, node: u8, name: &str) -> Result<()> {
        let subnet = format!("172.29.{node}.0/24");
        let apart = "com.docker.network.bridge.enable_icc=false";
        let name = configuration_of(name);
        let make = ["network", "create", "--config-only", "--opt", apart];
        let make = [&make[..], &["--subnet", &subnet, &name]].concat();
        self.docker(node).ask(&make).map(drop)
    }

    /// Makes the Engine of a node that was killed forget all its networks.
    pub fn forget_networks(&self, node: u8) -> Result<()> {
        let dir = self.0.place.dir_of(node);
        fs::remove_file(dir.join("data/network/files/local-kv.db")).context("its networks")
    }

    /// Loads a file of firewall rules on a node.
    pub fn nft(&self, node: u8, file: &Path) -> Result<()> {
        let space = self.0.place.space_of(node);
        let file = file.display().to_string();
        ip(&["netns", "exec", &space, "nft", "--file", &file]).map(drop)
    }

    /// Takes a node off the network; its containers go on.
    pub fn cut(&self, node: u8) -> Result<()> {
        ip(&["link", "set", &self.0.place.port_of(node), "down"]).map(drop)
    }

    /// Puts a node on the network again.
    pub fn heal(&self, node: u8) -> Result<()> {
        ip(&["link", "set", &self.0.place.port_of(node), "up"]).map(drop)
    }

    /// Kills a node's Engine, and returns when it has ended.
    pub fn kill(&self, node: u8) -> Result<()> {
        self.0.namespaces.signal("KILL", &self.pid_file(node))?;
        process::wait_for(STOP_BOUND, "the end of a killed Engine", || {
            ensure!(self.docker(node).ping().is_err(), "it answers");
            Ok(())
        })
    }

    /// Starts the Engine of a node that was killed.
    pub fn restart(&self, node: u8) -> Result<()> {
        // Its number may be that of another process by now.
        let _ = fs::remove_file(self.pid_file(node));
        self.launch(node)?;
        self.wait_until_up(node)
    }

    fn log_file(&self, node: u8) -> PathBuf {
        self.0.place.dir_of(node).join("log")
    }

    fn pid_file(&self, node: u8) -> PathBuf {
        dockerd::pid_file(&self.0.place.dir_of(node))
    }

    fn make_bridge(&self) -> Result<()> {
        let place = &self.0.place;
        let (name, address) = (place.bridge(), format!("{}/24", self.gateway()));
        ip(&["link", "add", name, "type", "bridge"])?;
        ip(&["address", "add", &address, "dev", name])?;
        ip(&["link", "set", name, "up"])?;
        place.firewall("-I");
        Ok(())
    }

    fn connect(&self, node: u8) -> Result<()> {
        let place = &self.0.place;
        let (space, port) = (place.space_of(node), place.port_of(node));
        let address = format!("{}/24", place.ip(node));
        let gateway = self.gateway().to_string();
        ip(&["netns", "add", &space])?;
        ip(&[
            "link", "add", &port, "type", "veth", "peer", "name", "eth0", "netns", &space,
        ])?;
        ip(&["link", "set", &port, "master", place.bridge(), "up"])?;
        ip(&["-n", &space, "address", "add", &address, "dev", "eth0"])?;
        ip(&["-n", &space, "link", "set", "eth0", "up"])?;
        ip(&["-n", &space, "link", "set", "lo", "up"])?;
        ip(&["-n", &space, "route", "add", "default", "via", &gateway]).map(drop)
    }

    /// A command in the network of a node, with the namespaces of its Engine.
    fn inside(&self, node: u8, program: &str) -> Command {
        let network = format!("--net=/run/netns/{}", self.0.place.space_of(node));
        let all = ["--pid", &network, "--mount"];
        let namespaces = match self.is_own(node) {
            // With this machine's own files.
            true => &all[..2],
            false => &all,
        };
        self.0.namespaces.enter(namespaces, program)
    }

    fn launch(&self, node: u8) -> Result<()> {
        let dir = self.0.place.dir_of(node);
        fs::create_dir_all(&dir)?;
        let configuration = format!(r#"{{"insecure-registries":["{}/32"]}}"#, self.gateway());
        let control_group = self.0.place.space_of(node);
        let address = self.0.is_on_tcp.then(|| self.address(node));
        let options = dockerd::options(&dir, &configuration, &control_group, address)?;
        let mut command = self.inside(node, "setsid");
        command.args(["--fork", "unshare", "--uts"]);
        if self.is_own(node) {
            // Its mounts end with it, and `/proc` shows its pid namespace.
            command.arg("--mount-proc");
        }
        command
            .args(["sh", "-c", NAMED])
            .arg(format!("node-{node}"))
            .arg("dockerd")
            .args(options);
        let started = process::start_daemon(&mut command, &self.log_file(node));
        started.with_context(|| format!("node {node}; the end of its log:\n{}", self.log(node)))
    }

    fn wait_until_up(&self, node: u8) -> Result<()> {
        let what = format!("the Engine of node {node}");
        let waited = process::wait_for(START_BOUND, &what, || self.docker(node).ping());
        waited.with_context(|| format!("the end of its log:\n{}", self.log(node)))
    }

    /// Kills the Engines and what they run. Returns when none of it is left.
    fn end_processes(&self) {
        let Plan {
            place, namespaces, ..
        } = &self.0;
        let space = |process: &Path| fs::read_link(process.join("ns/pid")).ok();
        let ours = space(Path::new(&format!("/proc/{}", namespaces.0)));
        let dir = place.dir().display().to_string();
        let groups = self
            .numbers()
            .map(|node| format!("/{}", place.space_of(node)));
        let groups = Vec::from_iter(groups);
        process::wait_until(KILLED_BOUND, || {
            let mut left = Vec::from_iter(processes::running().filter_map(|process| {
                let is_engine = process.line.contains(&dir) && space(&process.dir) == ours;
                let held = fs::read_to_string(process.dir.join("cgroup")).unwrap_or_default();
                let is_ours = (is_engine && ours.is_some())
                    || groups.iter().any(|group| held.contains(group));
                is_ours.then_some((!is_engine, process.pid))
            }));
            // An Engine first, because it restarts what ends below it.
            left.sort_unstable();
            left.iter().for_each(|(_, pid)| processes::kill(*pid));
            left.is_empty()
        });
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        self.end_processes();
        self.0.place.remove();
    }
}

fn configuration_of(network: &str) -> String {
    format!("{network}-configuration")
}
