//! A test's own objects on an Engine, removed when they are dropped.

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::ContainerCreateBody;
use bollard::query_parameters::CreateContainerOptionsBuilder;
use serde_json::{Value, json};

use super::engine::RealEngine;
use super::fault_proxy::FaultProxy;
use super::server::Server;
use super::unique;

/// A container, an image or a network of a test's own.
pub struct Own<'a> {
    /// Where it is.
    pub engine: &'a RealEngine,
    /// The id of a container, the name of an image or a network.
    pub id: String,
    remove: fn(&RealEngine, &str) -> Result<(), Error>,
}

impl RealEngine {
    /// Creates a container without the component.
    #[track_caller]
    pub fn foreign(&self, name: &str, body: Value) -> Own<'_> {
        let options = CreateContainerOptionsBuilder::new().name(name).build();
        let body: ContainerCreateBody = serde_json::from_value(body).expect("a body");
        let create = async |docker: &Docker| docker.create_container(Some(options), body).await;
        let id = self.ask(create).id;
        Own {
            engine: self,
            id,
            remove: Self::try_remove,
        }
    }

    /// Makes an image of the agent's with another entrypoint, if there is one, and changed by
    /// lines of a Dockerfile.
    #[track_caller]
    pub fn image_of_agent(&self, entrypoint: &[&str], line: &str) -> Own<'_> {
        let id = unique("image-");
        let body = json!({
            "Image": super::given("TEST_AGENT_IMAGE"),
            "Entrypoint": ["sleep", "300"],
            // Podman's own network would add rules to this machine's firewall.
            "HostConfig": {"NetworkMode": "none"},
        });
        let model = self.foreign(&unique("model-"), body);
        model.start();
        self.commit(&model.id, &id, entrypoint, line);
        Own {
            engine: self,
            id,
            remove: Self::try_remove_image,
        }
    }

    /// Makes a bridge that no other test uses, with these options.
    #[track_caller]
    pub fn network(&self, options: Value) -> Own<'_> {
        self.network_of(json!({"Options": options}))
    }

    /// The same, with more of the create's body.
    #[track_caller]
    pub fn network_of(&self, mut body: Value) -> Own<'_> {
        let id = unique("net-");
        body["Name"] = json!(id);
        body["Driver"] = json!("bridge");
        self.create_network(body);
        Own {
            engine: self,
            id,
            remove: Self::try_remove_network,
        }
    }

    /// Makes a network that stays.
    #[track_caller]
    pub fn create_network(&self, body: Value) {
        let body = serde_json::from_value(body).expect("a body");
        self.ask(async |docker| docker.create_network(body).await);
    }
}

impl Own<'_> {
    /// Starts a container.
    #[track_caller]
    pub fn start(&self) {
        let start = async |docker: &Docker| docker.start_container(&self.id, None).await;
        self.engine.ask(start);
    }

    /// The variable that puts targets on a network.
    pub fn patch(&self) -> String {
        json!({"HostConfig": {"NetworkMode": self.id}}).to_string()
    }
}

impl Drop for Own<'_> {
    fn drop(&mut self) {
        // The test may have removed it.
        let _ = (self.remove)(self.engine, &self.id);
    }
}

/// The containers of one deployment, removed when it is dropped.
pub struct Deployment<'a> {
    engine: &'a RealEngine,
    /// Its `deployment_id`.
    pub id: String,
}

impl<'a> Deployment<'a> {
    /// A deployment that no other test uses.
    pub fn new(engine: &'a RealEngine) -> Self {
        let id = unique("t");
        Self { engine, id }
    }

    /// A server of the deployment, with more variables.
    pub fn server(&self, variables: &[(&str, &str)]) -> Server {
        Server::with(self.engine, &self.variables(variables))
    }

    /// The same, through a proxy in front of the Engine.
    pub fn server_through(&self, proxy: &FaultProxy, variables: &[(&str, &str)]) -> Server {
        Server::through(self.engine, proxy, &self.variables(variables))
    }

    /// The variables of such a server.
    pub fn variables<'v>(&'v self, more: &[(&'v str, &'v str)]) -> Vec<(&'v str, &'v str)> {
        [&[("deployment_id", self.id.as_str())], more].concat()
    }

    /// The ids of its containers.
    pub fn containers(&self) -> Vec<String> {
        let label = format!("dynamic-access.deployment={}", self.id);
        self.engine.with_label(&label)
    }

    /// Checks that these are its containers, in any order.
    #[track_caller]
    pub fn check_has(&self, ids: &[&str]) {
        let mut containers = self.containers();
        containers.sort_unstable();
        let mut expected = ids.to_vec();
        expected.sort_unstable();
        assert_eq!(containers, expected);
    }

    /// Checks that it has no containers.
    #[track_caller]
    pub fn check_empty(&self) {
        self.check_has(&[]);
    }
}

impl Drop for Deployment<'_> {
    fn drop(&mut self) {
        for id in self.containers() {
            // It may go by itself.
            let _ = self.engine.try_remove(&id);
        }
    }
}
