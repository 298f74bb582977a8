//! The given targets, there before the first call: some are ours, and many are not.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::LazyLock;
use std::time::Duration;

use dynamic_access::docker::swarm::template;
use serde_json::json;

use crate::model::engine::{Container, Volume};
use crate::model::swarm::{Habit, Nodes, Secret, Service, Spec, Swarm, TaskState};
use crate::model::{Engine, Key, Kind, Orchestrator, State};
use crate::scenario::{BEGINNING, Given, Place, SERVICE_URL, Scenario};
use crate::tokens::{DEPLOYMENT, TAKEN, name_of, token_text};

impl Scenario {
    /// The orchestrator before the first call.
    pub fn orchestrator(&self) -> Orchestrator {
        match self.place {
            Place::Engine(kind) => Orchestrator::Engine(self.on_engine(kind)),
            Place::Swarm(habit) => Orchestrator::Swarm(self.on_swarm(habit)),
        }
    }

    fn on_swarm(&self, habit: Habit) -> Swarm {
        thread_local! {
            static FOREIGN: (Vec<Service>, Vec<Rc<Secret>>) = foreign_on_swarm();
        }
        let (mut services, mut secrets) = FOREIGN.with(Clone::clone);
        for (number, given) in self.given.iter().enumerate() {
            let name = name_of(given.token);
            let mut labels = self.labels_of(given, &format!("given-{number}"));
            if let Some(renewed) = given.renewed {
                labels.insert(label("renewed"), renewed.as_secs().to_string());
            }
            let secret = secret(Key::given(SECRETS + number), &labels, given.age);
            let secret = Some(secret).filter(|_| given.state != State::Created);
            let key = Key::given(number);
            let token = Some((token_text(given.token), secret.as_ref()));
            services.push(service(key, &name, labels, given.state, given.age, token));
            secrets.extend(secret.map(Rc::new));
        }
        Swarm {
            has_image: self.has_image,
            habit,
            services,
            secrets,
            nodes: Nodes::AllThere,
        }
    }

    fn on_engine(&self, kind: Kind) -> Engine {
        let mut containers = FOREIGN.clone();
        let mut volumes = foreign_volumes();
        for (number, given) in self.given.iter().enumerate() {
            let name = name_of(given.token);
            let labels = self.labels_of(given, "given");
            let key = Key::given(number);
            if let Some(lifetime) = given.renewed {
                volumes.push(volume_of(key, lifetime, RENEWED_AGO));
                volumes.push(volume_of(key, lifetime / 2, 2 * RENEWED_AGO));
            }
            let mut given = container(key, &name, labels, given.state, given.age);
            given.has_check = self.has_check && kind == Kind::Docker;
            containers.push(given);
        }
        Engine {
            kind,
            has_image: self.has_image,
            containers,
            volumes,
            lists: Vec::new(),
        }
    }

    /// The labels of a target of ours.
    fn labels_of(&self, given: &Given, attempt: &str) -> BTreeMap<String, String> {
        let order = self.order(given.token, 0);
        let mut labels = labels(&name_of(given.token), attempt);
        labels.insert(label("order"), order.digest());
        labels.insert(label("owner"), order.owner.unwrap_or_default());
        labels
    }
}

/// How long ago a target was renewed that is there before: so long that the renewal before
/// that is of no use.
const RENEWED_AGO: Duration = Duration::from_secs(600);

/// A renewal of a given target.
fn volume_of(key: Key, lifetime: Duration, ago: Duration) -> Volume {
    let (id, seconds) = (key.container_id(), lifetime.as_secs());
    Volume {
        name: format!("{DEPLOYMENT}-{id}-{seconds}"),
        deployment: Some(DEPLOYMENT.to_owned()),
        created: BEGINNING - ago,
    }
}

/// Somebody else's volumes that look like renewals of the first target.
fn foreign_volumes() -> Vec<Volume> {
    let id = Key::given(0).container_id();
    let ours = format!("{DEPLOYMENT}-{id}-");
    let volume = |name: String, deployment: Option<&str>| Volume {
        name,
        deployment: deployment.map(str::to_owned),
        created: Duration::ZERO,
    };
    vec![
        volume("db".to_owned(), None),
        volume(format!("{ours}0"), None),
        volume(format!("{ours}00"), Some(DEPLOYMENT)),
        volume(format!("{ours}x"), Some(DEPLOYMENT)),
        volume(format!("other-{id}-0"), Some("other")),
    ]
}

/// Whether a volume is one of these.
pub fn is_foreign_volume(name: &str) -> bool {
    foreign_volumes().iter().any(|volume| volume.name == name)
}

/// The number from which the keys of given targets belong to their secrets.
const SECRETS: usize = 500;

/// Names and labels that look like ours in every way except the one that counts.
static LOOKS: LazyLock<Vec<(String, Labels)>> = LazyLock::new(|| {
    vec![
        // Nothing in common.
        ("db".to_owned(), |_| BTreeMap::new()),
        // From an image that was committed from a container of ours.
        ("copy".to_owned(), |_| labels(&name_of(0), "image")),
        // Our prefix, and no labels.
        (format!("{}-{:040x}", DEPLOYMENT, 7), |_| BTreeMap::new()),
        // Another deployment's, otherwise correct.
        ("other".to_owned(), |name| {
            let mut labels = labels(name, "other");
            labels.insert(label("deployment"), "other".to_owned());
            labels
        }),
        // Only one of the two labels that make a container ours.
        ("half".to_owned(), |_| {
            BTreeMap::from([(label("deployment"), DEPLOYMENT.to_owned())])
        }),
        ("half-name".to_owned(), |name| {
            BTreeMap::from([(label("name"), name.to_owned())])
        }),
        // The name of a token's container, by accident or malice.
        (name_of(TAKEN), |_| BTreeMap::new()),
    ]
});

/// Each of them in every state that would be a reason to remove it.
fn foreign<T>(make: impl Fn(Key, &str, BTreeMap<String, String>, State, Duration) -> T) -> Vec<T> {
    let age = Duration::from_secs(30 * 24 * 60 * 60);
    let mut made = Vec::new();
    for (look, labels) in LOOKS.iter() {
        for (state, suffix) in [
            (State::Running, ""),
            (State::Created, "-created"),
            (State::Exited, "-exited"),
        ] {
            let key = Key::foreign(made.len());
            let name = format!("{look}{suffix}");
            made.push(make(key, &name, labels(&name), state, age));
        }
    }
    made
}

static FOREIGN: LazyLock<Vec<Container>> = LazyLock::new(|| foreign(container));

/// The services and secrets of others, in the same states.
fn foreign_on_swarm() -> (Vec<Service>, Vec<Rc<Secret>>) {
    let services = foreign(|key, name, mut labels, state, age| {
        // A task does not show the name of its service, so a full copy of a service of
        // ours blocks starts of its token. Here nobody starts that token. The copy also
        // counts as a target, unless the original had no vouch yet, as here.
        if name.starts_with("copy") {
            labels.insert(label("name"), name_of(9));
            labels.insert(label("vouched"), "false".to_owned());
        }
        service(key, name, labels, state, age, None)
    });
    let secrets = foreign(|key, name, labels, _, age| {
        let key = Key::foreign(key.call);
        // An object with our labels is ours; our name alone is not enough.
        let labels = if name.starts_with("copy") {
            BTreeMap::new()
        } else {
            labels
        };
        let content = "somebody else's".into();
        Rc::new(Secret {
            name: format!("{name}-0"),
            content,
            ..secret(key, &labels, age)
        })
    });
    (services, secrets)
}

/// The labels of a container with this name.
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
        // Of 16 days.
        ("max-renewed", "1382400"),
    ]
    .into_iter()
    .map(|(key, value)| (label(key), value.to_owned()))
    .collect()
}

fn container(
    key: Key,
    name: &str,
    labels: BTreeMap<String, String>,
    state: State,
    age: Duration,
) -> Container {
    let created = BEGINNING - age;
    let ended = matches!(state, State::Exited | State::Dead);
    Container {
        finished: ended.then_some(created),
        ..Container::new(key, name, labels, state, created)
    }
}

/// A service, with its task if it should have one.
fn service(
    key: Key,
    name: &str,
    mut labels: BTreeMap<String, String>,
    state: State,
    age: Duration,
    token: Option<(String, Option<&Secret>)>,
) -> Service {
    let of_container = labels.clone();
    let task = match state {
        State::Starting => Some(TaskState::Preparing),
        State::Running | State::Stopping => Some(TaskState::Running),
        State::Exited => Some(TaskState::Failed),
        _ => None,
    };
    if token.is_some() {
        let is_vouched = matches!(state, State::Running | State::Exited);
        labels.insert(label("vouched"), is_vouched.to_string());
    }
    if state == State::Dead {
        labels.insert(label("fenced"), "true".to_owned());
    }
    let (token, secret) = token.unzip();
    let ids: Vec<_> = secret
        .flatten()
        .iter()
        .map(|secret| json!({"SecretID": *secret.id}))
        .collect();
    let mut spec = json!({
        "Name": name,
        "Labels": labels,
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": "agent",
                "Labels": of_container,
                "Privileges": {"NoNewPrivileges": true},
                "Secrets": ids,
            },
            "RestartPolicy": {"Condition": "none"},
        },
        "Mode": {"Replicated": {"Replicas": u64::from(task.is_some())}},
    });
    if task.is_some() {
        spec["Labels"][label("template")] = template::digest(&spec).into();
    }
    let spec = Spec::read(spec.to_string().as_bytes()).expect("a specification");
    let created = BEGINNING - age;
    let mut service = Service::new(key, spec, created);
    service.token = token.filter(|_| task.is_some()).map(Into::into);
    if let Some(state) = task {
        service.make_task(state, created);
    }
    // Somebody has deleted it, and its node does not know yet.
    service.is_deleted = state == State::Stopping;
    service
}

/// The secret of a given target.
fn secret(key: Key, labels: &BTreeMap<String, String>, age: Duration) -> Secret {
    let attempt = labels.get(&label("attempt")).cloned();
    let attempt = attempt.unwrap_or_default();
    Secret {
        key,
        id: key.swarm_id().into(),
        name: format!("{DEPLOYMENT}-{attempt}-0"),
        labels: labels.clone(),
        content: "planted".into(),
        created: BEGINNING - age,
    }
}
