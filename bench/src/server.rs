//! The measured server: the component, in the embedded host or elsewhere.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use dynamic_access_host::{Compiled, Host, Meter, Options, Serving, Sink};
use http::Method;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::client::{Call, Client, Reply};
use crate::side::Side;
use crate::{given, unique};

/// The shared secret.
pub const SECRET: &str = "YmVuY2gtYmVuY2gtYmVuY2gtYmVuY2g=";

/// The secret of operators, who only read: operator:bench-bench-bench-bench-bench
const OPERATOR_SECRET: &str = "b3BlcmF0b3I6YmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtYmVuY2g=";

/// The service URL for agents; nothing listens there.
const SERVICE_URL: &str = "http://192.0.2.1:9";

/// The deployment that owns the containers.
pub const DEPLOYMENT: &str = "bench";

/// A server of webhooks.
pub struct Server {
    /// Its address, `http://host:port`.
    pub url: String,
    client: Client,
    // Dropping it stops the server from accepting connections.
    _serving: Option<Serving>,
}

/// The set-up of an embedded server.
#[derive(Clone, Default)]
pub struct Setup {
    /// Variables beside the usual ones.
    pub variables: BTreeMap<String, String>,
    /// Measures the memory of its instances.
    pub meter: Option<Meter>,
}

impl Setup {
    /// Adds a variable.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }
}

/// Serves the component in the embedded host.
pub struct Hosting<'a> {
    /// The host's threads, separate from the caller's.
    pub threads: &'a Runtime,
    compiled: Compiled,
    manifest: PathBuf,
    image: String,
}

impl<'a> Hosting<'a> {
    /// Compiles the component.
    pub fn new(threads: &'a Runtime) -> Result<Self> {
        let manifest = PathBuf::from(given("MANIFEST")?);
        Ok(Self {
            threads,
            compiled: Compiled::from_manifest(&manifest)?,
            manifest,
            image: given("IMAGE")?,
        })
    }

    /// A server that calls the Engine at `docker_url`.
    pub async fn server(&self, docker_url: &str, setup: Setup) -> Result<Server> {
        let usual = [
            ("docker_url", docker_url),
            ("agent_image", &self.image),
            ("webhook_secret", SECRET),
            ("operator_secret", OPERATOR_SECRET),
            ("service_urls", SERVICE_URL),
            ("deployment_id", DEPLOYMENT),
        ];
        let mut options = options(&self.manifest, &usual);
        options.variables.extend(setup.variables);
        options.meter = setup.meter;
        Server::serving(self.threads, &self.compiled, options).await
    }
}

impl Server {
    /// The hello world in the embedded host.
    pub async fn hello(threads: &Runtime) -> Result<Self> {
        let manifest = PathBuf::from(given("HELLO")?);
        let compiled = Compiled::from_manifest(&manifest)?;
        Self::serving(threads, &compiled, options(&manifest, &[])).await
    }

    async fn serving(threads: &Runtime, compiled: &Compiled, options: Options) -> Result<Self> {
        let host = Host::prepare_with(options, compiled)?;
        let serving = threads.spawn(host.serve()).await??;
        Ok(Self {
            url: format!("http://{}", serving.address()),
            client: Client::new(),
            _serving: Some(serving),
        })
    }

    /// A server that is already running, with the same secret.
    pub fn remote(url: &str) -> Self {
        Self {
            url: url.trim_end_matches('/').to_owned(),
            client: Client::new(),
            _serving: None,
        }
    }

    /// Checks its health.
    pub async fn health(&self) -> Result<Duration> {
        let call = Call::bodiless(Method::GET, "/health");
        Ok(self.call(call).await?.success("/health")?.took)
    }

    /// Reaps.
    pub async fn reap(&self) -> Result<Duration> {
        let call = Call::bodiless(Method::POST, "/reap");
        Ok(self.call(call).await?.success("/reap")?.took)
    }

    /// A call with the operator's credentials, which must succeed.
    pub async fn read(&self, mut call: Call) -> Result<Duration> {
        call.authorization = Some(format!("Basic {OPERATOR_SECRET}"));
        let reply = self.client.send(&self.url, call).await?;
        Ok(reply.success("a list")?.took)
    }

    /// A call with the right credentials.
    async fn call(&self, call: Call) -> Result<Reply> {
        self.client.send(&self.url, self.authorized(call)).await
    }

    /// The same call with the right credentials.
    pub fn authorized(&self, mut call: Call) -> Call {
        call.authorization = Some(format!("Basic {SECRET}"));
        call
    }
}

impl Side for Server {
    type Target = String;

    async fn start(&self) -> Result<(String, Duration)> {
        let body = json!({
            "serviceUrl": SERVICE_URL,
            "activationToken": format!("token-{}", unique::digits()),
            "environmentId": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
        });
        let reply = self.call(Call::json("/start", &body)).await?;
        let reply = reply.success("/start")?;
        Ok((reply.text("uniqueId")?, reply.took))
    }

    async fn stop(&self, id: &String) -> Result<Duration> {
        let call = Call::json("/stop", &json!({"uniqueId": id}));
        Ok(self.call(call).await?.success("/stop")?.took)
    }
}

/// How long a host takes to make an instance of a component, several times.
pub async fn instantiations(
    manifest: &Path,
    variables: &[(&str, &str)],
    count: usize,
) -> Result<Vec<Duration>> {
    let compiled = Compiled::from_manifest(manifest)?;
    let host = Host::prepare_with(options(manifest, variables), &compiled)?;
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        times.push(host.instantiate().await?);
    }
    Ok(times)
}

// The component's output is not part of the measurement.
fn options(manifest: &Path, variables: &[(&str, &str)]) -> Options {
    let mut options = Options::new(manifest);
    for (name, value) in variables {
        options
            .variables
            .insert((*name).to_owned(), (*value).to_owned());
    }
    options.sink = Sink::new(|_| {});
    options
}
