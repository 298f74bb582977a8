//! The beginning of a schedule, and the webhooks that are called.

use std::time::Duration;

use dynamic_access::provision::StartOrder;
use dynamic_access::secret::Secret;
use dynamic_access::{api, webhook};
use serde_json::json;

use crate::fate::Fates;
use crate::model::swarm::Move;
use crate::model::{Key, State};
use crate::tokens::{
    DEPLOYMENT, FIRST_KEY, FIRST_WAITING, environment, key_text, owner, token_text,
};

/// When schedules begin: there is time before them.
pub const BEGINNING: Duration = Duration::from_secs(100 * 24 * 60 * 60);

/// How long a request whose answer was lost may still take effect.
pub const LATE_WITHIN: Duration = Duration::from_secs(10 * 60);

/// The secret of the webhooks, which no answer and no log line may hold.
pub const WEBHOOK_SECRET: &str = "planted-webhook-secret";

/// The secret that opens `/v1`.
pub const API_SECRET: &str = "planted-api-secret";

pub const SERVICE_URL: &str = "https://cloud.bastionzero.com/";

/// One call of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
    Docker,
    Podman,
    Swarm(Habits),
}

/// The behaviour of a Swarm between the calls.
#[derive(Debug, Clone, Copy, Default)]
pub struct Habits {
    /// Whether a task shows each of its states before it runs.
    pub is_fine: bool,
    /// The move that no task makes during the work.
    pub stuck: Option<Move>,
    /// The calls through a manager that is older than the others.
    pub older: Option<Through>,
    /// Whether the Swarm misses the first update after which a task is to end.
    pub is_deaf: bool,
}

/// Which calls go through an older manager, which drops an option of each service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Through {
    Looks,
    Changes,
    Both,
}

/// How often each event may happen in one schedule, at any moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Left {
    /// A call has a fate other than an answer.
    pub faults: usize,
    /// Time passes although an actor could go on. On an Engine, the steps of others may
    /// then also overtake answers.
    pub delays: usize,
    /// A target ends by itself.
    pub ends: usize,
    /// The Engine is killed and started again.
    pub restarts: usize,
    /// Somebody removes a created container.
    pub prunes: usize,
    /// Time passes although a task of a Swarm could go on.
    pub lags: usize,
    /// A node rejects a task.
    pub rejections: usize,
    /// A node is lost.
    pub losses: usize,
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

/// Webhooks, given targets, and the statuses with which they may end while nothing fails;
/// on a Docker that has the image.
pub fn case<const N: usize>(
    name: &str,
    webhooks: [Webhook; N],
    given: &[Given],
    allowed: &[u16],
) -> Scenario {
    Scenario {
        name: name.to_owned(),
        place: Place::Docker,
        has_image: true,
        has_check: false,
        max_targets: 100,
        max_targets_per_owner: None,
        given: given.to_vec(),
        webhooks: webhooks.to_vec(),
        allowed: allowed.to_vec(),
        refusal: None,
        fates: Fates::Any,
        left: Left::default(),
    }
}

impl Scenario {
    /// Refused with its status, however often it is called.
    pub fn refused(self) -> Self {
        let refusal = self.allowed.last().copied();
        Self { refusal, ..self }
    }

    /// Without the image that a new target would need.
    pub fn without_image(self) -> Self {
        let has_image = false;
        Self { has_image, ..self }
    }

    /// With room for one target.
    pub fn limited(self) -> Self {
        let max_targets = 1;
        Self {
            max_targets,
            ..self
        }
    }

    /// With room for one target of each owner.
    pub fn limited_by_owner(self) -> Self {
        let max_targets_per_owner = Some(1);
        Self {
            max_targets_per_owner,
            ..self
        }
    }
}

/// The same scenarios in each of these places, with their names under `group`, and with
/// these events.
pub fn within(
    group: &str,
    places: &[Place],
    scenarios: &[Scenario],
    fates: Fates,
    left: Left,
) -> Vec<Scenario> {
    let in_place = |&place: &Place| {
        let suffix = if matches!(place, Place::Podman) {
            "-podman"
        } else {
            ""
        };
        scenarios.iter().map(move |scenario| Scenario {
            name: format!("{group}/{}{suffix}", scenario.name),
            place,
            fates,
            left,
            ..scenario.clone()
        })
    };
    places.iter().flat_map(in_place).collect()
}

impl Scenario {
    pub fn is_on_swarm(&self) -> bool {
        matches!(self.place, Place::Swarm(_))
    }

    /// The `Server` header of its replies. Docker's is of a version whose containers are
    /// not counted after a start.
    pub fn server(&self) -> &'static str {
        match self.place {
            Place::Podman => "Libpod/5.4.2 (linux)",
            Place::Docker | Place::Swarm(_) => "Docker/20.10.24 (linux)",
        }
    }

    /// The id of the target with this key.
    fn id_of(&self, key: Key) -> String {
        match self.place {
            Place::Docker | Place::Podman => key.container_id(),
            Place::Swarm(_) => key.swarm_id(),
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
            "scheduler" if self.is_on_swarm() => "swarm",
            "scheduler" => "engine",
            "docker_url" => "http://127.0.0.1:2375",
            "docker_plaintext" => "loopback",
            "agent_image" => return Ok(self.image()),
            "deployment_id" => DEPLOYMENT,
            "max_targets" => return Ok(self.max_targets.to_string()),
            "max_targets_per_owner" => {
                let max = self.max_targets_per_owner;
                return Ok(max.map(|max| max.to_string()).unwrap_or_default());
            }
            "max_lifetime" => "8d",
            "image_pull" => "missing",
            "api_secret" => API_SECRET,
            "operator_secret" | "registry_auth" | "docker_authorization" => "",
            "allow_capabilities" | "allow_volumes" => "",
            "container_patch" if self.has_check => r#"{"Healthcheck":{"Test":["CMD","true"]}}"#,
            "environments" => return Ok(self.environments()),
            "container_patch" => "{}",
            "container_patch_unsafe" => "refuse",
            "service_urls" => "https://*.bastionzero.com",
            "token_delivery" => "file",
            "stop_grace" => "0s",
            "ports" => r#"{"ssh":22}"#,
            "publish_address" => "0.0.0.0",
            "public_host" => "targets.example.com",
            _ => return Err("is not defined".to_owned()),
        };
        Ok(value.to_owned())
    }

    /// Every order of `/v1` chooses everything that it may.
    fn environments(&self) -> String {
        let allowed = json!({
            "allow": ["env", "command"],
            "images": [self.image()],
            "max": {"memory": "4GiB", "cpus": 2},
        });
        json!({environment(0): allowed, environment(1): allowed}).to_string()
    }

    fn image(&self) -> String {
        match self.is_on_swarm() {
            true => pinned_image(),
            false => "agent".to_owned(),
        }
    }
}

impl Webhook {
    pub const fn start(token: usize, payload: usize) -> Self {
        Self::Start { token, payload }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Start { .. } => "start",
            Self::Stop(_) => "stop",
            Self::Wait { .. } => "wait",
            Self::Renew(_) => "renew",
            Self::Health => "health",
            Self::Reap { .. } => "reap",
        }
    }

    /// The request that calls it.
    pub fn request(self, scenario: &Scenario) -> (http::request::Parts, Vec<u8>) {
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
                let wait = if token >= FIRST_WAITING {
                    "?wait=20s"
                } else {
                    ""
                };
                ("POST", format!("/v1/targets{wait}"), body.to_string())
            }
            Self::Start { token, payload } => {
                let body = json!({
                    "serviceUrl": SERVICE_URL,
                    "activationToken": token_text(token),
                    "environmentId": environment(payload),
                });
                ("POST", "/start".to_owned(), body.to_string())
            }
            Self::Stop(key) => {
                let body = json!({ "uniqueId": scenario.id_of(key) });
                ("POST", "/stop".to_owned(), body.to_string())
            }
            Self::Wait { key, until_ended } => {
                let id = scenario.id_of(key);
                let awaited = if until_ended { "ended" } else { "ready" };
                let uri = format!("/v1/targets/{id}/wait?for={awaited}");
                ("GET", uri, String::new())
            }
            Self::Renew(key) => {
                let uri = format!("/v1/targets/{}/renew", scenario.id_of(key));
                ("POST", uri, json!({"lifetime": "1d"}).to_string())
            }
            Self::Health => ("GET", "/health".to_owned(), String::new()),
            Self::Reap { dry_run: false } => ("POST", "/reap".to_owned(), String::new()),
            Self::Reap { dry_run: true } => ("POST", "/reap?dry_run=1".to_owned(), String::new()),
        };
        let mut request = http::Request::builder().method(method).uri(uri);
        request = match self {
            Self::Start { token, .. } if token >= FIRST_KEY => request
                .header("authorization", format!("Bearer {API_SECRET}"))
                .header("idempotency-key", key_text(token)),
            Self::Wait { .. } | Self::Renew(_) => {
                request.header("authorization", format!("Bearer {API_SECRET}"))
            }
            _ => request.header("authorization", format!("Basic {WEBHOOK_SECRET}")),
        };
        let (head, ()) = request
            .body(())
            .expect("the parts of a request that are all constants")
            .into_parts();
        (head, body.into_bytes())
    }
}

/// An image with a digest, as a Swarm needs it.
fn pinned_image() -> String {
    format!("agent@sha256:{:064}", 0)
}
