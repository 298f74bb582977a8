//! The most targets of the largest size. Their lists are as long as those of a real
//! Engine or Swarm, and no reply exceeds its limit.

use std::rc::Rc;
use std::time::Duration;

use dynamic_access::server::{self, Answer};
use serde_json::{Value, json};

use crate::digest::digest;
use crate::model::engine::Container;
use crate::model::swarm::{Habit, Nodes, Secret, Service, Spec, Swarm, TaskState};
use crate::model::{Engine, Key, Kind, Orchestrator, State};
use crate::scenario::{BEGINNING, Place, Scenario, request, with_key};
use crate::sequence::Sequence;
use crate::tokens::DEPLOYMENT;

/// The bytes of a container in an Engine's list besides its names, labels and times:
/// ports, mounts, networks and a status, and a command of 2 KiB.
const LISTED_BYTES: usize = 4096;

/// A server in front of a backend.
struct Front<'a> {
    backend: &'a Sequence,
    scenario: Scenario,
    patch: String,
    /// How many secrets each target gets.
    secrets: usize,
}

impl Front<'_> {
    fn call(&self, method: &str, uri: &str, key: usize, body: &Value) -> Answer {
        let (head, body) = request(method, uri.to_owned(), body);
        let head = with_key(head, &format!("key-{key}"));
        let variables = |name: &'static str| match name {
            "container_patch" => Ok(self.patch.clone()),
            _ => self.scenario.variable(name),
        };
        let answer = server::serve(self.backend, &variables, &head, async move |_| Ok(body));
        pollster::block_on(answer)
    }

    /// Starts a target with every member as long as a caller may make it.
    fn start(&self, key: usize) -> u16 {
        let url = format!("https://{:a>63}.bastionzero.com", "");
        let secrets = (0..self.secrets).map(|number| {
            (
                format!("activation-token{}", "x".repeat(number)),
                json!("x"),
            )
        });
        let labels = (0..6).map(|number| (format!("{number:0>63}"), json!("x".repeat(256))));
        let order = json!({
            "environment": format!("{:0>128}", 1),
            "serviceUrl": url,
            "secrets": secrets.collect::<serde_json::Map<_, _>>(),
            "owner": "\u{1f600}".repeat(128),
            "labels": labels.collect::<serde_json::Map<_, _>>(),
        });
        let answer = self.call("POST", "/v1/targets", key, &order);
        answer.response.status().as_u16()
    }

    /// Starts targets until there are `count`, then lists, stops and reaps.
    fn check(&self, count: usize) {
        assert_eq!(self.start(count), 201);
        assert_eq!(self.start(count + 1), 429);
        let list = self.call("GET", "/v1/targets", 0, &Value::Null);
        let list: Value = serde_json::from_slice(list.response.body()).expect("JSON");
        let targets = list["targets"].as_array().expect("a list");
        assert_eq!(targets.len(), count);
        let id = targets[0]["id"].as_str().expect("an id");
        let stopped = self.call("DELETE", &format!("/v1/targets/{id}"), 0, &Value::Null);
        assert_eq!(stopped.response.status(), 204);
        self.backend
            .now
            .set(BEGINNING + Duration::from_secs(9 * 24 * 60 * 60));
        // One health check in eight is followed by a reap.
        let mut checks = (0..200).map(|_| self.call("GET", "/health", 0, &Value::Null));
        let after = checks.find_map(|health| health.after).expect("a reap");
        let lines = pollster::block_on(after.run(self.backend)).join("\n");
        assert_eq!(lines.matches("\"code\":\"expired\"").count(), 4, "{lines}");
    }
}

#[test]
fn two_thousand_of_the_largest_targets_of_a_swarm_are_started_listed_and_reaped() {
    const COUNT: usize = 2000;
    let backend = Sequence::of(Orchestrator::Swarm(Swarm {
        has_image: true,
        habit: Habit::Plain,
        services: Vec::new(),
        secrets: Vec::new(),
        nodes: Nodes::AllThere,
    }));
    let variable = format!("LONG={}", "x".repeat(4096));
    let front = Front {
        backend: &backend,
        scenario: Scenario {
            place: Place::Swarm(Habit::Plain),
            ..Scenario::empty(COUNT)
        },
        patch: json!({"ContainerSpec": {"Env": [variable]}}).to_string(),
        secrets: 8,
    };
    assert_eq!(front.start(0), 201);
    if let Orchestrator::Swarm(swarm) = &mut *backend.orchestrator.borrow_mut() {
        for number in 1..COUNT - 1 {
            copy_service(swarm, number);
        }
    }
    front.check(COUNT);
    assert!(backend.too_long.get() > 0, "the whole list fits");
}

/// Adds a target that is like the first one, under another name.
fn copy_service(swarm: &mut Swarm, number: usize) {
    let first = &swarm.services[0];
    let name = format!("{DEPLOYMENT}-{:016x}{number:024x}", digest(number));
    let attempt = format!("{:016x}{number:016x}", digest(number));
    let of_first = &first.spec.labels["dynamic-access.attempt"];
    let mut text = first.spec.text.replace(&first.spec.name, &name);
    text = text.replace(of_first, &attempt);
    let mut secrets = Vec::new();
    for (place, secret) in swarm.secrets.iter().take(8).enumerate() {
        let key = Key::given(1_000_000 + number * 8 + place);
        text = text.replace(&*secret.id, &key.swarm_id());
        let mut labels = secret.labels.clone();
        labels.insert("dynamic-access.attempt".to_owned(), attempt.clone());
        secrets.push(Rc::new(Secret {
            key,
            id: key.swarm_id().into(),
            name: format!("{DEPLOYMENT}-{attempt}-{place}"),
            labels,
            content: "x".into(),
            created: secret.created,
        }));
    }
    let spec = Spec::read(text.as_bytes()).expect("a specification");
    let mut service = Service::new(Key::given(number), spec, first.created);
    service.make_task(TaskState::Running, first.created);
    swarm.services.push(service);
    swarm.secrets.extend(secrets);
}

#[test]
fn a_thousand_of_the_largest_targets_of_an_engine_are_started_listed_and_reaped() {
    const COUNT: usize = 1000;
    let backend = Sequence::of(Orchestrator::Engine(Engine {
        kind: Kind::Docker,
        has_image: true,
        volumes: Vec::new(),
        lists: Vec::new(),
        containers: Vec::new(),
    }));
    let front = Front {
        backend: &backend,
        scenario: Scenario::empty(COUNT),
        patch: "{}".to_owned(),
        // A list shows none of them.
        secrets: 1,
    };
    assert_eq!(front.start(0), 201);
    if let Orchestrator::Engine(engine) = &mut *backend.orchestrator.borrow_mut() {
        for number in 1..COUNT - 1 {
            let first = &engine.containers[0];
            let name = format!("{DEPLOYMENT}-{number:040x}");
            let mut labels = first.labels.as_ref().clone();
            labels.insert("dynamic-access.name".to_owned(), name.clone());
            let key = Key::given(number);
            let mut copy = Container::new(key, &name, labels, State::Running, first.created);
            let more = format!(r#"{{"Command":"{:0>LISTED_BYTES$}","#, 0);
            copy.entry = copy.entry.replacen('{', &more, 1).into();
            engine.containers.push(copy);
        }
    }
    front.check(COUNT);
    assert_eq!(backend.too_long.get(), 0);
}
