//! The given targets, there before the first call: some are ours, and many are not.

use std::rc::Rc;
use std::time::Duration;

use dynamic_access::docker::swarm::template;
use serde_json::json;

use crate::model::engine::{Container, Volume};
use crate::model::swarm::{Habit, Nodes, Secret, Service, Spec, Swarm, TaskState};
use crate::model::{Engine, Key, Kind, Labels, Orchestrator, State};
use crate::scenario::{BEGINNING, Given, Place, SERVICE_URL, Scenario};
use crate::tokens::{DEPLOYMENT, TAKEN, name_of, token_text};

/// The number from which the keys of given targets belong to their secrets.
const SECRETS: usize = 500;

/// How long ago a target was renewed that is there before: so long that the renewal before
/// that is of no use.
const RENEWED_AGO: Duration = Duration::from_secs(600);

/// A container or a service that is there before.
struct Object {
    key: Key,
    name: String,
    labels: Labels,
    state: State,
    created: Duration,
}

impl Scenario {
    /// The orchestrator before the first call.
    pub fn orchestrator(&self) -> Orchestrator {
        match self.place {
            Place::Engine(kind) => Orchestrator::Engine(self.on_engine(kind)),
            Place::Swarm(habit) => Orchestrator::Swarm(self.on_swarm(habit)),
        }
    }

    fn on_swarm(&self, habit: Habit) -> Swarm {
        let (mut services, mut secrets) = foreign_on_swarm();
        for (number, given) in self.given.iter().enumerate() {
            let mut object = self.object(number, &format!("given-{number}"));
            if let Some(renewed) = given.renewed {
                let seconds = renewed.as_secs().to_string();
                object.labels.insert(label("renewed"), seconds);
            }
            let secret = (given.state != State::Created).then(|| {
                let attempt = &object.labels["dynamic-access.attempt"];
                let name = format!("{DEPLOYMENT}-{attempt}-0");
                secret(Key::given(SECRETS + number), &object, name, "planted")
            });
            services.push(service(object, Some((given.token, secret.as_deref()))));
            secrets.extend(secret);
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
        let mut containers: Vec<_> = foreign().into_iter().map(container).collect();
        let mut volumes = foreign_volumes();
        for (number, given) in self.given.iter().enumerate() {
            let key = Key::given(number);
            if let Some(lifetime) = given.renewed {
                volumes.push(renewal(key, lifetime, RENEWED_AGO));
                volumes.push(renewal(key, lifetime / 2, 2 * RENEWED_AGO));
            }
            let mut given = container(self.object(number, "given"));
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

    /// The given target with this number.
    fn object(&self, number: usize, attempt: &str) -> Object {
        let Given {
            token, state, age, ..
        } = self.given[number];
        let order = self.order(token, 0);
        let mut labels = target_labels(DEPLOYMENT, name_of(token), attempt);
        labels.insert(label("order"), order.digest());
        labels.insert(label("owner"), order.owner.unwrap_or_default());
        Object {
            key: Key::given(number),
            name: name_of(token).to_owned(),
            labels,
            state,
            created: BEGINNING - age,
        }
    }
}

fn volume(name: String, deployment: Option<&str>, created: Duration) -> Volume {
    let label = |deployment: &str| (label("deployment"), deployment.to_owned());
    let labels = deployment.into_iter().map(label).collect();
    Volume {
        name,
        labels,
        created,
    }
}

/// A renewal of a given target.
fn renewal(key: Key, lifetime: Duration, ago: Duration) -> Volume {
    let (id, seconds) = (key.container_id(), lifetime.as_secs());
    let name = format!("{DEPLOYMENT}-{id}-{seconds}");
    volume(name, Some(DEPLOYMENT), BEGINNING - ago)
}

/// Somebody else's volumes that look like renewals of the first target.
fn foreign_volumes() -> Vec<Volume> {
    let id = Key::given(0).container_id();
    let ours = format!("{DEPLOYMENT}-{id}-");
    let volume = |name, deployment| volume(name, deployment, Duration::ZERO);
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

fn label(name: &str) -> String {
    format!("dynamic-access.{name}")
}

/// These labels of ours, in words.
fn labels(words: &str) -> Labels {
    let pairs = words.split(' ').filter_map(|word| word.split_once('='));
    pairs
        .map(|(key, value)| (label(key), value.to_owned()))
        .collect()
}

/// The labels of a target. The longest lifetime is of 16 days.
fn target_labels(deployment: &str, name: &str, attempt: &str) -> Labels {
    labels(&format!(
        "deployment={deployment} name={name} attempt={attempt} service-url={SERVICE_URL} \
         environment-id=environment-0 start-within=120 max-lifetime=691200 max-renewed=1382400"
    ))
}

/// Names and labels that look like ours in every way except the one that counts, with
/// this at the end of each name.
fn looks(suffix: &str) -> [(String, Labels); 7] {
    let prefix = format!("{DEPLOYMENT}-{:040x}", 7);
    [
        // Nothing in common.
        ("db", ""),
        // From an image that was committed from a container of ours.
        ("copy", "copy"),
        // Our prefix, and no labels.
        (&prefix, ""),
        // Another deployment's, otherwise correct.
        ("other", "other"),
        // Only one of the two labels that make a container ours.
        ("half", "deployment"),
        ("half-name", "name"),
        // The name of a token's container, by accident or malice.
        (name_of(TAKEN), ""),
    ]
    .map(|(look, has)| {
        let name = format!("{look}{suffix}");
        let labels = match has {
            "copy" => target_labels(DEPLOYMENT, name_of(0), "image"),
            "other" => target_labels("other", &name, "other"),
            "deployment" => labels(&format!("deployment={DEPLOYMENT}")),
            "name" => labels(&format!("name={name}")),
            _ => Labels::new(),
        };
        (name, labels)
    })
}

/// Each of them in every state that would be a reason to remove it.
fn foreign() -> Vec<Object> {
    let created = BEGINNING - Duration::from_secs(30 * 24 * 60 * 60);
    let states = [State::Running, State::Created, State::Exited];
    let all = states.into_iter().flat_map(|state| {
        // One of them has the very name of a token.
        let is_plain = state == State::Running;
        let suffix = format!("-{}", state.word());
        let looks = looks(if is_plain { "" } else { &suffix });
        looks
            .into_iter()
            .map(move |(name, labels)| (name, labels, state))
    });
    all.enumerate()
        .map(|(number, (name, labels, state))| Object {
            key: Key::foreign(number),
            name,
            labels,
            state,
            created,
        })
        .collect()
}

/// The services and secrets of others, in the same states.
fn foreign_on_swarm() -> (Vec<Service>, Vec<Rc<Secret>>) {
    let (mut services, mut secrets) = (Vec::new(), Vec::new());
    for mut object in foreign() {
        let (key, name) = (Key::foreign(object.key.call), format!("{}-0", object.name));
        let is_copy = object.name.starts_with("copy");
        // A task does not show the name of its service, so a full copy of a service of
        // ours blocks starts of its token. Here nobody starts that token. The copy also
        // counts as a target, unless the original had no vouch yet, as here.
        let of_copy = labels(&format!("name={} vouched=false", name_of(9)));
        object
            .labels
            .extend(of_copy.into_iter().filter(|_| is_copy));
        let mut secret = secret(key, &object, name, "somebody else's");
        // An object with our labels is ours; our name alone is not enough.
        if is_copy {
            Rc::make_mut(&mut secret).labels.clear();
        }
        secrets.push(secret);
        services.push(service(object, None));
    }
    (services, secrets)
}

fn container(of: Object) -> Container {
    let ended = matches!(of.state, State::Exited | State::Dead);
    Container {
        finished: ended.then_some(of.created),
        ..Container::new(of.key, &of.name, of.labels, of.state, of.created)
    }
}

/// A service, with its task if it should have one, and with a token and its secret if it
/// is ours.
fn service(of: Object, token: Option<(usize, Option<&Secret>)>) -> Service {
    let mut labels = of.labels.clone();
    let task = match of.state {
        State::Starting => Some(TaskState::Preparing),
        State::Running | State::Stopping => Some(TaskState::Running),
        State::Exited => Some(TaskState::Failed),
        _ => None,
    };
    if token.is_some() {
        let is_vouched = matches!(of.state, State::Running | State::Exited);
        labels.insert(label("vouched"), is_vouched.to_string());
    }
    if of.state == State::Dead {
        labels.insert(label("fenced"), "true".to_owned());
    }
    let (token, secret) = token.unzip();
    let secrets = secret
        .flatten()
        .map(|secret| json!({"SecretID": *secret.id}));
    let mut spec = json!({
        "Name": of.name,
        "Labels": labels,
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": "agent",
                "Labels": of.labels,
                "Privileges": {"NoNewPrivileges": true},
                "Secrets": Vec::from_iter(secrets),
            },
            "RestartPolicy": {"Condition": "none"},
        },
        "Mode": {"Replicated": {"Replicas": u64::from(task.is_some())}},
    });
    if task.is_some() {
        spec["Labels"][label("template")] = template::digest(&spec).into();
    }
    let mut service = Service::new(of.key, Spec::read(&spec), of.created);
    if let Some(state) = task {
        service.token = token.map(|token| token_text(token).into());
        service.make_task(state, of.created);
    }
    // Somebody has deleted it, and its node does not know yet.
    service.is_deleted = of.state == State::Stopping;
    service
}

/// The secret of a service.
fn secret(key: Key, of: &Object, name: String, content: &str) -> Rc<Secret> {
    Rc::new(Secret {
        key,
        id: key.swarm_id().into(),
        name,
        labels: of.labels.clone(),
        content: content.into(),
        created: of.created,
    })
}
