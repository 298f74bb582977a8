//! The shipped component in the embedded host.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use dynamic_access_host::{Compiled, Host, Options, Serving, Sink};
use serde_json::{Value, json};

use super::at_once::at_once;
use super::fake_engine::FakeEngine;
use super::http::{self, Answer};
use super::wait::wait_for;
use super::{checkout, runtime, unique};

/// The secret of every server whose test sets no other.
pub const SECRET: &str = "dGhlIHNlY3JldCBvZiB0aGUgdGVzdHM=";

/// The secret of a program.
pub const API: &str = "dGhlIHNlY3JldCBvZiBhIHByb2dyYW0=";

/// The secret of an operator, whose password is 0123456789abcdef0123456789.
pub const OPERATOR: &str = "b3BlcmF0b3I6MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODk=";

/// The token of the start among [`Server::webhooks`].
pub const TOKEN: &str = "a-token-that-is-redacted";

/// A server, stopped when it is dropped.
pub struct Server {
    serving: Option<Serving>,
    address: SocketAddr,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// A server that reaches the Engine of its variables, over TCP.
    pub fn over_tcp(variables: &[(&str, &str)]) -> Self {
        Self::adjusted(variables, |_| {})
    }

    /// A server with these variables and other options, such as a runtime configuration.
    pub fn adjusted(variables: &[(&str, &str)], adjust: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options::new(checkout("spin.toml"));
        let usual = [
            ("webhook_secret", SECRET),
            ("api_secret", API),
            ("operator_secret", OPERATOR),
            ("service_urls", "http://192.0.2.1:9 http://192.0.2.2:9"),
        ];
        for (name, value) in usual.iter().chain(variables) {
            options.variables.insert((*name).into(), (*value).into());
        }
        adjust(&mut options);
        let lines = Arc::new(Mutex::new(Vec::new()));
        let taken = lines.clone();
        options.sink = Sink::new(move |line| {
            let mut lines = taken.lock().expect("no test panics with it");
            lines.push(line.to_owned());
        });
        // The requests of all servers are compared with what a proxy admits.
        options.record_requests = std::env::var_os("TEST_TRAFFIC").map(PathBuf::from);
        options.compiled = Some(compiled().clone());
        let host = Host::prepare(options).expect("spin.toml can be served");
        let serving = runtime().block_on(host.serve()).expect("a free port");
        Self {
            address: serving.address(),
            serving: Some(serving),
            lines,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends a request with the right credentials.
    pub fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        self.with_basic(SECRET, method, path, body)
    }

    /// Sends a request with a secret as `Basic`, as BastionZero and browsers do.
    pub fn with_basic(&self, secret: &str, method: &str, path: &str, body: &str) -> Answer {
        let credentials = format!("Basic {secret}");
        let headers = [("authorization", credentials.as_str())];
        self.send(method, path, &headers, body.as_bytes())
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

    pub fn health(&self) -> Answer {
        self.call("GET", "/health", "")
    }

    /// Asks for a reap, and returns what it removed, or would remove.
    #[track_caller]
    pub fn reaped(&self, path: &str) -> Vec<Value> {
        let answer = self.call("POST", path, "").check(200);
        let answer = answer.json();
        assert_eq!(answer["failed"], json!([]), "{answer}");
        answer["removed"].as_array().expect("a list").clone()
    }

    /// The ids of what a reap removed, or would remove.
    #[track_caller]
    pub fn reaped_ids(&self, path: &str) -> Vec<String> {
        let id = |entry: &Value| entry["uniqueId"].as_str().expect("an id").to_owned();
        self.reaped(path).iter().map(id).collect()
    }

    /// Orders a target with a key, as a program does.
    pub fn ask(&self, key: &str, order: &Value) -> Answer {
        self.ask_with("/v1/targets", key, order, &[])
    }

    /// The same, at a path with a query and with more headers.
    pub fn ask_with(&self, path: &str, key: &str, order: &Value, more: &[(&str, &str)]) -> Answer {
        let bearer = format!("Bearer {API}");
        let own = [
            ("authorization", bearer.as_str()),
            ("idempotency-key", key),
            ("content-type", "application/json"),
        ];
        let headers = [&own[..], more].concat();
        self.send("POST", path, &headers, order.to_string().as_bytes())
    }

    /// The same, with a key that no other order has.
    pub fn order(&self, order: &Value) -> Answer {
        self.ask(&unique("key"), order)
    }

    /// Lists the targets that a query selects, as a program does.
    #[track_caller]
    pub fn targets(&self, query: &str) -> Value {
        let path = format!("/v1/targets{query}");
        let list = self.by(API, "GET", &path, "").check(200).json();
        list["targets"].clone()
    }

    /// Makes a request about a target, as a program does: a GET, or a DELETE.
    pub fn target(&self, method: &str, id: &str) -> Answer {
        self.by(API, method, &format!("/v1/targets/{id}"), "")
    }

    pub fn renew(&self, id: &str, lifetime: &str) -> Answer {
        let body = json!({"lifetime": lifetime}).to_string();
        self.by(API, "POST", &format!("/v1/targets/{id}/renew"), &body)
    }

    pub fn start_target(&self, token: &str) -> Answer {
        self.call("POST", "/start", &start_body(token))
    }

    /// Starts the target of a token of its own, which must succeed, and returns its id.
    #[track_caller]
    pub fn started(&self) -> String {
        self.start_target(&unique("token")).unique_id()
    }

    pub fn stop_target(&self, id: &str) -> Answer {
        let body = json!({"uniqueId": id}).to_string();
        self.call("POST", "/stop", &body)
    }

    /// The answers to a start, a stop and a health check, which are asked at once.
    pub fn webhooks(&self) -> Vec<Answer> {
        at_once(3, |number| match number {
            0 => self.start_target(TOKEN),
            1 => self.stop_target(&"0".repeat(64)),
            _ => self.health(),
        })
    }

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
    pub fn line_about(&self, answer: &Answer) -> Value {
        let instance = answer.json()["instance"].as_str().map(str::to_owned);
        let instance = instance.expect("a failure has an instance");
        let line = self.wait_for_line(instance.trim_start_matches("urn:uuid:"));
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"))
    }

    /// Checks the status of a failure and some words of the error in its log line, which it
    /// returns.
    #[track_caller]
    pub fn check_failed(&self, answer: &Answer, status: u16, words: &str) -> Value {
        let line = self.line_about(answer);
        assert_eq!(answer.status, status, "{line}");
        let error = line["error"].as_str().expect("an error");
        assert!(error.contains(words), "{line}");
        line
    }

    /// Checks the status of a failure and the code in its log line.
    #[track_caller]
    pub fn check_code(&self, answer: &Answer, status: u16, code: &str) {
        let line = self.line_about(answer);
        assert_eq!(
            (answer.status, &line["code"]),
            (status, &json!(code)),
            "{line}"
        );
    }
}

impl FakeEngine {
    /// A server that reaches it, with more variables.
    pub fn server(&self, more: &[(&str, &str)]) -> Server {
        let url = self.url();
        Server::over_tcp(&[&[("docker_url", url.as_str())], more].concat())
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

/// The environment of [`start_body`] and [`order`].
pub const ENVIRONMENT: &str = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";

/// The secret of [`order`], which no answer, no log line and no container's configuration may
/// hold.
pub const PLANTED: &str = "planted-secret-of-a-target";

/// An order of a target whose agent keeps trying to register.
pub fn order() -> Value {
    json!({
        "environment": ENVIRONMENT,
        "serviceUrl": "http://192.0.2.1:9",
        "secrets": {"activation-token": PLANTED},
    })
}

/// The same, with these members too.
pub fn order_with(members: Value) -> Value {
    let mut order = order();
    for (name, value) in members.as_object().expect("members") {
        order[name] = value.clone();
    }
    order
}

/// The body of a start for `token`; nobody has the address, so the agent keeps
/// trying to register.
pub fn start_body(token: &str) -> String {
    json!({
        "serviceUrl": "http://192.0.2.1:9",
        "activationToken": token,
        "environmentId": ENVIRONMENT,
    })
    .to_string()
}

/// Compiling takes seconds, so the tests share it.
pub fn compiled() -> &'static Compiled {
    static COMPILED: OnceLock<Compiled> = OnceLock::new();
    COMPILED.get_or_init(|| {
        Compiled::from_manifest(&checkout("spin.toml"))
            .expect("`cargo xtask test` has built the component")
    })
}
