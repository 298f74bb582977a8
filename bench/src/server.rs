//! The measured server: the component, in the embedded host or elsewhere.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use dynamic_access_host::{Compiled, Host, Meter, Options, Serving, Sink};
use http::Method;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::client::{Call, Client, Reply};
use crate::unique;

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

/// A started target.
pub struct Target {
    /// Its id.
    pub id: String,
    /// How long its `/start` took.
    pub took: Duration,
}

/// The host's threads, separate from the caller's.
pub struct Threads(Runtime);

impl Threads {
    /// One for each core.
    pub fn start() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_name("host")
            .build()?;
        Ok(Self(runtime))
    }

    /// Runs a future on them and waits for it.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        self.0.spawn(work).await?
    }
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

impl Server {
    /// The component in the embedded host.
    pub async fn embedded(
        threads: &Threads,
        compiled: &Compiled,
        manifest: &Path,
        setup: Setup,
    ) -> Result<Self> {
        let mut options = options(manifest);
        for (name, value) in [
            ("webhook_secret", SECRET),
            ("operator_secret", OPERATOR_SECRET),
            ("service_urls", SERVICE_URL),
            ("deployment_id", DEPLOYMENT),
        ] {
            options.variables.insert(name.to_owned(), value.to_owned());
        }
        options.variables.extend(setup.variables);
        options.meter = setup.meter;
        Self::serving(threads, compiled, options).await
    }

    /// Another component in the embedded host, without variables.
    pub async fn bare(threads: &Threads, compiled: &Compiled, manifest: &Path) -> Result<Self> {
        Self::serving(threads, compiled, options(manifest)).await
    }

    async fn serving(threads: &Threads, compiled: &Compiled, options: Options) -> Result<Self> {
        let host = Host::prepare_with(options, compiled)?;
        let serving = threads.run(host.serve()).await?;
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

    /// Starts a target.
    pub async fn start(&self) -> Result<Target> {
        let body = json!({
            "serviceUrl": SERVICE_URL,
            "activationToken": format!("token-{}", unique::digits()),
            "environmentId": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
        });
        let reply = self.post("/start", &body).await?.success("/start")?;
        Ok(Target {
            id: reply.text("uniqueId")?,
            took: reply.took,
        })
    }

    /// Stops a target.
    pub async fn stop(&self, id: &str) -> Result<Duration> {
        let reply = self.post("/stop", &json!({"uniqueId": id})).await?;
        Ok(reply.success("/stop")?.took)
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

    /// A call with the operator's credentials.
    pub async fn read(&self, mut call: Call) -> Result<Reply> {
        call.authorization = Some(format!("Basic {OPERATOR_SECRET}"));
        self.client.send(&self.url, call).await
    }

    async fn post(&self, path: &str, body: &serde_json::Value) -> Result<Reply> {
        self.call(Call::json(path, body)).await
    }

    /// A call with the right credentials.
    pub async fn call(&self, call: Call) -> Result<Reply> {
        self.client.send(&self.url, self.authorized(call)).await
    }

    /// The same call with the right credentials.
    pub fn authorized(&self, mut call: Call) -> Call {
        call.authorization = Some(format!("Basic {SECRET}"));
        call
    }
}

/// How long a host takes to make an instance of a component.
pub async fn instantiation(
    compiled: &Compiled,
    manifest: &Path,
    variables: &[(&str, &str)],
) -> Result<Duration> {
    let mut options = options(manifest);
    let variables = variables.iter();
    options
        .variables
        .extend(variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Host::prepare_with(options, compiled)?.instantiate().await
}

// The component's output is not part of the measurement.
fn options(manifest: &Path) -> Options {
    let mut options = Options::new(manifest);
    options.sink = Sink::new(|_| {});
    options
}
