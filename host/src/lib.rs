//! Runs this project's `spin.toml` where the Spin CLI is not installed, for development and tests. In production, use Spin.
//!
//! The manifest is the single source of truth: it names the component, its variables and the hosts it may reach. The
//! host refuses to start if the manifest asks for anything that it cannot do like Spin. It does not imitate Spin's
//! `spin-*` request headers, `/.well-known/spin/info`, or the log files below `.spin/`.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use dynamic_access_host::{Host, Options};
//!
//! let mut options = Options::new("spin.toml");
//! options.variables.insert("webhook_secret".into(), "…".into());
//! let serving = Host::prepare(options)?.serve().await?;
//! println!("http://{}", serving.address());
//! serving.stop().await;
//! # Ok(())
//! # }
//! ```

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that panics has failed")
)]

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};

mod allowed_hosts;
mod bindings;
mod connector;
mod guest;
mod manifest;
mod meter;
mod outbound;
mod recording;
mod runtime_config;
mod serve;
mod sink;
mod tls;

pub use connector::UnixSockets;
pub use guest::Compiled;
pub use meter::Meter;
pub use serve::Serving;
pub use sink::Sink;

use allowed_hosts::AllowedHosts;
use connector::Connector;
use guest::Guest;
use manifest::{Manifest, Template};
use outbound::Outbound;
use recording::Recording;
use runtime_config::RuntimeConfig;
use tls::TlsConfigs;

/// The options of a host.
#[derive(Clone)]
pub struct Options {
    /// The manifest file.
    pub manifest: PathBuf,
    /// The manifest's component, if it was compiled before.
    pub compiled: Option<Compiled>,
    /// Values of application variables, by name; they override `environment`.
    pub variables: BTreeMap<String, String>,
    /// Values of application variables, by `SPIN_VARIABLE_…` name. The library never reads the environment itself.
    pub environment: BTreeMap<String, String>,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// A file with `[[client_tls]]` entries, and `connection_pooling` of `[outbound_http]`.
    pub runtime_config: Option<PathBuf>,
    /// A file with authorities to trust, instead of Mozilla's, where the runtime configuration names none.
    pub public_roots: Option<PathBuf>,
    /// Authorities whose requests go to unix sockets.
    pub unix_sockets: UnixSockets,
    /// A file that gets a JSON object for each request that the component sends, with its body if that is JSON.
    pub record_requests: Option<PathBuf>,
    /// Measures the memory of the instances.
    pub meter: Option<Meter>,
    /// Takes the lines of the guest and of the host.
    pub sink: Sink,
}

impl Options {
    /// The manifest file `manifest` on a free loopback port, with no variables set and lines on standard error.
    pub fn new(manifest: impl Into<PathBuf>) -> Self {
        Self {
            manifest: manifest.into(),
            compiled: None,
            variables: BTreeMap::new(),
            environment: BTreeMap::new(),
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            runtime_config: None,
            public_roots: None,
            unix_sockets: BTreeMap::new(),
            record_requests: None,
            meter: None,
            sink: Sink::stderr(),
        }
    }
}

/// An application that is ready to serve.
pub struct Host {
    guest: Arc<Guest>,
    listen: SocketAddr,
}

impl Host {
    /// Reads everything that `options` names, and compiles the component unless that was done.
    pub fn prepare(options: Options) -> Result<Self> {
        let manifest = Manifest::read(&options.manifest)?;
        let values = manifest.values(&options.variables, &options.environment)?;
        let runtime_config = options.runtime_config.as_deref().map(RuntimeConfig::read);
        let runtime_config = runtime_config.transpose()?.unwrap_or_default();
        let entries = &runtime_config.client_tls;
        let public_roots = options.public_roots.as_deref();
        let tls = TlsConfigs::load(&manifest.id, entries, public_roots).context("TLS")?;
        let connector = Connector {
            tls: Arc::new(tls),
            unix_sockets: Arc::new(options.unix_sockets),
            sink: options.sink.clone(),
        };
        let recording = options.record_requests.as_deref();
        let outbound = Outbound {
            client: outbound::client(connector, runtime_config.pools()),
            allowed: Arc::new(allowed_hosts(&manifest, &values, &options.sink)),
            component: manifest.id.clone(),
            recording: recording.map(Recording::append_to).transpose()?,
            sink: options.sink.clone(),
        };
        let variables = manifest.component.variables.iter();
        let variables = variables
            .filter_map(|(name, template)| Some((name.clone(), template.resolve(&values)?)));
        let guest = Guest {
            variables: Arc::new(variables.collect()),
            // Compiling takes seconds, so mistakes in the options are reported first.
            compiled: match options.compiled {
                Some(compiled) => compiled,
                None => Compiled::new(&manifest)?,
            },
            component: manifest.id,
            outbound,
            meter: options.meter,
            sink: options.sink,
        };
        Ok(Self {
            guest: Arc::new(guest),
            listen: options.listen,
        })
    }

    /// Makes an instance as for a request without running it, and returns how long that took.
    pub async fn instantiate(&self) -> Result<Duration> {
        self.guest.instantiate().await
    }

    /// Starts to serve, on the current tokio runtime.
    pub async fn serve(self) -> Result<Serving> {
        serve::serve(self.guest, self.listen).await
    }
}

// As in Spin, the application starts even if a value makes an entry invalid, but it can reach nothing.
fn allowed_hosts(
    manifest: &Manifest,
    values: &BTreeMap<String, String>,
    sink: &Sink,
) -> AllowedHosts {
    let entries = &manifest.component.allowed_outbound_hosts;
    let filled = entries.iter().filter_map(|entry| entry.resolve(values));
    AllowedHosts::parse(filled).unwrap_or_else(|error| {
        let names: Vec<_> = entries.iter().filter_map(Template::variable).collect();
        let (id, names) = (&manifest.id, names.join(" or "));
        sink.host(&format!(
            "the component {id} can reach nothing, because the value of {names} makes allowed_outbound_hosts invalid: {error:#}"
        ));
        AllowedHosts::default()
    })
}
