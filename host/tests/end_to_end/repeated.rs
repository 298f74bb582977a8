//! Repeated starts on a real Engine: a target that runs is found, whatever has changed
//! since its start.

use serde_json::{Value, json};
use test_support::engine::RealEngine;
use test_support::http::Answer;
use test_support::own::Deployment;
use test_support::unique;

use crate::lifecycle::{check_done, id_of, sleeper};
use crate::targets::{ask, check_status, order};

on_each_engine!(
    a_target_that_runs_is_found_although_a_new_one_would_be_refused,
    a_target_of_an_image_that_was_made_from_a_target_is_found,
    a_target_that_an_earlier_version_has_started_is_found,
);

/// Variables with which no new target is started, and the status of the refusal.
fn refusals() -> [(&'static str, &'static str, u16); 6] {
    [
        ("agent_image", "an-image-that-is-not-there", 500),
        ("service_urls", "https://*.example.com", 422),
        ("max_targets", "0", 429),
        ("token_delivery", "env", 422),
        ("max_lifetime", "1h", 422),
        (
            "container_patch",
            r#"{"HostConfig":{"NetworkMode":"a-network-that-is-not-there"}}"#,
            500,
        ),
    ]
}

/// An order that each of [`refusals`] refuses.
fn order_of_two_hours() -> Value {
    let mut order = order();
    order["lifetime"] = json!("2h");
    order
}

fn id(answer: &Answer) -> String {
    let id = &answer.json()["id"];
    id.as_str().expect("an id").to_owned()
}

fn a_target_that_runs_is_found_although_a_new_one_would_be_refused(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let before = deployment.server(&[]);
    let (token, key) = (unique("token"), unique("key"));
    let of_token = id_of(&before.start_target(&token));
    let created = ask(&before, &key, &order_of_two_hours());
    check_status(&created, 201);
    for (name, value, status) in refusals() {
        let after = deployment.server(&[(name, value)]);
        assert_eq!(id_of(&after.start_target(&token)), of_token, "{name}");
        let again = ask(&after, &key, &order_of_two_hours());
        check_status(&again, 200);
        assert_eq!(id(&again), id(&created), "{name}");
        let refused = ask(&after, &unique("key"), &order_of_two_hours());
        assert_eq!(refused.status, status, "{name}: {refused:?}");
    }
    assert_eq!(deployment.containers().len(), 2);
}

/// An image, removed when it is dropped.
struct Image<'a> {
    engine: &'a RealEngine,
    name: String,
}

impl<'a> Image<'a> {
    /// Makes an image from a container.
    fn from(engine: &'a RealEngine, container: &str) -> Self {
        let name = unique("from-a-target");
        engine.commit(container, &name, &[], "");
        Self { engine, name }
    }
}

impl Drop for Image<'_> {
    fn drop(&mut self) {
        let _ = self.engine.try_remove_image(&self.name);
    }
}

fn a_target_of_an_image_that_was_made_from_a_target_is_found(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let first = ask(
        &deployment.server(&[]),
        &unique("key"),
        &order_of_two_hours(),
    );
    check_status(&first, 201);
    let image = Image::from(engine, &id(&first));
    // Dropped before its image.
    let deployment = Deployment::new(engine);
    let server = deployment.server(&[("agent_image", &image.name)]);
    let key = unique("key");
    let mut order = order();
    order
        .as_object_mut()
        .expect("an object")
        .remove("serviceUrl");
    let created = ask(&server, &key, &order);
    check_status(&created, 201);
    let again = ask(&server, &key, &order);
    check_status(&again, 200);
    assert_eq!(id(&again), id(&created));
    check_status(&ask(&server, &key, &order_of_two_hours()), 422);
}

/// The labels that only later versions write, if nothing was asked for.
const LATER: [&str; 3] = [
    "dynamic-access.order",
    "dynamic-access.service-url",
    "dynamic-access.lifetime",
];

fn a_target_that_an_earlier_version_has_started_is_found(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    // The agent ends at once without a place to register at.
    let patch = ("container_patch", r#"{"Entrypoint":["sleep","300"]}"#);
    let server = deployment.server(&[patch]);
    let key = unique("key");
    let mut order = order();
    order
        .as_object_mut()
        .expect("an object")
        .remove("serviceUrl");
    let created = ask(&server, &key, &order);
    check_status(&created, 201);
    // The earlier version gives the same name, and all labels but these.
    let inspected = engine.inspect(&id(&created));
    let name = inspected["Name"].as_str().expect("a name").to_owned();
    let mut labels = inspected["Config"]["Labels"].clone();
    for later in LATER {
        let label = labels.as_object_mut().expect("an object").remove(later);
        label.expect(later);
    }
    check_done(&server.stop_target(&id(&created)));
    let earlier = engine.foreign(name.trim_start_matches('/'), sleeper(&labels));
    earlier.start();
    let again = ask(&server, &key, &order);
    check_status(&again, 200);
    assert_eq!(id(&again), earlier.id);
}
