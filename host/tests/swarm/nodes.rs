//! The Swarm that the tests run on, beside the Engine that they were given.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use dev::docker::Docker;
use dev::swarm::place::Place;
use dev::swarm::{Nodes, Plan};
use serde_json::Value;

use test_support::engine::{Kind, RealEngine};
use test_support::http::{Answer, exchange, request, try_read_answer};
use test_support::{given, namespaces};

/// How many managers there are.
pub const COUNT: u8 = 3;

/// The network of targets: on each node a bridge of its own, on which they cannot reach each other.
pub const NETWORK: &str = "targets";

/// An Engine that takes longer to answer counts as hanging.
const HANGS_AFTER: Duration = Duration::from_secs(5);

/// Three managers; dropping it removes them.
pub struct Swarm {
    nodes: Nodes,
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
        Self::start_with(false)
    }

    /// The same, and an Engine of this machine's own version, which can join them.
    ///
    /// # Panics
    ///
    /// Likewise.
    pub fn start_beside_an_older_engine() -> Self {
        Self::start_with(true)
    }

    fn start_with(has_own: bool) -> Self {
        let engine = RealEngine::given();
        let (kind, version) = (engine.kind(), engine.version());
        assert!(
            kind == Kind::Docker && version >= (26, 0),
            "a Swarm needs the Engine of a later suite than this one ({version:?}): \
             cargo xtask test --engine trixie -- --test swarm"
        );
        let nodes = Nodes::start(Plan {
            place: Place::beside(engine.home(), block_of(&engine)),
            namespaces: namespaces(),
            count: COUNT,
            has_own,
            is_on_tcp: true,
        });
        let nodes = nodes.unwrap_or_else(|error| panic!("{error:#}"));
        let image = nodes.load_image(
            &Docker::private(engine.socket()),
            &given("TEST_AGENT_IMAGE"),
        );
        let image = image.unwrap_or_else(|error| panic!("{error:#}"));
        let network = nodes.make_network(NETWORK);
        network.unwrap_or_else(|error| panic!("{error:#}"));
        Self { nodes, image }
    }

    /// Makes the older Engine a manager too, and returns its number.
    pub fn join_older(&self) -> u8 {
        let joined = self.nodes.join_own();
        joined.unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// The address of a node's Engine.
    pub fn address(&self, node: u8) -> SocketAddr {
        self.nodes.address(node)
    }

    /// This machine's address on the nodes' network.
    pub fn gateway(&self) -> Ipv4Addr {
        self.nodes.gateway()
    }

    /// One call of a node's API.
    pub fn call(&self, node: u8, method: &str, path: &str, body: Option<Value>) -> Answer {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let length = body.len().to_string();
        let headers = [
            ("content-type", "application/json"),
            ("content-length", length.as_str()),
        ];
        self.send(node, method, path, &headers, body.as_bytes())
    }

    /// One call of a node's API with these headers.
    pub fn send(
        &self,
        node: u8,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        exchange(self.address(node), &request(method, path, headers, body))
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

    /// The id that the Swarm has given a node.
    pub fn id_of(&self, node: u8) -> String {
        let info = self.call(node, "GET", "/info", None).json();
        let id = info["Swarm"]["NodeID"].as_str();
        id.expect("an id").to_owned()
    }

    /// Takes a node off the network; its containers go on.
    pub fn cut(&self, node: u8) {
        self.nodes.cut(node).expect("a node");
    }

    /// Puts a node on the network again.
    pub fn heal(&self, node: u8) {
        self.nodes.heal(node).expect("a node");
    }

    /// Kills a node's Engine.
    pub fn kill(&self, node: u8) {
        self.nodes.kill(node).expect("a running Engine");
    }

    /// Whether nothing listens for a node's Engine.
    pub fn has_ended(&self, node: u8) -> bool {
        let connected = TcpStream::connect_timeout(&self.address(node), HANGS_AFTER);
        connected.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
    }

    /// Starts the Engine of a node that was killed.
    pub fn restart(&self, node: u8) {
        self.nodes.restart(node).expect("an Engine that ended");
    }

    /// The same, as deploy/swarm says to after a power loss: with its networks forgotten, and
    /// with what it makes its part of the targets' network from.
    pub fn restart_without_networks(&self, node: u8) {
        self.nodes.forget_networks(node).expect("its file");
        self.restart(node);
        let made = self.nodes.configure_network(node, NETWORK);
        made.expect("an Engine that takes it");
    }
}

impl Drop for Swarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for node in nodes() {
                eprintln!(
                    "the end of the log of node {node}:\n{}",
                    self.nodes.log(node)
                );
            }
        }
    }
}

/// The numbers of the managers.
pub fn nodes() -> impl Iterator<Item = u8> {
    1..=COUNT
}

/// The first of the given Engine's addresses.
fn block_of(engine: &RealEngine) -> Ipv4Addr {
    let bridge = engine.call("GET", "/networks/bridge", None).json();
    let gateway = &bridge["IPAM"]["Config"][0]["Gateway"];
    let gateway: Ipv4Addr = gateway.as_str().expect("text").parse().expect("an address");
    Ipv4Addr::from_bits(gateway.to_bits() - 1)
}
