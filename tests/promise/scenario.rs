//! What a schedule begins with: an Engine, and the webhooks that are called.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use dynamic_access::docker::{ContainerName, DeploymentId};
use dynamic_access::secret::Secret;
use serde_json::json;

use crate::fate::Fates;
use crate::model::{Container, Engine, Key, Kind, State};

/// When schedules begin, so that there is a time before.
pub const BEGINNING: Duration = Duration::from_secs(100 * 24 * 60 * 60);

/// What no answer and no log line may hold.
pub const WEBHOOK_SECRET: &str = "planted-webhook-secret";

/// The secret that opens `/v1`.
const API_SECRET: &str = "planted-api-secret";

/// How many tokens there are.
const TOKENS: usize = 32;

/// The first of the tokens that are idempotency keys: a start of one of these is a
/// `POST /v1/targets`.
pub const FIRST_KEY: usize = 24;

const DEPLOYMENT: &str = "dynamic-access";

const SERVICE_URL: &str = "https://cloud.bastionzero.com/";

/// One call of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Webhook {
    /// With the token of that number, and one of two payloads, in the dialect of the
    /// token: `/start`, or `POST /v1/targets`.
    Start {
        token: usize,
        payload: usize,
    },
    /// Of the container with that key.
    Stop(Key),
    Health,
    Reap {
        dry_run: bool,
    },
}

/// A container of this deployment that is there before.
#[derive(Debug, Clone, Copy)]
pub struct Given {
    pub token: usize,
    pub state: State,
    pub age: Duration,
}

/// What a schedule begins with, and how far schedules are followed.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub name: String,
    pub engine: Kind,
    pub has_image: bool,
    pub max_targets: usize,
    pub given: Vec<Given>,
    /// Whether somebody else's container has the first token's name.
    pub name_is_foreign: bool,
    pub webhooks: Vec<Webhook>,
    /// The statuses with which the webhooks may end while nothing fails.
    pub allowed: Vec<u16>,
    /// The status with which they may be refused however often they are called.
    pub refusal: Option<u16>,
    /// How many calls have another fate than to be answered.
    pub faults: usize,
    pub fates: Fates,
    /// How many requests whose answers were lost may be on their way at a
    /// time; one more is lost for good.
    pub adrift: usize,
    /// Whether an answer can be overtaken by what others do.
    pub late_replies: bool,
    /// How often time passes although somebody could go on.
    pub delays: usize,
    /// How many targets end by themselves.
    pub ends: usize,
    /// How often the Engine is stopped and started.
    pub restarts: usize,
    /// How many created containers somebody prunes.
    pub prunes: usize,
}

impl Scenario {
    /// Webhooks on an Engine that has the image and foreign containers alone.
    pub fn new(name: impl Into<String>, webhooks: &[Webhook]) -> Self {
        Self {
            name: name.into(),
            engine: Kind::Docker,
            has_image: true,
            max_targets: 100,
            given: Vec::new(),
            name_is_foreign: false,
            webhooks: webhooks.to_vec(),
            allowed: vec![200],
            refusal: None,
            faults: 0,
            fates: Fates::Faults,
            adrift: 1,
            late_replies: false,
            delays: 0,
            ends: 0,
            restarts: 0,
            prunes: 0,
        }
    }

    /// How long after it was sent a request whose answer was lost may take
    /// effect.
    ///
    /// A place under `max_targets` is held for a container that is created
    /// for as long as it may be started, which is two minutes; an Engine that
    /// sits on a start for longer can exceed the limit by that one.
    pub fn late_within(&self) -> Duration {
        if self.max_targets == 1 {
            Duration::from_secs(90)
        } else {
            Duration::from_secs(10 * 60)
        }
    }

    /// The Engine as it is before.
    pub fn engine(&self) -> Engine {
        let mut containers = FOREIGN.clone();
        if !self.name_is_foreign {
            containers.retain(|container| *container.name != *name_of(0));
        }
        for (number, given) in self.given.iter().enumerate() {
            let name = name_of(given.token);
            let labels = labels(&name, "given");
            let key = Key::given(number);
            containers.push(container(key, name, labels, given.state, given.age));
        }
        Engine {
            kind: self.engine,
            has_image: self.has_image,
            containers,
        }
    }

    /// The value of an application variable.
    pub fn variable(&self, name: &'static str) -> Result<String, String> {
        let value = match name {
            "webhook_secret" => WEBHOOK_SECRET,
            "scheduler" => "engine",
            "docker_url" => "http://127.0.0.1:2375",
            "docker_plaintext" => "loopback",
            "agent_image" => "agent",
            "deployment_id" => DEPLOYMENT,
            "max_targets" => return Ok(self.max_targets.to_string()),
            "max_lifetime" => "8d",
            "image_pull" => "missing",
            "api_secret" => API_SECRET,
            "operator_secret" | "registry_auth" | "docker_authorization" => "",
            "container_patch" | "environments" => "{}",
            "container_patch_unsafe" => "refuse",
            "service_urls" => "https://*.bastionzero.com",
            "token_delivery" => "file",
            "stop_grace" => "0s",
            _ => return Err("is not defined".to_owned()),
        };
        Ok(value.to_owned())
    }
}

impl Webhook {
    pub fn name(self) -> &'static str {
        match self {
            Self::Start { .. } => "start",
            Self::Stop(_) => "stop",
            Self::Health => "health",
            Self::Reap { .. } => "reap",
        }
    }

    /// The request that calls it.
    pub fn request(self) -> (http::request::Parts, Vec<u8>) {
        let (method, uri, body) = match self {
            Self::Start { token, payload } if token >= FIRST_KEY => {
                let body = json!({
                    "environment": environment(payload),
                    "serviceUrl": SERVICE_URL,
                    "secrets": {"activation-token": token_text(token)},
                });
                ("POST", "/v1/targets", body.to_string())
            }
            Self::Start { token, payload } => {
                let body = json!({
                    "serviceUrl": SERVICE_URL,
                    "activationToken": token_text(token),
                    "environmentId": environment(payload),
                });
                ("POST", "/start", body.to_string())
            }
            Self::Stop(key) => {
                let body = json!({"uniqueId": key.id()});
                ("POST", "/stop", body.to_string())
            }
            Self::Health => ("GET", "/health", String::new()),
            Self::Reap { dry_run: false } => ("POST", "/reap", String::new()),
            Self::Reap { dry_run: true } => ("POST", "/reap?dry_run=1", String::new()),
        };
        let mut request = http::Request::builder().method(method).uri(uri);
        request = match self {
            Self::Start { token, .. } if token >= FIRST_KEY => request
                .header("authorization", format!("Bearer {API_SECRET}"))
                .header("idempotency-key", key_text(token)),
            _ => request.header("authorization", format!("Basic {WEBHOOK_SECRET}")),
        };
        let (head, ()) = request
            .body(())
            .expect("the parts of a request that are all constants")
            .into_parts();
        (head, body.into_bytes())
    }
}

/// An activation token, which no answer and no log line may hold either.
pub fn token_text(token: usize) -> String {
    format!("planted-token-{token}-4b6f52b5")
}

/// An idempotency key, which nothing at all may hold.
fn key_text(token: usize) -> String {
    format!("planted-key-{token}-8e03978e")
}

pub fn environment(payload: usize) -> String {
    format!("environment-{payload}")
}

/// The name of a token's container.
pub fn name_of(token: usize) -> String {
    static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let deployment = DeploymentId::parse(DEPLOYMENT).expect("a deployment's id");
        let name = |token| {
            if token >= FIRST_KEY {
                let key = Secret::new(key_text(token));
                return ContainerName::from_idempotency_key(&deployment, &key);
            }
            let token = Secret::new(token_text(token));
            ContainerName::from_token(&deployment, &token)
        };
        (0..TOKENS)
            .map(|token| name(token).as_str().to_owned())
            .collect()
    });
    NAMES[token].clone()
}

/// The number from which on given containers are somebody else's.
const FIRST_FOREIGN: usize = 1000;

/// The key of a container that is somebody else's.
pub fn foreign_key(number: usize) -> Key {
    Key::given(FIRST_FOREIGN + number)
}

pub fn is_foreign(key: Key) -> bool {
    key.is_given() && key.call >= FIRST_FOREIGN
}

/// Containers that look like ours in every way but the one that counts, each
/// in every state that would be a reason to remove it.
static FOREIGN: LazyLock<Vec<Container>> = LazyLock::new(|| {
    let looks: Vec<(String, Labels)> = vec![
        // Nothing in common.
        ("db".to_owned(), |_| BTreeMap::new()),
        // From an image that was committed from a container of ours.
        ("copy".to_owned(), |_| labels(&name_of(0), "image")),
        // Our prefix, and no labels.
        (format!("{}-{:040x}", DEPLOYMENT, 7), |_| BTreeMap::new()),
        // Another deployment's, right in itself.
        ("other".to_owned(), |name| {
            let mut labels = labels(name, "other");
            labels.insert(label("deployment"), "other".to_owned());
            labels
        }),
        // One of the two labels that make a container ours.
        ("half".to_owned(), |_| {
            BTreeMap::from([(label("deployment"), DEPLOYMENT.to_owned())])
        }),
        ("half-name".to_owned(), |name| {
            BTreeMap::from([(label("name"), name.to_owned())])
        }),
        // The name of the first token's container, by accident or malice.
        (name_of(0), |_| BTreeMap::new()),
    ];
    let age = Duration::from_secs(30 * 24 * 60 * 60);
    let mut containers = Vec::new();
    for (look, labels) in looks {
        for (state, suffix) in [
            (State::Running, ""),
            (State::Created, "-created"),
            (State::Exited, "-exited"),
        ] {
            let key = foreign_key(containers.len());
            let name = format!("{look}{suffix}");
            let labels = labels(&name);
            containers.push(container(key, name, labels, state, age));
        }
    }
    containers
});

/// The labels of a container of that name.
type Labels = fn(&str) -> BTreeMap<String, String>;

fn label(name: &str) -> String {
    format!("dynamic-access.{name}")
}

fn labels(name: &str, attempt: &str) -> BTreeMap<String, String> {
    [
        ("deployment", DEPLOYMENT),
        ("name", name),
        ("attempt", attempt),
        ("service-url", SERVICE_URL),
        ("environment-id", "environment-0"),
        ("start-within", "120"),
        ("max-lifetime", "691200"),
    ]
    .into_iter()
    .map(|(key, value)| (label(key), value.to_owned()))
    .collect()
}

fn container(
    key: Key,
    name: String,
    labels: BTreeMap<String, String>,
    state: State,
    age: Duration,
) -> Container {
    let created = BEGINNING - age;
    let ended = matches!(state, State::Exited | State::Dead);
    Container {
        finished: ended.then_some(created),
        ..Container::new(key, &name, labels, state, created)
    }
}
