//! The component in front of a real Swarm, and the objects of its deployment.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use test_support::engine::filtered;
use test_support::http::Answer;
use test_support::server::Server;
use test_support::unique;
use test_support::wait::wait_within;

use crate::nodes::{NETWORK, Swarm, nodes};

/// How long a Swarm may take to agree again after a manager was lost or is back.
pub const AGREED_BOUND: Duration = Duration::from_secs(120);

/// A deployment on a Swarm.
pub struct Stage<'a> {
    pub swarm: &'a Swarm,
    /// Its `deployment_id`.
    pub deployment: String,
    /// The patch of its targets.
    patch: Mutex<Value>,
}

impl<'a> Stage<'a> {
    pub fn new(swarm: &'a Swarm) -> Self {
        Self::of(swarm, &unique("d"))
    }

    /// Another view of the same deployment.
    pub fn of(swarm: &'a Swarm, deployment: &str) -> Self {
        Self {
            swarm,
            deployment: deployment.to_owned(),
            // All three nodes are managers.
            patch: Mutex::new(json!({
                "Networks": [{"Target": NETWORK}],
                "Placement": {"Constraints": []},
            })),
        }
    }

    /// Lets only this node run the targets of the servers to come.
    pub fn only_on(&self, node: u8) -> &Self {
        let constraint = json!([format!("node.id=={}", self.swarm.id_of(node))]);
        let mut patch = self.patch.lock().expect("no test panics with it");
        patch["Placement"]["Constraints"] = constraint;
        drop(patch);
        self
    }

    /// The manager that leads the others.
    pub fn leader(&self) -> u8 {
        wait_within(AGREED_BOUND, "a leader", || {
            let found = nodes().filter_map(|node| self.swarm.node(node).try_call("GET", "/nodes"));
            let mut lists = found.filter(|answer| answer.status == 200);
            let list = lists.next()?.json();
            let leader = list
                .as_array()?
                .iter()
                .find(|node| node["ManagerStatus"]["Leader"] == true)?;
            Some(self.swarm.node_of(leader["ID"].as_str()?))
        })
    }

    /// A server that asks this manager.
    pub fn server(&self, node: u8) -> Server {
        self.server_with(node, &[])
    }

    pub fn server_with(&self, node: u8, variables: &[(&str, &str)]) -> Server {
        self.server_at_with(self.swarm.address(node), variables)
    }

    /// A server that asks who listens at this address.
    pub fn server_at(&self, address: SocketAddr) -> Server {
        self.server_at_with(address, &[])
    }

    fn server_at_with(&self, address: SocketAddr, more: &[(&str, &str)]) -> Server {
        let url = format!("http://{address}");
        let own = self.variables();
        let own = own.iter().map(|(name, value)| (*name, value.as_str()));
        let way = [("docker_url", url.as_str()), ("docker_plaintext", "allow")];
        let variables: Vec<_> = own.chain(way).chain(more.iter().copied()).collect();
        Server::over_tcp(&variables)
    }

    /// The variables of a server, except its way to a manager.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let patch = self.patch.lock().expect("no test panics with it");
        vec![
            ("scheduler", "swarm".to_owned()),
            ("agent_image", self.swarm.image.clone()),
            ("container_patch", patch.to_string()),
            ("deployment_id", self.deployment.clone()),
        ]
    }

    /// What the Swarm lists of the deployment: `services`, `tasks` or `secrets`.
    pub fn list(&self, what: &str) -> Vec<Value> {
        let label = format!("dynamic-access.deployment={}", self.deployment);
        let path = listing(what, "label", &[&label]);
        wait_within(AGREED_BOUND, "a list of the Swarm", || {
            let answer = nodes()
                .filter_map(|node| self.swarm.node(node).try_call("GET", &path))
                .find(|answer| answer.status == 200)?;
            answer.json().as_array().cloned()
        })
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
        let label = format!("dynamic-access.deployment={}", self.deployment);
        let path = listing("containers/json", "label", &[&label]);
        let listed = self.swarm.node(node).call("GET", &path, None).json();
        let listed = listed.as_array().expect("a list").iter();
        let ids = listed.map(|container| container["Id"].as_str().expect("an id").to_owned());
        ids.collect()
    }

    /// Checks that nothing of the deployment is left anywhere.
    #[track_caller]
    pub fn check_nothing_is_left(&self) {
        for what in ["services", "secrets", "tasks"] {
            wait_within(AGREED_BOUND, &format!("no {what}"), || {
                self.list(what).is_empty().then_some(())
            });
        }
        for node in nodes() {
            wait_within(AGREED_BOUND, "no container", || {
                self.containers(node).is_empty().then_some(())
            });
        }
    }

    /// Waits until a server says that the next start can work.
    pub fn wait_until_healthy(&self, server: &Server) {
        wait_within(AGREED_BOUND, "a healthy server", || {
            (server.call("GET", "/health", "").status == 200).then_some(())
        });
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for what in ["services", "tasks"] {
                let path = format!("/{what}");
                let list = nodes().find_map(|node| self.swarm.node(node).try_call("GET", &path));
                let list = list.map(|answer| answer.body).unwrap_or_default();
                eprintln!("{what}: {list}");
            }
        }
    }
}

/// The path of a list with one filter.
pub fn listing(what: &str, key: &str, values: &[&str]) -> String {
    filtered(what, &json!({key: values}))
}

/// The id in a successful answer to `/start`.
#[track_caller]
pub fn id_of(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["uniqueId"]
        .as_str()
        .expect("an id")
        .to_owned()
}

/// Starts a target, as often as its caller is asked to come again, and returns its id.
pub fn start_in_the_end(server: &Server, token: &str) -> String {
    wait_within(AGREED_BOUND, "a start", || {
        let answer = server.start_target(token);
        (answer.status != 503).then(|| id_of(&answer))
    })
}

/// Stops a target, as often as that does not succeed.
pub fn stop_in_the_end(server: &Server, id: &str) {
    wait_within(AGREED_BOUND, "a stop", || {
        (server.stop_target(id).status == 200).then_some(())
    });
}

/// Checks that an answer asks its caller to come again.
#[track_caller]
pub fn check_come_again(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
}
