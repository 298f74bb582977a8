//! The measured server: the component, in the embedded host or elsewhere.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use dynamic_access_host::{Compiled, Host, Meter, Options, Serving, Sink};
use http::header::AUTHORIZATION;
use http::{HeaderValue, Method};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::client::{self, Call, Client, Reply};
use crate::engine::{DEPLOYMENT, digits};
use crate::given;
use crate::sides::Side;

pub const SECRET: &str = "YmVuY2gtYmVuY2gtYmVuY2gtYmVuY2g=";

/// The secret of operators, who only read: operator:bench-bench-bench-bench-bench
const OPERATOR_SECRET: &str = "b3BlcmF0b3I6YmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtYmVuY2g=";

/// The service URL for agents; nothing listens there.
const SERVICE_URL: &str = "http://192.0.2.1:9";

/// The variables of a server beside the usual ones.
pub type Variables<'a> = &'a [(&'a str, &'a str)];

/// A server of webhooks, or several that take turns.
pub struct Server {
    /// Their addresses, `http://host:port`.
    urls: Vec<String>,
    next: Cell<usize>,
    client: Client,
    // Dropping it stops the server from accepting connections.
    _serving: Option<Serving>,
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
    pub fn new(threads: &'a Runtime) -> Result<Self> {
        let manifest = PathBuf::from(given("MANIFEST")?);
        Ok(Self {
            threads,
            compiled: Compiled::from_manifest(&manifest)?,
            manifest,
            image: given("IMAGE")?,
        })
    }

    /// A server that calls the Engine at `docker_url`; `meter` measures the memory of its instances.
    pub async fn server(
        &self,
        docker_url: &str,
        variables: Variables<'_>,
        meter: Option<&Meter>,
    ) -> Result<Server> {
        let usual = [
            ("docker_url", docker_url),
            ("agent_image", &self.image),
            ("webhook_secret", SECRET),
            ("operator_secret", OPERATOR_SECRET),
            ("service_urls", SERVICE_URL),
            ("deployment_id", DEPLOYMENT),
        ];
        let mut options = options(&self.manifest, &[&usual, variables].concat());
        options.compiled = Some(self.compiled.clone());
        options.meter = meter.cloned();
        Server::serving(self.threads, options).await
    }

    pub async fn hello(&self) -> Result<Server> {
        let manifest = PathBuf::from(given("HELLO")?);
        Server::serving(self.threads, options(&manifest, &[])).await
    }
}

impl Server {
    /// Running servers, with the same secret.
    pub fn at(urls: Vec<String>) -> Self {
        Self {
            urls,
            next: Cell::default(),
            client: Client::new(),
            _serving: None,
        }
    }

    async fn serving(threads: &Runtime, options: Options) -> Result<Self> {
        let host = Host::prepare(options)?;
        let serving = threads.spawn(host.serve()).await??;
        let mut server = Self::at(vec![format!("http://{}", serving.address())]);
        server._serving = Some(serving);
        Ok(server)
    }

    /// The address of the one whose turn it is.
    pub fn url(&self) -> &str {
        let next = self.next.get();
        self.next.set(next + 1);
        &self.urls[next % self.urls.len()]
    }

    pub async fn health(&self) -> Result<Duration> {
        Ok(self.call(client::get("/health"), SECRET).await?.took)
    }

    pub async fn reap(&self) -> Result<Duration> {
        let reap = client::bodiless(Method::POST, "/reap");
        Ok(self.call(reap, SECRET).await?.took)
    }

    /// Reads a route as operators do.
    pub async fn read(&self, route: &str) -> Result<Duration> {
        Ok(self.call(client::get(route), OPERATOR_SECRET).await?.took)
    }

    async fn call(&self, call: Call, secret: &'static str) -> Result<Reply> {
        self.client.call(self.url(), authorized(call, secret)).await
    }
}

/// The same call with a secret.
pub fn authorized(mut call: Call, secret: &str) -> Call {
    let value = HeaderValue::from_str(&format!("Basic {secret}"));
    let value = value.expect("base64 is text for a header");
    call.headers_mut().insert(AUTHORIZATION, value);
    call
}

impl Side for Server {
    async fn start(&self) -> Result<(String, Duration)> {
        let body = json!({
            "serviceUrl": SERVICE_URL,
            "activationToken": format!("token-{}", digits()),
            "environmentId": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
        });
        let reply = self.call(client::json("/start", &body), SECRET).await?;
        Ok((reply.text("uniqueId")?, reply.took))
    }

    async fn stop(&self, id: &str) -> Result<Duration> {
        let call = client::json("/stop", &json!({"uniqueId": id}));
        Ok(self.call(call, SECRET).await?.took)
    }
}

/// How long a host takes to make an instance of a component, several times.
pub async fn instantiations(
    manifest: &Path,
    variables: Variables<'_>,
    count: usize,
) -> Result<Vec<Duration>> {
    let host = Host::prepare(options(manifest, variables))?;
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        times.push(host.instantiate().await?);
    }
    Ok(times)
}

// The component's output is not part of the measurement.
fn options(manifest: &Path, variables: Variables<'_>) -> Options {
    let mut options = Options::new(manifest);
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    options.variables = variables.iter().map(owned).collect();
    options.sink = Sink::new(|_| {});
    options
}
