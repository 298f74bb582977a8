//! The component in front of a real Swarm, and the objects of its deployment.

use std::net::SocketAddr;
use std::time::Duration;

use test_support::engine::filtered;
use test_support::prelude::*;

use crate::nodes::{NETWORK, Swarm, nodes};

/// How long a Swarm may take to agree again after a manager was lost or is back.
pub const AGREED_BOUND: Duration = Duration::from_secs(120);

/// A deployment on a Swarm.
#[derive(Clone)]
pub struct Stage<'a> {
    pub swarm: &'a Swarm,
    /// Its `deployment_id`.
    pub deployment: String,
    /// The patch of its targets.
    patch: Value,
}

impl<'a> Stage<'a> {
    pub fn new(swarm: &'a Swarm) -> Self {
        // All three nodes are managers.
        let placement = json!({"Constraints": []});
        Self {
            swarm,
            deployment: unique("d"),
            patch: json!({"Networks": [{"Target": NETWORK}], "Placement": placement}),
        }
    }

    /// The same, where this node alone runs targets.
    pub fn only_on(&self, node: u8) -> Self {
        let constraint = format!("node.id=={}", self.swarm.id_of(node));
        self.patched("Placement", &json!({"Constraints": [constraint]}))
    }

    /// The same, with another member in the patch of its targets.
    pub fn patched(&self, name: &str, member: &Value) -> Self {
        let mut other = self.clone();
        other.patch[name] = member.clone();
        other
    }

    /// The manager that leads the others.
    pub fn leader(&self) -> u8 {
        wait_within(AGREED_BOUND, "a leader", || {
            let list = self.try_list("/nodes")?.into_iter();
            let mut leaders = list.filter(|node| node["ManagerStatus"]["Leader"] == true);
            Some(self.swarm.node_of(leaders.next()?["ID"].as_str()?))
        })
    }

    /// A server that asks this manager.
    pub fn server(&self, node: u8) -> Server {
        self.server_with(node, &[])
    }

    pub fn server_with(&self, node: u8, variables: &[(&str, &str)]) -> Server {
        self.server_at(self.swarm.address(node), variables)
    }

    /// A server that asks who listens at this address.
    pub fn server_at(&self, address: SocketAddr, more: &[(&str, &str)]) -> Server {
        let url = format!("http://{address}");
        let way = [("docker_url", url.as_str()), ("docker_plaintext", "allow")];
        self.with_variables(|own| Server::over_tcp(&[own, &way, more].concat()))
    }

    /// Makes a server from its variables, which lack its way to a manager.
    pub fn with_variables(&self, make: impl FnOnce(&[(&str, &str)]) -> Server) -> Server {
        make(&[
            ("scheduler", "swarm"),
            ("agent_image", &self.swarm.image),
            ("container_patch", &self.patch.to_string()),
            ("deployment_id", &self.deployment),
        ])
    }

    fn listing(&self, what: &str) -> String {
        let label = format!("dynamic-access.deployment={}", self.deployment);
        filtered(what, &json!({"label": [label]}))
    }

    /// What the Swarm lists of the deployment: `services`, `tasks` or `secrets`.
    pub fn list(&self, what: &str) -> Vec<Value> {
        let path = self.listing(what);
        wait_within(AGREED_BOUND, "a list of the Swarm", || self.try_list(&path))
    }

    /// A list of the first manager that answers.
    fn try_list(&self, path: &str) -> Option<Vec<Value>> {
        let mut answers = nodes().filter_map(|node| self.swarm.node(node).try_call("GET", path));
        let answer = answers.find(|answer| answer.status == 200)?;
        answer.json().as_array().cloned()
    }

    /// The node and the container of a target that runs.
    #[track_caller]
    pub fn place_of(&self, id: &str) -> (RealEngine, String) {
        let tasks = self.live_tasks();
        let mut of_target = tasks.iter().filter(|task| task["ServiceID"] == id);
        let (task, None) = (of_target.next(), of_target.next()) else {
            panic!("not one task of {id}: {tasks:?}")
        };
        let task = task.unwrap_or_else(|| panic!("no task of {id}: {tasks:?}"));
        let node = task["NodeID"].as_str().expect("an id");
        let container = task["Status"]["ContainerStatus"]["ContainerID"].as_str();
        let node = self.swarm.node(self.swarm.node_of(node));
        (node, container.expect("it runs").to_owned())
    }

    /// The tasks that run or may still run.
    pub fn live_tasks(&self) -> Vec<Value> {
        let is_live = |task: &Value| {
            let state = task["Status"]["State"].as_str().unwrap_or_default();
            !matches!(
                state,
                "complete" | "failed" | "shutdown" | "rejected" | "orphaned" | "remove"
            )
        };
        let mut tasks = self.list("tasks");
        tasks.retain(is_live);
        tasks
    }

    /// The containers of the deployment that run on a node, asked of that node.
    pub fn containers(&self, node: u8) -> Vec<String> {
        let path = self.listing("containers/json");
        let listed = self.swarm.node(node).call("GET", &path, None).json();
        let listed = listed.as_array().expect("a list").iter();
        let ids = listed.map(|container| container["Id"].as_str().expect("an id").to_owned());
        ids.collect()
    }

    /// Checks that nothing of the deployment is left anywhere.
    #[track_caller]
    pub fn check_nothing_is_left(&self) {
        for what in ["services", "secrets", "tasks"] {
            agreed(&format!("no {what}"), || self.list(what).is_empty());
        }
        for node in nodes() {
            agreed("no container", || self.containers(node).is_empty());
        }
    }

    /// Waits until a server says that the next start can work.
    pub fn wait_until_healthy(&self, server: &Server) {
        agreed("a healthy server", || server.health().status == 200);
    }
}

/// Waits until a Swarm agrees.
pub fn agreed(what: &str, mut is_so: impl FnMut() -> bool) {
    wait_within(AGREED_BOUND, what, || is_so().then_some(()));
}

/// Starts a target, as often as its caller is asked to come again, and returns its id.
pub fn start_in_the_end(server: &Server, token: &str) -> String {
    wait_within(AGREED_BOUND, "a start", || {
        let answer = server.start_target(token);
        (answer.status != 503).then(|| answer.unique_id())
    })
}

/// Starts a target, whatever refusals come first, and returns its id.
///
/// Its user keeps the token: a start that failed may have left a service, which another token
/// would leave to a later reap.
pub fn start_whatever_is_told(server: &Server) -> String {
    let mut token = unique("token");
    wait_within(AGREED_BOUND, "a start", || {
        let answer = server.start_target(&token);
        // It has ended with its node's Engine, so its user connects again.
        if answer.status == 409 {
            token = unique("token");
        }
        (answer.status == 200).then(|| answer.unique_id())
    })
}

/// Stops a target, as often as that does not succeed.
pub fn stop_in_the_end(server: &Server, id: &str) {
    agreed("a stop", || server.stop_target(id).status == 200);
}
