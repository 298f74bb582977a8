//! The beginning of a schedule, and the webhooks that are called.

use std::time::Duration;

use dynamic_access::order::StartOrder;
use dynamic_access::secret::Secret;
use dynamic_access::{api, webhook};
use serde_json::{Value, json};

use crate::fate::Fates;
use crate::model::swarm::Habit;
use crate::model::{Key, Kind, State};
use crate::tokens::{FIRST_KEY, FIRST_WAITING, environment, key_text, owner, token_text};

/// When schedules begin: there is time before them.
pub const BEGINNING: Duration = Duration::from_secs(100 * 24 * 60 * 60);

/// How long a request whose answer was lost may still take effect.
pub const LATE_WITHIN: Duration = Duration::from_secs(10 * 60);

/// The secret of the webhooks, which no answer and no log line may hold.
pub const WEBHOOK_SECRET: &str = "planted-webhook-secret";

/// The secret that opens `/v1`.
pub const API_SECRET: &str = "planted-api-secret";

pub const SERVICE_URL: &str = "https://cloud.bastionzero.com/";

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Webhook {
    /// A start with this token and one of two payloads, by the token's route: `/start` or
    /// `POST /v1/targets`.
    Start {
        token: usize,
        payload: usize,
    },
    /// A stop of the container with this key.
    Stop(Key),
    /// A wait for the container with this key, until it is ready or has ended.
    Wait {
        key: Key,
        until_ended: bool,
    },
    /// A renewal of the container with this key, for a day.
    Renew(Key),
    #[default]
    Health,
    Reap {
        dry_run: bool,
    },
}

/// A given target: it belongs to this deployment and is there before the schedule.
#[derive(Debug, Clone, Copy)]
pub struct Given {
    pub token: usize,
    pub state: State,
    pub age: Duration,
    /// The age up to which it was renewed.
    pub renewed: Option<Duration>,
}

/// The orchestrator, which carries out the calls.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    Engine(Kind),
    Swarm(Habit),
}

pub const DOCKER: &[Place] = &[Place::Engine(Kind::Docker)];
pub const ENGINES: &[Place] = &[Place::Engine(Kind::Docker), Place::Engine(Kind::Podman)];
pub const SWARM: &[Place] = &[Place::Swarm(Habit::Plain)];

/// An event that may happen once in a schedule, at any moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A call has a fate other than an answer.
    Fault,
    /// Time passes although an actor could go on. On an Engine, the steps of others may
    /// then also overtake answers.
    Delay,
    /// A target ends by itself.
    End,
    /// The Engine is killed and started again.
    Restart,
    /// Somebody removes a created container.
    Prune,
    /// Time passes although a task of a Swarm could go on.
    Lag,
    /// A node rejects a task.
    Rejection,
    /// A node is lost.
    Loss,
}

/// How often each event may still happen.
#[derive(Debug, Clone, Copy, Default, Hash)]
pub struct Left([u8; 8]);

impl Left {
    pub fn of(events: &[Event]) -> Self {
        let mut left = Self::default();
        for event in events {
            left.0[*event as usize] += 1;
        }
        left
    }

    pub fn has(self, event: Event) -> bool {
        self.0[event as usize] > 0
    }

    /// Lets an event happen, if it may.
    pub fn take(&mut self, event: Event) {
        let left = &mut self.0[event as usize];
        *left = left.saturating_sub(1);
    }
}

/// The beginning of a schedule, and the events that may happen in it.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub name: String,
    pub place: Place,
    pub has_image: bool,
    /// Whether containers have a health check.
    pub has_check: bool,
    pub max_targets: usize,
    pub max_targets_per_owner: Option<usize>,
    pub given: Vec<Given>,
    pub webhooks: Vec<Webhook>,
    /// The statuses with which the webhooks may end while nothing fails.
    pub allowed: Vec<u16>,
    /// The status of a refusal that stays, however often they are called.
    pub refusal: Option<u16>,
    pub fates: Fates,
    pub left: Left,
}

impl Scenario {
    pub fn is_on_swarm(&self) -> bool {
        matches!(self.place, Place::Swarm(_))
    }

    /// The `Server` header of its replies. Docker's is of a version whose containers are
    /// not counted after a start.
    pub fn server(&self) -> &'static str {
        match self.place {
            Place::Engine(Kind::Podman) => "Libpod/5.4.2 (linux)",
            _ => "Docker/20.10.24 (linux)",
        }
    }

    /// The order of a start.
    pub fn order(&self, token: usize, payload: usize) -> StartOrder {
        let (_, body) = Webhook::Start { token, payload }.request(self);
        let order = match token >= FIRST_KEY {
            true => api::body::parse_start(Secret::new(key_text(token)), &body),
            false => webhook::body::parse_start(&body),
        };
        order.expect("an order that its server takes")
    }

    /// The value of an application variable.
    pub fn variable(&self, name: &'static str) -> Result<String, String> {
        let value = match name {
            "webhook_secret" => WEBHOOK_SECRET,
            "api_secret" => API_SECRET,
            "scheduler" if self.is_on_swarm() => "swarm",
            "agent_image" => self.image(),
            "max_targets" => return Ok(self.max_targets.to_string()),
            "max_targets_per_owner" => {
                let max = self.max_targets_per_owner.map(|max| max.to_string());
                return Ok(max.unwrap_or_default());
            }
            "container_patch" if self.has_check => r#"{"Healthcheck":{"Test":["CMD","true"]}}"#,
            "environments" => {
                // Every order of `/v1` chooses everything that it may.
                let allowed = json!({
                    "allow": ["env", "command"],
                    "images": [self.image()],
                    "max": {"memory": "4GiB", "cpus": 2},
                });
                return Ok(json!({environment(0): allowed, environment(1): allowed}).to_string());
            }
            "ports" => r#"{"ssh":22}"#,
            "publish_address" => "0.0.0.0",
            "public_host" => "targets.example.com",
            name => default(name).ok_or("is not defined")?,
        };
        Ok(value.to_owned())
    }

    /// On a Swarm, it needs a digest.
    fn image(&self) -> &'static str {
        match self.is_on_swarm() {
            true => "agent@sha256:0000000000000000000000000000000000000000000000000000000000000000",
            false => "agent",
        }
    }
}

impl Webhook {
    /// The request that calls it.
    pub fn request(self, scenario: &Scenario) -> (http::request::Parts, Vec<u8>) {
        let id = |key: Key| match scenario.place {
            Place::Engine(_) => key.container_id(),
            Place::Swarm(_) => key.swarm_id(),
        };
        let target = |key, rest: &str| format!("/v1/targets/{}/{rest}", id(key));
        let (method, uri, body) = match self {
            Self::Start { token, payload } if token >= FIRST_KEY => {
                let body = json!({
                    "environment": environment(payload),
                    "serviceUrl": SERVICE_URL,
                    "secrets": {"activation-token": {"value": token_text(token), "owner": 1000}},
                    "env": {"A": "b"},
                    "command": ["sh", "-c", "true"],
                    "image": scenario.image(),
                    "resources": {"memory": "2GiB", "cpus": 1.5},
                    "owner": owner(token),
                });
                let waits = token >= FIRST_WAITING;
                let wait = if waits { "?wait=20s" } else { "" };
                ("POST", format!("/v1/targets{wait}"), body)
            }
            Self::Start { token, payload } => {
                let body = json!({
                    "serviceUrl": SERVICE_URL,
                    "activationToken": token_text(token),
                    "environmentId": environment(payload),
                });
                ("POST", "/start".to_owned(), body)
            }
            Self::Stop(key) => ("POST", "/stop".to_owned(), json!({"uniqueId": id(key)})),
            Self::Wait { key, until_ended } => {
                let awaited = if until_ended { "ended" } else { "ready" };
                (
                    "GET",
                    target(key, &format!("wait?for={awaited}")),
                    Value::Null,
                )
            }
            Self::Renew(key) => ("POST", target(key, "renew"), json!({"lifetime": "1d"})),
            Self::Health => ("GET", "/health".to_owned(), Value::Null),
            Self::Reap { dry_run } => {
                let query = if dry_run { "?dry_run=1" } else { "" };
                ("POST", format!("/reap{query}"), Value::Null)
            }
        };
        let authorization = match uri.starts_with("/v1") {
            true => format!("Bearer {API_SECRET}"),
            false => format!("Basic {WEBHOOK_SECRET}"),
        };
        let mut request = http::Request::builder().method(method).uri(uri);
        request = request.header("authorization", authorization);
        if let Self::Start { token, .. } = self
            && token >= FIRST_KEY
        {
            request = request.header("idempotency-key", key_text(token));
        }
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        let body = (!body.is_null()).then(|| body.to_string().into_bytes());
        (parts, body.unwrap_or_default())
    }
}

/// The default of a variable in `spin.toml`.
fn default(name: &str) -> Option<&'static str> {
    let mut lines = include_str!("../../spin.toml").lines();
    let rest = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(" = { default = \""));
    rest?.split('"').next()
}
