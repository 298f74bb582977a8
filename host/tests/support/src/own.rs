//! A test's own objects on an Engine, removed when they are dropped.

use bollard::Docker;
use bollard::models::ContainerCreateBody;
use bollard::query_parameters::CreateContainerOptionsBuilder;
use serde_json::{Value, json};

use super::engine::RealEngine;
use super::fault_proxy::FaultProxy;
use super::server::Server;

/// A container that the component has not created.
pub struct Foreign<'a> {
    engine: &'a RealEngine,
    /// Its id.
    pub id: String,
}

impl RealEngine {
    /// Creates a container without the component; it is removed when it is dropped.
    #[track_caller]
    pub fn foreign(&self, name: &str, body: Value) -> Foreign<'_> {
        let options = CreateContainerOptionsBuilder::new().name(name).build();
        let body: ContainerCreateBody = serde_json::from_value(body).expect("a body");
        let create = async |docker: &Docker| docker.create_container(Some(options), body).await;
        let id = self.ask(create).id;
        Foreign { engine: self, id }
    }

    /// Makes a network.
    #[track_caller]
    pub fn create_network(&self, body: Value) {
        let body = serde_json::from_value(body).expect("a body");
        self.ask(async |docker| docker.create_network(body).await);
    }
}

impl Foreign<'_> {
    /// Starts it.
    #[track_caller]
    pub fn start(&self) {
        let id = &self.id;
        self.engine
            .ask(async |docker| docker.start_container(id, None).await);
    }
}

impl Drop for Foreign<'_> {
    fn drop(&mut self) {
        // The test may have removed it.
        let _ = self.engine.try_remove(&self.id);
    }
}

/// An image that is removed when it is dropped.
pub struct Image<'a> {
    engine: &'a RealEngine,
    /// Its name.
    pub name: String,
}

impl<'a> Image<'a> {
    /// The agent's image with another entrypoint, if there is one, and changed by lines of a
    /// Dockerfile.
    pub fn of_agent(engine: &'a RealEngine, entrypoint: &[&str], line: &str) -> Self {
        let name = super::unique("image-");
        let body = json!({
            "Image": super::given("TEST_AGENT_IMAGE"),
            "Entrypoint": ["sleep", "300"],
            // Podman's own network would add rules to this machine's firewall.
            "HostConfig": {"NetworkMode": "none"},
        });
        let model = engine.foreign(&super::unique("model-"), body);
        model.start();
        engine.commit(&model.id, &name, entrypoint, line);
        Self { engine, name }
    }
}

impl Drop for Image<'_> {
    fn drop(&mut self) {
        let _ = self.engine.try_remove_image(&self.name);
    }
}

/// A network that is removed when it is dropped.
pub struct Network<'a> {
    /// Where it is.
    pub engine: &'a RealEngine,
    /// Its name.
    pub name: String,
}

impl<'a> Network<'a> {
    /// A bridge that no other test uses, with these options.
    pub fn new(engine: &'a RealEngine, options: Value) -> Self {
        Self::of(engine, json!({"Options": options}))
    }

    /// The same, with more of the create's body.
    pub fn of(engine: &'a RealEngine, mut body: Value) -> Self {
        let name = super::unique("net-");
        body["Name"] = json!(name);
        body["Driver"] = json!("bridge");
        engine.create_network(body);
        Self { engine, name }
    }

    /// The variable that puts targets on it.
    pub fn patch(&self) -> String {
        json!({"HostConfig": {"NetworkMode": self.name}}).to_string()
    }
}

impl Drop for Network<'_> {
    fn drop(&mut self) {
        // The test may have removed it.
        let _ = self.engine.try_remove_network(&self.name);
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
        Self {
            engine,
            id: super::unique("t"),
        }
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
}

impl Drop for Deployment<'_> {
    fn drop(&mut self) {
        for id in self.containers() {
            // It may go by itself.
            let _ = self.engine.try_remove(&id);
        }
    }
}
