//! The server itself, in this process: the same code with the same variables. Its calls go to an Engine through the Docker
//! CLI.
//!
//! `docker system dial-stdio` connects its standard input and output to the Engine over a socket, TLS or a context.

use std::cell::Cell;
use std::env;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use dev::docker::Docker;
use dev::message::{Connection, Head};
use dev::process;
use dynamic_access::config::{Config, Variables};
use dynamic_access::platform::{HttpRequest, HttpResponse, Keep, Platform, TransportError};
use dynamic_access::server::serve;
use dynamic_access_admin::doctor::answers::Answer;
use dynamic_access_admin::doctor::{StartArguments, first_secret};
use dynamic_access_admin::random;
use futures_util::FutureExt;
use http::{Request, Response};
use serde_json::{Map, Value};
use toml::Table;

use crate::machine::workspace;

/// How long the CLI may take to connect, in addition to the call itself.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// The variable with BastionZero's secret, with which its webhooks are called.
const SECRET: &str = "webhook_secret";

/// A server with the defaults of `spin.toml`, and the environment over them.
pub struct Server<'a> {
    docker: &'a Docker,
    start: &'a StartArguments,
    environment: fn(&str) -> Option<String>,
    manifest: Table,
    /// Its secret, if none is set.
    secret: String,
    begun: Instant,
    was_kept: Cell<bool>,
}

impl<'a> Server<'a> {
    /// A server for this Engine. Without `--start`, it starts nothing that it has created.
    pub fn new(docker: &'a Docker, start: &'a StartArguments) -> Result<Self> {
        let manifest = fs::read_to_string(workspace::root().join("spin.toml"));
        let manifest = manifest.context("failed to read spin.toml")?.parse();
        Ok(Self {
            docker,
            start,
            environment: |name| env::var(name).ok(),
            manifest: manifest.context("spin.toml cannot be read")?,
            secret: random::hex::<16>()?,
            begun: Instant::now(),
            was_kept: Cell::new(false),
        })
    }

    pub fn config(&self) -> Option<Config> {
        Config::parse(self).ok()
    }

    /// Whether the last request would have started a container, and was kept from it.
    pub fn was_kept(&self) -> bool {
        self.was_kept.get()
    }

    /// Its answer to a webhook, a POST if there is a body.
    pub fn ask(&self, path: &str, body: Option<&Value>) -> Result<Answer> {
        self.was_kept.set(false);
        let secrets = self.get(SECRET).unwrap_or_default();
        let request = Request::builder()
            .method(if body.is_some() { "POST" } else { "GET" })
            .uri(path)
            .header("authorization", format!("Basic {}", first_secret(&secrets)));
        let (head, ()) = request.body(())?.into_parts();
        let body = body.map(Value::to_string).unwrap_or_default().into_bytes();
        let begun = Instant::now();
        let served = serve(self, self, &head, async |_| Ok(body)).now_or_never();
        let served = served.context("each wait of this platform blocks")?;
        Ok(Answer {
            status: served.response.status().as_u16(),
            body: String::from_utf8(served.response.into_body())?,
            took: begun.elapsed(),
            log: Some(serde_json::from_str(&served.lines[0])?),
        })
    }

    fn exchange(&self, request: &HttpRequest, limit: Duration) -> Result<HttpResponse> {
        let mut command = self.docker.command();
        command.args(["system", "dial-stdio"]);
        let request = written(request)?;
        let (printed, complained) =
            process::exchange(&mut command, request, CONNECT_WITHIN + limit)?;
        let message = Connection::new(printed.as_bytes()).message();
        let message = message.ok_or_else(|| anyhow!("no reply: {}", complained.trim()))?;
        let head = Head::of(&message).context("a whole message has a head")?;
        let status = head.status().context("the reply is not HTTP")?;
        let mut response = Response::builder().status(status);
        for (name, value) in head.headers() {
            response = response.header(name, value);
        }
        Ok(response.body(head.body())?)
    }
}

fn written(request: &HttpRequest) -> Result<Vec<u8>> {
    // The reply to HTTP/1.0 is not in chunks: the server closes the connection at its end.
    let target = request
        .uri()
        .path_and_query()
        .context("a call has a path")?;
    let mut head = format!("{} {target} HTTP/1.0\r\nHost: docker\r\n", request.method());
    for (name, value) in request.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str()?));
    }
    head.push_str("\r\n");
    Ok([head.as_bytes(), request.body()].concat())
}

impl Platform for Server<'_> {
    async fn send(
        &self,
        request: HttpRequest,
        limit: Duration,
        _: Keep,
    ) -> Result<HttpResponse, TransportError> {
        if !self.start.start && request.uri().path().ends_with("/start") {
            self.was_kept.set(true);
            return Err(TransportError::Unreachable("kept from a start".to_owned()));
        }
        let reply = self.exchange(&request, limit);
        reply.map_err(|error| TransportError::Broken(format!("{error:#}")))
    }

    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        thread::sleep(duration);
    }

    fn random(&self) -> u128 {
        u128::from_be_bytes(random::bytes().expect("the kernel gives randomness"))
    }
}

impl Variables for Server<'_> {
    fn get(&self, name: &'static str) -> Result<String, String> {
        let set = match name {
            // Another module chooses the Engine.
            "docker_url" => None,
            _ => (self.environment)(&format!("SPIN_VARIABLE_{}", name.to_uppercase())),
        };
        let declaration = self.manifest.get("variables").and_then(|all| all.get(name));
        let default = declaration.and_then(|declaration| declaration.get("default")?.as_str());
        let value = set.or_else(|| default.map(str::to_owned));
        let own = (name == SECRET).then(|| self.secret.clone());
        let value = value.or(own).ok_or_else(|| "is not set".to_owned())?;
        // In every environment, the agents of the targets may try the doctor's URL.
        Ok(match name {
            "service_urls" => format!("{value} {}", self.start.service_url),
            "environments" => with_service_url(value, &self.start.service_url),
            _ => value,
        })
    }
}

/// `environments` whose own `service_urls` have this URL too.
fn with_service_url(environments: String, url: &str) -> String {
    let mut all: Value = serde_json::from_str(&environments).unwrap_or_default();
    let mut is_changed = false;
    for overrides in all.as_object_mut().into_iter().flat_map(Map::values_mut) {
        if let Some(Value::String(urls)) = overrides.get_mut("service_urls") {
            *urls = format!("{urls} {url}");
            is_changed = true;
        }
    }
    // Otherwise as it was set: the server reports a key that occurs twice.
    match is_changed {
        true => all.to_string(),
        false => environments,
    }
}

#[cfg(test)]
mod tests {
    use dev::docker::endpoint::Endpoint;

    use super::*;

    #[test]
    fn the_environment_goes_over_the_defaults() {
        let docker = Docker::at(Endpoint::Tcp("127.0.0.1:1".to_owned()));
        let start = StartArguments {
            start: false,
            service_url: "https://here".to_owned(),
            environment_id: None,
        };
        let server = Server {
            environment: |name| match name {
                "SPIN_VARIABLE_AGENT_IMAGE" => Some("mine".to_owned()),
                "SPIN_VARIABLE_DOCKER_URL" => Some("/var/run/docker.sock".to_owned()),
                "SPIN_VARIABLE_ENVIRONMENTS" => {
                    Some(r#"{"e":{"service_urls":"https://there"}}"#.to_owned())
                }
                _ => None,
            },
            ..Server::new(&docker, &start).expect("the manifest has variables")
        };
        let config = server.config().expect("the defaults are right");
        assert_eq!(config.profiles.of("any").image.as_str(), "mine");
        assert_eq!(config.deployment_id.as_str(), "dynamic-access");
        for environment in ["any", "e"] {
            let urls = &config.profiles.of(environment).service_urls;
            assert!(urls.allow("https://here"), "{environment}");
        }
    }
}
