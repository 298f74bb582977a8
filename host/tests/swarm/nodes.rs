//! The Swarm that the tests run on, beside the Engine that they were given.

use std::net::{Ipv4Addr, TcpStream};
use std::ops::Deref;
use std::time::Duration;

use dev::swarm::place::Place;
use dev::swarm::{Nodes, Plan};
use test_support::namespaces;
use test_support::prelude::*;

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

impl Deref for Swarm {
    type Target = Nodes;

    fn deref(&self) -> &Nodes {
        &self.nodes
    }
}

impl Swarm {
    /// Starts them, gives each the targets' image and network, and if it is wanted also starts an
    /// Engine of this machine's own version, which can join them.
    ///
    /// # Panics
    ///
    /// If the given Engine is not one that this can be tried with.
    pub fn start(has_own: bool) -> Self {
        let engine = RealEngine::given();
        let version = engine.release();
        assert!(
            version >= (26, 0),
            "a Swarm needs the Engine of a later suite than this one ({version:?}): \
             cargo xtask test --engine trixie -- --test swarm"
        );
        // The first of the Engine's addresses is its own.
        let block = Ipv4Addr::from_bits(engine.gateway("bridge").to_bits() - 1);
        let nodes = must(Nodes::start(Plan {
            place: Place::beside(engine.home(), block),
            namespaces: namespaces(),
            count: COUNT,
            has_own,
            is_on_tcp: true,
        }));
        let image = must(nodes.load_image(&engine.docker(), &given("TEST_AGENT_IMAGE")));
        must(nodes.make_network(NETWORK));
        Self { nodes, image }
    }

    /// A node's Engine.
    pub fn node(&self, node: u8) -> RealEngine {
        RealEngine::at(self.address(node))
    }

    /// The node with an id of Swarm's.
    pub fn node_of(&self, id: &str) -> u8 {
        let found = nodes().find(|node| {
            let info = self.node(*node).try_call("GET", "/info");
            info.is_some_and(|info| info.json()["Swarm"]["NodeID"] == id)
        });
        found.expect("a node that answers has this id")
    }

    /// The id that the Swarm has given a node.
    pub fn id_of(&self, node: u8) -> String {
        let info = self.node(node).call("GET", "/info", None).json();
        let id = info["Swarm"]["NodeID"].as_str();
        id.expect("an id").to_owned()
    }

    /// Whether nothing listens for a node's Engine.
    pub fn has_ended(&self, node: u8) -> bool {
        let connected = TcpStream::connect_timeout(&self.address(node), HANGS_AFTER);
        connected.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
    }

    /// Starts the Engine of a node that was killed as deploy/swarm says to after a power loss: with
    /// its networks forgotten, and with what it makes its part of the targets' network from.
    pub fn restart_without_networks(&self, node: u8) {
        must(self.nodes.forget_networks(node));
        must(self.nodes.restart(node));
        must(self.nodes.configure_network(node, NETWORK));
    }
}

/// What a node has done, with the reason if it has not.
#[track_caller]
pub fn must<T>(done: anyhow::Result<T>) -> T {
    done.unwrap_or_else(|error| panic!("{error:#}"))
}

impl Drop for Swarm {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for path in ["/services", "/tasks"] {
            let list = nodes().find_map(|node| self.node(node).try_call("GET", path));
            eprintln!("{path}: {}", list.map(|it| it.body).unwrap_or_default());
        }
        for node in nodes() {
            let log = self.nodes.log(node);
            eprintln!("the end of the log of node {node}:\n{log}");
        }
    }
}

/// The numbers of the managers.
pub fn nodes() -> impl Iterator<Item = u8> {
    1..=COUNT
}
