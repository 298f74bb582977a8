//! `GET /nodes` (Engine API, NodeList). Only a manager answers, while a majority of the
//! managers can reach each other.

use http::Method;
use serde::Deserialize;
use serde_json::Value;

use crate::docker::call::Call;
use crate::docker::{Reply, bodiless};

/// A node of a Swarm.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "NodeBody")]
pub struct Node {
    pub(crate) id: String,
    pub(crate) hostname: String,
    /// Whether it answers its managers and takes new tasks; `None` while they do not
    /// know.
    pub(crate) takes_tasks: Option<bool>,
    /// Whether it is a worker, not a manager.
    pub(crate) is_worker: bool,
    /// The version of its Engine, such as `26.1.5`.
    pub(crate) engine: String,
    /// Its address, as far as its managers know it.
    pub(crate) address: Option<String>,
}

impl Node {
    /// The first number of its Engine's version, if that is known.
    pub fn major(&self) -> Option<u32> {
        self.engine.split('.').next()?.parse().ok()
    }
}

/// Lists all nodes.
pub fn list() -> Call<Vec<Node>> {
    let request = bodiless(Method::GET, "/nodes");
    Call::look("nodes", request, Reply::listed)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NodeBody {
    #[serde(rename = "ID")]
    id: String,
    spec: Spec,
    #[serde(default)]
    description: Description,
    status: Status,
    #[serde(default)]
    manager_status: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Spec {
    role: String,
    availability: String,
}

// A node that has never answered has none.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Description {
    hostname: String,
    engine: EngineDescription,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct EngineDescription {
    engine_version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Status {
    state: String,
    #[serde(default)]
    addr: String,
}

impl From<NodeBody> for Node {
    fn from(body: NodeBody) -> Self {
        Self {
            id: body.id,
            engine: body.description.engine.engine_version,
            hostname: body.description.hostname,
            takes_tasks: takes_tasks(&body.spec.availability, &body.status.state),
            is_worker: body.spec.role == "worker",
            address: address(&body.manager_status, &body.status.addr),
        }
    }
}

/// The address that a manager advertises, without its port, or the one from which a
/// worker calls its manager. The latter says nothing about a manager that calls itself.
fn address(manager: &Value, seen: &str) -> Option<String> {
    let advertised = manager["Addr"].as_str();
    let advertised = advertised.and_then(|address| address.rsplit_once(':'));
    let address = advertised.map_or(seen, |(host, _)| host.trim_matches(['[', ']']));
    Some(address.to_owned()).filter(|address| !address.is_empty())
}

/// A new leader calls each node `unknown`, and one that changes its manager is
/// `disconnected`. Within seconds it is `ready` or `down` (swarmkit, `Dispatcher`).
fn takes_tasks(availability: &str, state: &str) -> Option<bool> {
    match (availability, state) {
        ("active", "unknown" | "disconnected") => None,
        (availability, state) => Some(availability == "active" && state == "ready"),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;
    use crate::docker::reply::tests::reply;

    /// A worker.
    pub(crate) fn node(id: &str, takes_tasks: Option<bool>) -> Node {
        Node {
            id: id.to_owned(),
            hostname: format!("host-{id}"),
            takes_tasks,
            is_worker: true,
            engine: "26.1.5".to_owned(),
            address: None,
        }
    }

    #[test]
    fn a_node_whose_state_is_not_known_is_neither_ready_nor_down() {
        let states = ["ready", "down", "unknown", "disconnected"];
        let read = states.map(|state| takes_tasks("active", state));
        assert_eq!(read, [Some(true), Some(false), None, None]);
    }

    #[test]
    fn the_address_of_a_node_is_what_a_manager_advertises_or_sees() {
        for (seen, advertised, address) in [
            ("", None, None),
            ("192.0.2.21", None, Some("192.0.2.21")),
            ("0.0.0.0", Some("192.0.2.11:2377"), Some("192.0.2.11")),
            ("", Some("[2001:db8::1]:2377"), Some("2001:db8::1")),
        ] {
            let node = json!([{
                "ID": "n",
                "Spec": {"Role": "manager", "Availability": "active"},
                "Status": {"State": "ready", "Addr": seen},
                "ManagerStatus": {"Addr": advertised},
            }]);
            let nodes = list().read(&reply(200, &node.to_string()));
            assert_eq!(nodes.expect("a list")[0].address.as_deref(), address);
        }
    }
}
