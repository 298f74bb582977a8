//! The shipped component in the embedded host.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use dynamic_access_host::{Compiled, Host, Options, Serving, Sink, UnixSocket};

use super::engine::{Kind, RealEngine};
use super::fault_proxy::FaultProxy;
use super::http::{self, Answer};
use super::runtime;
use super::wait::wait_for;

/// The secret of every server whose test sets no other.
pub const SECRET: &str = "dGhlIHNlY3JldCBvZiB0aGUgdGVzdHM=";

/// The secret of a program.
pub const API: &str = "dGhlIHNlY3JldCBvZiBhIHByb2dyYW0=";

/// The secret of an operator, whose password is 0123456789abcdef0123456789.
pub const OPERATOR: &str = "b3BlcmF0b3I6MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODk=";

/// A server, stopped when it is dropped.
pub struct Server {
    serving: Option<Serving>,
    address: SocketAddr,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// A server in front of a real Engine, with these variables.
    pub(crate) fn with(engine: &RealEngine, variables: &[(&str, &str)]) -> Self {
        let socket = UnixSocket::new("127.0.0.1:2375", engine.socket()).expect("an authority");
        Self::adjusted(variables, |options| {
            options.unix_sockets = vec![socket];
            choose_network(engine, options);
        })
    }

    /// A server that reaches the Engine of its variables, over TCP.
    pub fn over_tcp(variables: &[(&str, &str)]) -> Self {
        Self::adjusted(variables, |_| {})
    }

    /// The same, through a proxy in front of a real Engine.
    pub(crate) fn through(
        engine: &RealEngine,
        proxy: &FaultProxy,
        variables: &[(&str, &str)],
    ) -> Self {
        Self::adjusted(variables, |options| {
            options.variables.insert("docker_url".into(), proxy.url());
            choose_network(engine, options);
        })
    }

    /// A server that reaches the Engine of its variables over TCP, with a runtime
    /// configuration for TLS.
    pub fn over_tls(variables: &[(&str, &str)], runtime_config: &Path) -> Self {
        let config = Some(runtime_config.to_owned());
        Self::adjusted(variables, |options| options.runtime_config = config)
    }

    /// A server as on a hosted platform: without a runtime configuration, and
    /// with the authority in a file as the only public authority.
    pub fn hosted(variables: &[(&str, &str)], public_roots: &Path) -> Self {
        let roots = Some(public_roots.to_owned());
        Self::adjusted(variables, |options| options.public_roots = roots)
    }

    /// A server of the same component with another manifest, over TCP.
    pub fn of(manifest: &Path, variables: &[(&str, &str)]) -> Self {
        Self::adjusted(variables, |options| options.manifest = manifest.to_owned())
    }

    fn adjusted(variables: &[(&str, &str)], adjust: impl FnOnce(&mut Options)) -> Self {
        let mut options = options(variables);
        adjust(&mut options);
        let lines = Arc::new(Mutex::new(Vec::new()));
        options.sink = sink(lines.clone());
        // The requests of all servers are compared with what a proxy admits.
        options.record_requests = std::env::var_os("TEST_TRAFFIC").map(PathBuf::from);
        let host = Host::prepare_with(options, compiled()).expect("spin.toml can be served");
        let serving = runtime().block_on(host.serve()).expect("a free port");
        Self {
            address: serving.address(),
            serving: Some(serving),
            lines,
        }
    }

    /// The address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends a request with the right credentials.
    pub fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        let credentials = format!("Basic {SECRET}");
        self.send(
            method,
            path,
            &[("authorization", &credentials)],
            body.as_bytes(),
        )
    }

    /// Sends a request with these headers and no others.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        http::exchange(self.address, &http::request(method, path, headers, body))
    }

    /// Sends a request with a secret as `Bearer`, as programs and operators do.
    pub fn by(&self, secret: &str, method: &str, path: &str, body: &str) -> Answer {
        let bearer = format!("Bearer {secret}");
        let mut headers = vec![("authorization", bearer.as_str())];
        if !body.is_empty() {
            headers.push(("content-type", "application/json"));
        }
        self.send(method, path, &headers, body.as_bytes())
    }

    /// Starts the target of a token.
    pub fn start_target(&self, token: &str) -> Answer {
        self.call("POST", "/start", &start_body(token))
    }

    /// Stops a target.
    pub fn stop_target(&self, id: &str) -> Answer {
        let body = serde_json::json!({"uniqueId": id}).to_string();
        self.call("POST", "/stop", &body)
    }

    /// The log so far.
    pub fn log(&self) -> Vec<String> {
        self.lines.lock().expect("no test panics with it").clone()
    }

    /// Waits for a log line that contains a text: an answer comes before its line.
    #[track_caller]
    pub fn wait_for_line(&self, text: &str) -> String {
        wait_for("the log line", || {
            self.log().into_iter().find(|line| line.contains(text))
        })
    }

    /// Waits for the log line about an answer; that of a failure is found by the
    /// id that both carry.
    #[track_caller]
    pub fn line_about(&self, answer: &Answer) -> serde_json::Value {
        let instance = answer.json()["instance"].as_str().map(str::to_owned);
        let instance = instance.expect("a failure has an instance");
        let line = self.wait_for_line(instance.trim_start_matches("urn:uuid:"));
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"))
    }

    /// Checks the status of a failure and some words of the error in its log line, which it
    /// returns.
    #[track_caller]
    pub fn check_failed(&self, answer: &Answer, status: u16, words: &str) -> serde_json::Value {
        let line = self.line_about(answer);
        assert_eq!(answer.status, status, "{line}");
        let error = line["error"].as_str().expect("an error");
        assert!(error.contains(words), "{line}");
        line
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(serving) = self.serving.take() {
            runtime().block_on(serving.stop());
        }
        if std::thread::panicking() {
            for line in self.log() {
                eprintln!("[log] {line}");
            }
        }
    }
}

/// The body of a start for `token`; nobody has the address, so the agent keeps
/// trying to register.
pub fn start_body(token: &str) -> String {
    serde_json::json!({
        "serviceUrl": "http://192.0.2.1:9",
        "activationToken": token,
        "environmentId": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
    })
    .to_string()
}

fn options(variables: &[(&str, &str)]) -> Options {
    let mut options = Options::new(manifest());
    let defaults = [
        ("webhook_secret", SECRET),
        ("api_secret", API),
        ("operator_secret", OPERATOR),
        ("service_urls", "http://192.0.2.1:9 http://192.0.2.2:9"),
    ];
    for (name, value) in defaults.iter().chain(variables) {
        options.variables.insert((*name).into(), (*value).into());
    }
    options
}

/// Leaves the targets of a Podman without a network, unless the variables name one: Podman's
/// own would add rules to this machine's firewall.
fn choose_network(engine: &RealEngine, options: &mut Options) {
    if engine.kind() == Kind::Docker {
        return;
    }
    let variable = options.variables.entry("container_patch".into());
    let patch = variable.or_insert_with(|| "{}".into());
    let mut patched: serde_json::Value = serde_json::from_str(patch).expect("a patch is JSON");
    let network = &mut patched["HostConfig"]["NetworkMode"];
    if network.is_null() {
        *network = "none".into();
    }
    *patch = patched.to_string();
}

/// The shipped manifest.
pub fn manifest() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../spin.toml")
}

/// Compiling takes seconds, so the tests share it.
pub fn compiled() -> &'static Compiled {
    static COMPILED: OnceLock<Compiled> = OnceLock::new();
    COMPILED.get_or_init(|| {
        Compiled::from_manifest(&manifest()).expect("`cargo xtask test` has built the component")
    })
}

fn sink(lines: Arc<Mutex<Vec<String>>>) -> Sink {
    Sink::new(move |line: &str| {
        lines
            .lock()
            .expect("no test panics with it")
            .push(line.to_owned());
    })
}
