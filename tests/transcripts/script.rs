//! A platform that follows a script, and the replies of its Engine.

use std::cell::{Cell, RefCell};
use std::collections::{HashSet, VecDeque};
use std::ops::{Add, Mul};
use std::time::Duration;

use dynamic_access::backend::Backend;
use dynamic_access::budget::Budget;
use dynamic_access::call_notes::Calls;
use dynamic_access::config::Config;
use dynamic_access::docker::{ContainerName, DeploymentId};
use dynamic_access::engine::Engine;
use dynamic_access::error::Error;
use dynamic_access::platform::{HttpRequest, HttpResponse, Keep, Platform, TransportError};
use dynamic_access::provision::{Provisioner, StartOrder, Started};
use dynamic_access::secret::Secret;
pub use serde_json::{Value, json};

pub const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
pub const OTHER: &str = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

/// Variables with which a missing image is pulled.
pub const PULLING: [(&str, &str); 2] = [
    ("image_pull", "missing"),
    ("agent_image", "r.example.com/agent:1"),
];

/// A reaction of the Engine of a script.
#[derive(Clone)]
pub enum Reply {
    Is(u16, String),
    /// The same, and its time.
    Dated(&'static str, u16, String),
    Unreachable,
    Lost,
    Hangs,
    /// The limit passes after this end of a reply, and this many seconds of silence.
    CutShort(&'static str, u64),
    TooLong,
}
pub use Reply::{CutShort, Dated, Hangs, Is, Lost, TooLong, Unreachable};

/// Calls in their order, each with its reply: `+` puts some after others, `*` repeats them.
#[derive(Clone)]
pub struct Steps(Vec<(&'static str, Reply)>);

/// One call, in the words of [`shape`].
pub fn call(shape: &'static str, reply: Reply) -> Steps {
    Steps(vec![(shape, reply)])
}

/// No call at all.
pub fn no_call() -> Steps {
    Steps(Vec::new())
}

impl Add for Steps {
    type Output = Self;

    fn add(mut self, rest: Self) -> Self {
        self.0.extend(rest.0);
        self
    }
}

impl Mul<usize> for Steps {
    type Output = Self;

    fn mul(self, times: usize) -> Self {
        Self(vec![self.0; times].concat())
    }
}

/// A platform that expects calls in their order and replies by the script.
pub struct Script {
    steps: RefCell<VecDeque<(&'static str, Reply)>>,
    clock: Cell<Duration>,
    random: Cell<u128>,
    secrets: RefCell<HashSet<String>>,
}

impl Script {
    /// Checks that no secret is made twice: a clean-up of one attempt removes its secrets
    /// by their label.
    fn note_secret(&self, request: &HttpRequest) {
        let body: Value = serde_json::from_slice(request.body()).expect("JSON");
        let name = body["Name"].as_str().expect("a name").to_owned();
        assert!(self.secrets.borrow_mut().insert(name), "{body} once more");
    }
}

impl Platform for Script {
    async fn send(
        &self,
        request: HttpRequest,
        limit: Duration,
        _keep: Keep,
    ) -> Result<HttpResponse, TransportError> {
        let asked = shape(&request);
        let step = self.steps.borrow_mut().pop_front();
        let (expected, reply) = step.unwrap_or_else(|| panic!("{asked} is one call too many"));
        assert_eq!(asked, expected);
        if asked == "create secret" {
            self.note_secret(&request);
        }
        match reply {
            Is(status, body) => Ok(dated("Mon, 23 Nov 2026 01:01:01 GMT", status, body)),
            Dated(date, status, body) => Ok(dated(date, status, body)),
            Unreachable => Err(TransportError::Unreachable("refused".to_owned())),
            Lost => Err(TransportError::Broken("cut off".to_owned())),
            TooLong => Err(TransportError::TooLong),
            CutShort(end, quiet) => {
                self.clock.set(self.clock.get() + limit);
                let (end, quiet) = (end.into(), Duration::from_secs(quiet));
                Err(TransportError::CutShort { end, quiet })
            }
            Hangs => {
                self.clock.set(self.clock.get() + limit);
                Err(TransportError::TimedOut)
            }
        }
    }

    fn now(&self) -> Duration {
        self.clock.get()
    }

    async fn sleep(&self, duration: Duration) {
        self.clock.set(self.clock.get() + duration);
    }

    fn random(&self) -> u128 {
        self.random.replace(self.random.get() + 1)
    }
}

fn dated(date: &str, status: u16, body: String) -> HttpResponse {
    let response = http::Response::builder().status(status);
    let response = response.header("date", date);
    let response = response.header("server", "Docker/28.0.1 (linux)");
    response.body(body.into_bytes()).expect("a response")
}

/// A request in a few words, without the id of its container, which another test checks.
pub fn shape(request: &HttpRequest) -> &'static str {
    let (method, path) = (request.method().as_str(), request.uri().to_string());
    match method {
        "POST" if path.ends_with("/services/create") => "create service",
        "POST" if path.ends_with("/secrets/create") => "create secret",
        "POST" if path.contains("/update?version=7") => "update",
        "DELETE" if path.contains("/services/") => "delete service",
        "DELETE" if path.contains("/secrets/") => "delete secret",
        "GET" if path.contains("/services/") => "look up service",
        "GET" if path.contains("/nodes") => "list nodes",
        "GET" if path.contains("%22label%22") && path.contains("%22name%22") => {
            let is_of = |what: &str| path.contains(what);
            match () {
                () if is_of("access.vouched") => "list part of unvouched services",
                () if is_of("/services?") => "list part of services",
                () if is_of("/tasks?") => "list part of tasks",
                () if is_of("/secrets?") => "list part of secrets",
                () => "list part",
            }
        }
        "GET" if path.contains("/services?") && path.contains("%22name%22") => {
            "find service by name"
        }
        "GET" if path.contains("/services?") && path.contains("%22id%22") => "find service",
        "GET" if path.contains("/services?") && path.contains("access.vouched") => {
            "list unvouched services"
        }
        "GET" if path.contains("/services?") => "list services",
        "GET" if path.contains("/tasks?") && path.contains("access.name") => "list own tasks",
        "GET" if path.contains("/tasks?") => "list tasks",
        "GET" if path.contains("/secrets?") && path.contains("access.attempt") => {
            "list own secrets"
        }
        "GET" if path.contains("/secrets?") => "list secrets",
        "POST" if path.contains("/containers/create?") => "create",
        "POST" if path.ends_with("/volumes/create") => "create volume",
        "GET" if path.contains("/volumes?") => "list volumes",
        "DELETE" if path.contains("/volumes/") => "remove volume",
        "POST" if path.contains("/images/create?") => "pull",
        "POST" if path.contains("/stop?") => "stop",
        "PUT" => "archive",
        "GET" if path.contains("/networks?") => "look up the network",
        "POST" if path.ends_with("/start") => "start",
        "DELETE" if path.contains("force=true") => "remove by force",
        "DELETE" => "remove",
        "GET" if path.contains("%22name%22") => "list by name",
        "GET" if path.contains("%22id%22") => "list by id",
        "GET" if path.contains("%22label%22") => "list all",
        "GET" if path.contains("/images/") => "look up the image",
        "GET" if path.contains("/stats?") => "stats",
        _ => "inspect",
    }
}

/// Variables that differ from the defaults.
pub type Changes = [(&'static str, &'static str)];

/// The variables, with `changes` over those of the transcripts and the defaults.
pub fn variables(changes: &Changes) -> impl Fn(&'static str) -> Result<String, String> {
    const USUAL: [(&str, &str); 3] = [
        ("image_pull", "never"),
        ("service_urls", "https://host"),
        ("max_targets", "1"),
    ];
    move |name| {
        let mut set = changes.iter().chain(&USUAL);
        let set = set.find(|(known, _)| *known == name);
        let value = set.map(|(_, value)| *value).or_else(|| default(name));
        value
            .map(str::to_owned)
            .ok_or_else(|| "is not defined".to_owned())
    }
}

/// The default of a variable in `spin.toml`.
fn default(name: &str) -> Option<&'static str> {
    let mut lines = include_str!("../../spin.toml").lines();
    let rest = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(" = { default = \""));
    rest?.split('"').next()
}

/// Runs `webhook` against a script to the script's end.
#[track_caller]
pub fn run<T>(steps: Steps, webhook: impl AsyncFnOnce(Provisioner<'_, Script>) -> T) -> T {
    run_with(&[], steps, webhook)
}

/// The same, with other variables.
#[track_caller]
pub fn run_with<T>(
    changes: &Changes,
    steps: Steps,
    webhook: impl AsyncFnOnce(Provisioner<'_, Script>) -> T,
) -> T {
    let script = Script {
        steps: RefCell::new(steps.0.into()),
        clock: Cell::new(Duration::ZERO),
        random: Cell::default(),
        secrets: RefCell::default(),
    };
    let config = Config::parse(&variables(changes)).expect("a config");
    let calls = RefCell::new(Calls::default());
    let budget = Budget::starting(script.now());
    let engine = Engine::new(&script, &config, &calls, budget.work_until);
    let provisioner = Provisioner {
        platform: &script,
        config: &config,
        backend: Backend::new(engine, &config),
        budget,
    };
    let outcome = pollster::block_on(webhook(provisioner));
    let left: Vec<_> = script.steps.borrow().iter().map(|step| step.0).collect();
    assert_eq!(left, Vec::<&str>::new(), "calls that were not made");
    assert!(script.now() <= budget.answer_until, "{:?}", script.now());
    outcome
}

pub fn order() -> StartOrder {
    let token = Secret::new("a-token");
    StartOrder::of_webhook("https://host".to_owned(), token, "e".to_owned())
}

/// Starts a target.
#[track_caller]
pub fn start(changes: &Changes, steps: Steps) -> Result<Started, Error> {
    start_of(&order(), changes, steps)
}

/// Starts the target of an order.
#[track_caller]
pub fn start_of(order: &StartOrder, changes: &Changes, steps: Steps) -> Result<Started, Error> {
    run_with(changes, steps, async |provisioner| {
        provisioner.start(order).await
    })
}

pub fn created() -> Reply {
    Is(201, format!(r#"{{"Id":"{ID}","Warnings":[]}}"#))
}

/// A reply with this body.
pub fn shows(body: impl ToString) -> Reply {
    Is(200, body.to_string())
}

pub fn said(status: u16, message: &str) -> Reply {
    Is(status, format!(r#"{{"message":"{message}"}}"#))
}

pub fn done() -> Reply {
    Is(204, String::new())
}

pub fn none() -> Reply {
    shows("[]")
}

/// A list of volumes without any.
pub fn no_volumes() -> Reply {
    shows(r#"{"Volumes":null,"Warnings":null}"#)
}

/// A list of this token's container, with changes to its labels; it is 11
/// seconds old.
pub fn one(state: &str, changes: &[(&str, &str)]) -> Reply {
    list(&[entry(ID, state, TODAY, changes)])
}

pub fn list(entries: &[Value]) -> Reply {
    shows(json!(entries))
}

/// When this token's container was created: 11 seconds before the Engine's time.
pub const TODAY: i64 = 1_795_395_650;

pub fn entry(id: &str, state: &str, created: i64, changes: &[(&str, &str)]) -> Value {
    let deployment = DeploymentId::parse("dynamic-access").expect("an id");
    let token = if id == OTHER { "b-token" } else { "a-token" };
    let name = ContainerName::from_token(&deployment, &Secret::new(token));
    let mut labels = json!({
        "dynamic-access.deployment": "dynamic-access",
        "dynamic-access.name": name.as_str(),
        "dynamic-access.attempt": "0".repeat(32),
        "dynamic-access.service-url": "https://host",
        "dynamic-access.environment-id": "e",
    });
    for (label, value) in changes {
        labels[format!("dynamic-access.{label}")] = (*value).into();
    }
    json!({
        "Id": id,
        "Names": [format!("/{}", name.as_str())],
        "State": state,
        "Created": created,
        "Labels": labels,
    })
}

/// A container that somebody else made, whose image carries our label.
pub fn stranger(id: &str) -> Value {
    let mut stranger = entry(id, "running", 0, &[]);
    stranger["Names"] = json!(["/another"]);
    stranger
}

/// An inspect of this token's container, which has ended at that time of the day if it
/// has ended.
pub fn inspected(state: &str, exit_code: i64, finished: &str) -> Steps {
    call("inspect", shows(container(state, exit_code, finished)))
}

/// The body of such an inspect.
pub fn container(state: &str, exit_code: i64, finished: &str) -> Value {
    let entry = entry(ID, state, 0, &[]);
    json!({
        "Id": entry["Id"],
        "Name": entry["Names"][0],
        "Created": "2026-11-23T01:00:50Z",
        "State": {
            "Status": state,
            "ExitCode": exit_code,
            "FinishedAt": format!("2026-11-23T{finished}Z"),
        },
        "Config": {"Labels": entry["Labels"]},
    })
}

/// What an inspect shows while the container runs.
pub fn runs() -> Steps {
    inspected("running", 0, "")
}

/// The count of a target's processes and threads.
pub fn counts(tasks: u64) -> Steps {
    call("stats", shows(json!({"pids_stats": {"current": tasks}})))
}

/// The calls of a start until it has counted the targets.
pub fn until_counted() -> Steps {
    call("create", created()) + call("list all", one("created", &[]))
}

/// The calls of a start until the container has its secrets.
pub fn until_written() -> Steps {
    until_counted() + call("archive", shows(""))
}

/// The calls of a start until the container is started.
pub fn until_started() -> Steps {
    until_written() + call("start", done())
}

/// The calls that remove what a failed start has created.
pub fn cleaned_up() -> Steps {
    call("list by id", one("created", &[])) + call("remove", done())
}
