//! Three Docker Engines that form a Swarm, each in a network namespace of its own.
//!
//! They run in the namespaces of the Engine that the tests were given, so they end with it. Their
//! addresses are the last network of that Engine's block, which nothing else uses, so that its
//! removal finds their bridge even if this process was killed.

use std::fs::{self, File};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::engine::{Kind, RealEngine};
use crate::support::given;
use crate::support::http::{Answer, exchange, request, try_read_answer};
use crate::support::namespaces::{Namespaces, pid};
use crate::support::wait::wait_within;

/// How many managers there are.
pub const COUNT: u8 = 3;

/// The network of targets: on each node a bridge of its own, on which they cannot reach each other.
pub const NETWORK: &str = "targets";

/// What each node makes its part of the network from.
const CONFIGURATION: &str = "targets-configuration";

/// Where a node's Engine listens.
const PORT: u16 = 2375;

/// Three daemons start at once on two cores.
const START_BOUND: Duration = Duration::from_secs(90);

/// A daemon without a Swarm's majority takes longer to end.
const STOP_BOUND: Duration = Duration::from_secs(30);

/// An Engine that takes longer to answer counts as hanging.
const HANGS_AFTER: Duration = Duration::from_secs(5);

/// Three managers; dropping it removes them.
pub struct Swarm {
    /// The network of their addresses.
    base: Ipv4Addr,
    /// The folder of all of their files.
    dir: PathBuf,
    /// Begins the names of what is made in the kernel.
    name: String,
    /// Those of the given Engine.
    namespaces: Namespaces,
    /// The id of the targets' image, the same on each node.
    pub image: String,
}

impl Swarm {
    /// Starts them, and gives each the targets' image and network.
    ///
    /// # Panics
    ///
    /// If the given Engine is not one that this can be tried with.
    pub fn start() -> Self {
        let given_engine = RealEngine::given();
        let (kind, version) = (given_engine.kind(), given_engine.version());
        assert!(
            kind == Kind::Docker && version >= (26, 0),
            "a Swarm needs the Engine of a later suite than this one ({version:?}): \
             cargo xtask test --engine trixie -- --test swarm"
        );
        let engine_dir = given_engine.socket().parent().expect("a folder").to_owned();
        let engine_name = engine_dir.file_name().expect("a name").to_string_lossy();
        let bridge = given_engine.call("GET", "/networks/bridge", None).json();
        let gateway = &bridge["IPAM"]["Config"][0]["Gateway"];
        let gateway: Ipv4Addr = gateway.as_str().expect("text").parse().expect("an address");
        let swarm = Self {
            base: Ipv4Addr::from_bits(gateway.to_bits() - 1 + (15 << 8)),
            dir: engine_dir.join("swarm"),
            // The kernel allows names of 15 characters.
            name: format!("sw{}", engine_name.trim_start_matches("dax-")),
            namespaces: Namespaces::given(),
            image: given_image(&given_engine),
        };
        swarm.make_bridge();
        for node in nodes() {
            swarm.connect(node);
            swarm.launch(node);
        }
        nodes().for_each(|node| swarm.wait_until_up(node));
        swarm.join();
        swarm.load_image(&given_engine);
        swarm.make_network();
        swarm
    }

    /// The address of a node's Engine.
    pub fn address(&self, node: u8) -> SocketAddr {
        (self.ip(node), PORT).into()
    }

    /// One call of a node's API.
    pub fn call(&self, node: u8, method: &str, path: &str, body: Option<Value>) -> Answer {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let length = body.len().to_string();
        let headers = [
            ("content-type", "application/json"),
            ("content-length", length.as_str()),
        ];
        exchange(
            self.address(node),
            &request(method, path, &headers, body.as_bytes()),
        )
    }

    /// One call without a body; `None` if the node does not answer.
    pub fn try_call(&self, node: u8, method: &str, path: &str) -> Option<Answer> {
        let address = self.address(node);
        let mut stream = TcpStream::connect_timeout(&address, HANGS_AFTER).ok()?;
        stream.set_read_timeout(Some(HANGS_AFTER)).ok()?;
        let request = request(method, path, &[("content-length", "0")], b"");
        stream.write_all(&request).ok()?;
        try_read_answer(stream)
    }

    /// The node with an id of Swarm's.
    pub fn node_of(&self, id: &str) -> u8 {
        let found = nodes().find(|node| {
            let info = self.try_call(*node, "GET", "/info");
            info.is_some_and(|info| info.json()["Swarm"]["NodeID"] == id)
        });
        found.expect("a node that answers has this id")
    }

    /// Takes a node off the network; its containers go on.
    pub fn cut(&self, node: u8) {
        ip(&["link", "set", &self.port_of(node), "down"]);
    }

    /// Puts a node on the network again.
    pub fn heal(&self, node: u8) {
        ip(&["link", "set", &self.port_of(node), "up"]);
    }

    /// Kills a node's Engine.
    pub fn kill(&self, node: u8) {
        let pid = pid(&self.dir_of(node).join("pid"));
        self.namespaces.signal("KILL", &pid);
        wait_within(STOP_BOUND, "the end of a killed Engine", || {
            TcpStream::connect_timeout(&self.address(node), HANGS_AFTER)
                .is_err()
                .then_some(())
        });
    }

    /// Starts the Engine of a node that was killed.
    pub fn restart(&self, node: u8) {
        // Its number may be that of another process by now.
        let _ = fs::remove_file(self.dir_of(node).join("pid"));
        self.launch(node);
        self.wait_until_up(node);
    }

    fn ip(&self, node: u8) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.base.to_bits() + u32::from(node))
    }

    fn own_ip(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.base.to_bits() + 254)
    }

    fn dir_of(&self, node: u8) -> PathBuf {
        self.dir.join(node.to_string())
    }

    /// A node's network namespace.
    fn space_of(&self, node: u8) -> String {
        format!("{}n{node}", self.name)
    }

    /// A node's port of the bridge.
    fn port_of(&self, node: u8) -> String {
        format!("{}p{node}", self.name)
    }

    fn make_bridge(&self) {
        let name = &self.name;
        ip(&["link", "add", name, "type", "bridge"]);
        ip(&[
            "address",
            "add",
            &format!("{}/24", self.own_ip()),
            "dev",
            name,
        ]);
        ip(&["link", "set", name, "up"]);
        // An Engine elsewhere on this machine may have set the kernel to drop what a bridge forwards.
        firewall("-I", name);
    }

    fn connect(&self, node: u8) {
        let (space, port) = (self.space_of(node), self.port_of(node));
        let address = format!("{}/24", self.ip(node));
        let gateway = self.own_ip().to_string();
        ip(&["netns", "add", &space]);
        ip(&[
            "link", "add", &port, "type", "veth", "peer", "name", "eth0", "netns", &space,
        ]);
        ip(&["link", "set", &port, "master", &self.name, "up"]);
        ip(&["-n", &space, "address", "add", &address, "dev", "eth0"]);
        ip(&["-n", &space, "link", "set", "eth0", "up"]);
        ip(&["-n", &space, "link", "set", "lo", "up"]);
        ip(&["-n", &space, "route", "add", "default", "via", &gateway]);
    }

    /// A command in the given Engine's namespaces, and in the network of a node.
    fn inside(&self, node: u8, program: &str) -> Command {
        let inner = self.namespaces.command(program);
        let mut command = Command::new("nsenter");
        // First, since the Engine's mounts do not have this file.
        command.arg(format!("--net=/run/netns/{}", self.space_of(node)));
        command.arg("--").arg(inner.get_program());
        command.args(inner.get_args());
        command
    }

    fn launch(&self, node: u8) {
        let dir = self.dir_of(node);
        fs::create_dir_all(&dir).expect("a folder");
        // So that the machine's own /etc/docker/daemon.json is not read.
        fs::write(dir.join("daemon.json"), "{}").expect("a file");
        let log = File::options()
            .create(true)
            .append(true)
            .open(dir.join("log"))
            .expect("a log");
        let mut command = self.inside(node, "setsid");
        command
            .args(["--fork", "dockerd", "--config-file"])
            .arg(dir.join("daemon.json"))
            .arg("--data-root")
            .arg(dir.join("data"))
            .arg("--exec-root")
            .arg(dir.join("exec"))
            .arg("--pidfile")
            .arg(dir.join("pid"))
            .arg(format!("--host=unix://{}", dir.join("sock").display()))
            .arg(format!("--host=tcp://{}", self.address(node)))
            .arg("--tls=false")
            .arg(format!("--cgroup-parent=/{}", self.space_of(node)))
            .arg("--exec-opt=native.cgroupdriver=cgroupfs")
            .stdout(log.try_clone().expect("a log"))
            .stderr(log);
        run(&mut command);
    }

    fn wait_until_up(&self, node: u8) {
        let log = self.dir_of(node).join("log");
        let what = format!("Engine {node} of the Swarm, whose log is {}", log.display());
        wait_within(START_BOUND, &what, || {
            let answer = self.try_call(node, "GET", "/_ping")?;
            (answer.status == 200).then_some(())
        });
    }

    fn join(&self) {
        let body = |node| {
            let ip = self.ip(node).to_string();
            json!({"ListenAddr": format!("{ip}:2377"), "AdvertiseAddr": ip, "DataPathAddr": ip})
        };
        let mut first = body(1);
        // Away from the addresses of the machine and of the nodes.
        first["DefaultAddrPool"] = json!(["172.30.0.0/16"]);
        first["SubnetSize"] = json!(24);
        self.must(1, "/swarm/init", first);
        let swarm = self.call(1, "GET", "/swarm", None).json();
        for node in 2..=COUNT {
            let mut body = body(node);
            body["RemoteAddrs"] = json!([format!("{}:2377", self.ip(1))]);
            body["JoinToken"] = swarm["JoinTokens"]["Manager"].clone();
            self.must(node, "/swarm/join", body);
        }
        wait_within(START_BOUND, "three reachable managers", || {
            let nodes = self.call(1, "GET", "/nodes", None).json();
            let is_well = |node: &Value| {
                node["Status"]["State"] == "ready"
                    && node["ManagerStatus"]["Reachability"] == "reachable"
            };
            let count = nodes
                .as_array()?
                .iter()
                .filter(|node| is_well(node))
                .count();
            (count == usize::from(COUNT)).then_some(())
        });
    }

    fn load_image(&self, from: &RealEngine) {
        let path = format!("/images/{}/get", given("TEST_AGENT_IMAGE"));
        let image = from.call_with_bytes("GET", &path, b"");
        assert_eq!(image.status, 200, "the given Engine gives its image");
        for node in nodes() {
            let headers = [("content-type", "application/x-tar")];
            let request = request("POST", "/images/load", &headers, &image.body);
            let loaded = exchange(self.address(node), &request);
            assert_eq!(loaded.status, 200, "{loaded:?}");
            let path = format!("/images/{}/json", self.image);
            let there = self.call(node, "GET", &path, None);
            assert_eq!(there.status, 200, "{there:?}");
        }
    }

    fn make_network(&self) {
        for node in nodes() {
            let body = json!({
                "Name": CONFIGURATION,
                "ConfigOnly": true,
                "Driver": "bridge",
                "Options": {"com.docker.network.bridge.enable_icc": "false"},
                "IPAM": {"Config": [{"Subnet": format!("172.29.{node}.0/24")}]},
            });
            self.must(node, "/networks/create", body);
        }
        let body = json!({
            "Name": NETWORK,
            "Driver": "bridge",
            "Scope": "swarm",
            "ConfigFrom": {"Network": CONFIGURATION},
        });
        self.must(1, "/networks/create", body);
    }

    #[track_caller]
    fn must(&self, node: u8, path: &str, body: Value) {
        let answer = self.call(node, "POST", path, Some(body));
        assert!(matches!(answer.status, 200 | 201), "{path}: {answer:?}");
    }

    /// Ends what runs in a node: its Engine, containers, and what belongs to them.
    fn end_processes(&self) {
        let groups = nodes().flat_map(|node| processes_in(&self.space_of(node)));
        let dir = self.dir.display().to_string();
        let named = processes().filter(|process| {
            let line = fs::read(process.join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(&dir)
        });
        // An Engine first, since it starts again what ends below it.
        for pid in named.filter_map(|process| pid_of(&process)).chain(groups) {
            // One may have ended by itself.
            let mut kill = Command::new("kill");
            let _ = kill.args(["-KILL", &pid]).stderr(Stdio::null()).status();
        }
    }
}

impl Drop for Swarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for node in nodes() {
                let log = fs::read_to_string(self.dir_of(node).join("log")).unwrap_or_default();
                let lines: Vec<_> = log.lines().rev().take(10).collect();
                eprintln!("the end of the log of Engine {node}, newest first: {lines:#?}");
            }
        }
        self.end_processes();
        firewall("-D", &self.name);
        for node in nodes() {
            try_ip(&["link", "delete", &self.port_of(node)]);
            try_ip(&["netns", "delete", &self.space_of(node)]);
        }
        try_ip(&["link", "delete", &self.name]);
        nodes().for_each(|node| remove_control_groups(&self.space_of(node)));
        // The files lie in the given Engine's folder, which goes with its mounts when it ends.
    }
}

/// The numbers of the managers.
pub fn nodes() -> impl Iterator<Item = u8> {
    1..=COUNT
}

fn given_image(engine: &RealEngine) -> String {
    let path = format!("/images/{}/json", given("TEST_AGENT_IMAGE"));
    let image = engine.call("GET", &path, None).json();
    image["Id"].as_str().expect("an id").to_owned()
}

fn processes() -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| pid_of(path).is_some())
}

fn pid_of(process: &Path) -> Option<String> {
    let name = process.file_name()?.to_str()?;
    name.parse::<u32>().ok()?;
    Some(name.to_owned())
}

/// The processes in a control group, or in one below it.
fn processes_in(group: &str) -> Vec<String> {
    let is_in = |process: &PathBuf| {
        let groups = fs::read_to_string(process.join("cgroup")).unwrap_or_default();
        groups.contains(&format!("/{group}"))
    };
    processes()
        .filter(is_in)
        .filter_map(|process| pid_of(&process))
        .collect()
}

/// Removes what is left of a node's control groups, in every hierarchy of either version.
fn remove_control_groups(name: &str) {
    let root = Path::new("/sys/fs/cgroup");
    let hierarchies = fs::read_dir(root).into_iter().flatten().flatten();
    for hierarchy in hierarchies
        .map(|entry| entry.path())
        .chain([root.to_owned()])
    {
        let group = hierarchy.join(name);
        for child in fs::read_dir(&group).into_iter().flatten().flatten() {
            // Its files cannot be removed and go with their folder.
            let _ = fs::remove_dir(child.path());
        }
        let _ = fs::remove_dir(group);
    }
}

fn firewall(change: &str, bridge: &str) {
    let rule = ["FORWARD", "-i", bridge, "-o", bridge, "-j", "ACCEPT"];
    let mut command = Command::new("iptables");
    command.args(["--wait", change]).args(rule);
    let _ = command.stderr(Stdio::null()).status();
}

#[track_caller]
fn ip(arguments: &[&str]) {
    run(Command::new("ip").args(arguments));
}

/// What is not there need not be removed.
fn try_ip(arguments: &[&str]) {
    let mut command = Command::new("ip");
    let _ = command.args(arguments).stderr(Stdio::null()).status();
}

#[track_caller]
fn run(command: &mut Command) {
    let status = command.stdin(Stdio::null()).status();
    assert!(
        status.as_ref().is_ok_and(|status| status.success()),
        "{command:?}: {status:?}"
    );
}
