//! A test's own objects on an Engine, removed when they are dropped.

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::ContainerCreateBody;
use bollard::query_parameters::CreateContainerOptionsBuilder;
use serde_json::{Value, json};

use super::engine::RealEngine;
use super::fake_engine::FakeEngine;
use super::server::Server;
use super::{given, unique};

/// A container, an image or a network of a test's own.
pub struct Own {
    /// Where it is.
    pub engine: RealEngine,
    /// The id of a container, the name of an image or a network.
    pub id: String,
    remove: fn(&RealEngine, &str) -> Result<(), Error>,
}

impl RealEngine {
    fn own(&self, id: String, remove: fn(&Self, &str) -> Result<(), Error>) -> Own {
        let engine = self.clone();
        Own { engine, id, remove }
    }

    /// Creates a container without the component.
    #[track_caller]
    pub fn foreign(&self, name: &str, body: Value) -> Own {
        let options = CreateContainerOptionsBuilder::new().name(name).build();
        let body: ContainerCreateBody = serde_json::from_value(body).expect("a body");
        let create = async |docker: &Docker| docker.create_container(Some(options), body).await;
        self.own(self.ask(create).id, Self::try_remove)
    }

    /// Makes an image of the agent's with another entrypoint, if there is one, and changed by
    /// lines of a Dockerfile.
    #[track_caller]
    pub fn image_of_agent(&self, entrypoint: &[&str], line: &str) -> Own {
        let id = unique("image-");
        let model = self.foreign(&unique("model-"), sleeper(&json!({})));
        model.start();
        self.commit(&model.id, &id, entrypoint, line);
        self.own(id, Self::try_remove_image)
    }

    /// Makes a bridge that no other test uses, with these options.
    #[track_caller]
    pub fn network(&self, options: Value) -> Own {
        self.network_of(json!({"Options": options}))
    }

    /// The same, with more of the create's body.
    #[track_caller]
    pub fn network_of(&self, mut body: Value) -> Own {
        let id = unique("net-");
        body["Name"] = json!(id);
        body["Driver"] = json!("bridge");
        self.create_network(body);
        self.own(id, Self::try_remove_network)
    }

    /// Makes a network that stays.
    #[track_caller]
    pub fn create_network(&self, body: Value) {
        let body = serde_json::from_value(body).expect("a body");
        self.ask(async |docker| docker.create_network(body).await);
    }
}

/// The create body of a sleeping container of the agent's image, with labels.
pub fn sleeper(labels: &Value) -> Value {
    json!({
        "Image": given("TEST_AGENT_IMAGE"),
        "Entrypoint": ["sleep", "300"],
        "Labels": labels,
        // Podman waits for this before it kills, and a first process ignores being asked.
        "StopTimeout": 1,
        // Podman's own network would add rules to this machine's firewall.
        "HostConfig": {"NetworkMode": "none"},
    })
}

impl Own {
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

impl Drop for Own {
    fn drop(&mut self) {
        // The test may have removed it.
        let _ = (self.remove)(&self.engine, &self.id);
    }
}

/// The containers of one deployment, removed when it is dropped.
pub struct Deployment {
    /// Where they are.
    pub engine: RealEngine,
    /// Its `deployment_id`.
    pub id: String,
}

impl Deployment {
    /// A deployment that no other test uses.
    pub fn new(engine: &RealEngine) -> Self {
        Self {
            engine: engine.clone(),
            id: unique("t"),
        }
    }

    /// A deployment on the Docker Engine that the tests were given.
    pub fn given() -> Self {
        Self::new(&RealEngine::given())
    }

    /// A server of the deployment, with more variables.
    pub fn server(&self, variables: &[(&str, &str)]) -> Server {
        Server::with(&self.engine, &self.variables(variables))
    }

    /// The same, through a proxy in front of the Engine.
    pub fn server_through(&self, proxy: &FakeEngine, variables: &[(&str, &str)]) -> Server {
        Server::through(&self.engine, proxy, &self.variables(variables))
    }

    /// The variables of such a server.
    pub fn variables<'v>(&'v self, more: &[(&'v str, &'v str)]) -> Vec<(&'v str, &'v str)> {
        [&[("deployment_id", self.id.as_str())], more].concat()
    }

    /// A running container of its own, with these labels beside those of every target.
    pub fn running(&self, mut labels: Value) -> Own {
        let name = unique(&format!("{}-", self.id));
        labels["dynamic-access.deployment"] = json!(self.id);
        labels["dynamic-access.name"] = json!(name);
        let own = self.engine.foreign(&name, sleeper(&labels));
        own.start();
        own
    }

    /// A running container of its own, past its lifetime within a second.
    pub fn expired(&self) -> Own {
        self.running(json!({
            "dynamic-access.max-lifetime": "0",
            "dynamic-access.start-within": "0",
        }))
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

impl Drop for Deployment {
    fn drop(&mut self) {
        for id in self.containers() {
            // It may go by itself.
            let _ = self.engine.try_remove(&id);
        }
    }
}
