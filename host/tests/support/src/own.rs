//! A test's own objects on an Engine, removed when they are dropped.

use bollard::Docker;
use bollard::models::{ContainerConfig, ContainerCreateBody};
use bollard::query_parameters::{CommitContainerOptionsBuilder, CreateContainerOptionsBuilder};
use dynamic_access_host::Options;
use serde_json::{Value, json};

use super::engine::RealEngine;
use super::fake_engine::FakeEngine;
use super::server::Server;
use super::{given, unique};

/// A container, an image or a network of a test's own.
pub struct Own {
    pub engine: RealEngine,
    /// The id of a container, the name of an image or a network.
    pub id: String,
    /// The path by which it is deleted.
    path: String,
}

impl RealEngine {
    fn own(&self, id: String, path: String) -> Own {
        let engine = self.clone();
        Own { engine, id, path }
    }

    /// Creates a container without the component.
    #[track_caller]
    pub fn foreign(&self, name: &str, body: Value) -> Own {
        let options = CreateContainerOptionsBuilder::new().name(name).build();
        let body: ContainerCreateBody = serde_json::from_value(body).expect("a body");
        let create = async |docker: &Docker| docker.create_container(Some(options), body).await;
        let id = self.ask(create).id;
        let path = removal_of(&id);
        self.own(id, path)
    }

    /// Makes an image of the agent's, changed by lines of a Dockerfile.
    #[track_caller]
    pub fn image_of_agent(&self, lines: &str) -> Own {
        let name = unique("image-");
        let model = self.foreign(&unique("model-"), sleeper(&json!({})));
        model.start();
        self.commit(&model.id, &name, lines);
        let path = format!("/images/{name}?force=true");
        self.own(name, path)
    }

    /// Makes an image of a container, changed by lines of a Dockerfile, and returns its id.
    #[track_caller]
    pub fn commit(&self, container: &str, repository: &str, lines: &str) -> String {
        let options = CommitContainerOptionsBuilder::new()
            .container(container)
            .repo(repository)
            .changes(lines)
            .build();
        let config = ContainerConfig::default();
        self.ask(async |docker| docker.commit_container(options, config).await)
            .id
    }

    /// Makes a bridge that no other test uses, with these members in the create's body.
    #[track_caller]
    pub fn network(&self, mut body: Value) -> Own {
        let name = unique("net-");
        body["Name"] = json!(name);
        body["Driver"] = json!("bridge");
        self.create_network(body);
        let path = format!("/networks/{name}");
        self.own(name, path)
    }

    /// Makes a network that stays.
    #[track_caller]
    pub fn create_network(&self, body: Value) {
        let body = serde_json::from_value(body).expect("a body");
        self.ask(async |docker| docker.create_network(body).await);
    }
}

/// The path by which a container is removed with its volumes, whatever its state.
pub fn removal_of(id: &str) -> String {
    format!("/containers/{id}?force=true&v=true")
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
        self.engine.discard(&self.path);
    }
}

/// Leaves targets without a network, unless the variables name one: Podman's own would add rules to
/// this machine's firewall.
fn without_network(options: &mut Options) {
    let variable = options.variables.entry("container_patch".into());
    let patch = variable.or_insert_with(|| "{}".into());
    let mut patched: Value = serde_json::from_str(patch).expect("a patch is JSON");
    let network = &mut patched["HostConfig"]["NetworkMode"];
    if network.is_null() {
        *network = "none".into();
    }
    *patch = patched.to_string();
}

/// The containers of one deployment, removed when it is dropped.
pub struct Deployment {
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

    pub fn server(&self, variables: &[(&str, &str)]) -> Server {
        self.serve(variables, |options| {
            options.unix_sockets = [("127.0.0.1:2375".into(), self.engine.socket().into())].into();
        })
    }

    /// The same, through a proxy in front of the Engine.
    pub fn server_through(&self, proxy: &FakeEngine, variables: &[(&str, &str)]) -> Server {
        let url = proxy.url();
        let variables = [&[("docker_url", &*url)], variables].concat();
        self.serve(&variables, |_| {})
    }

    fn serve(&self, variables: &[(&str, &str)], adjust: impl FnOnce(&mut Options)) -> Server {
        Server::adjusted(&self.variables(variables), |options| {
            adjust(options);
            if self.engine.is_podman {
                without_network(options);
            }
        })
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

    #[track_caller]
    pub fn check_empty(&self) {
        self.check_has(&[]);
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        for id in self.containers() {
            // It may go by itself.
            self.engine.discard(&removal_of(&id));
        }
    }
}
