//! Repeated starts on a real Engine: a target that runs is found, whatever has changed
//! since its start.

use serde_json::{Value, json};

use crate::lifecycle::{check_done, sleeper};
use crate::support::engine::{Deployment, RealEngine};
use crate::support::http::Answer;
use crate::support::unique;
use crate::targets::{ask, check_status, order, server};

on_each_engine!(
    a_target_of_an_image_that_was_made_from_a_target_is_found,
    a_target_that_an_earlier_version_has_started_is_found,
);

/// An order with all that is compared.
fn order_of_two_hours() -> Value {
    let mut order = order();
    order["lifetime"] = json!("2h");
    order
}

fn id(answer: &Answer) -> String {
    let id = &answer.json()["id"];
    id.as_str().expect("an id").to_owned()
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
        let path = format!("/commit?container={container}&repo={name}");
        let made = engine.call("POST", &path, Some(json!({})));
        assert_eq!(made.status, 201, "{made:?}");
        Self { engine, name }
    }
}

impl Drop for Image<'_> {
    fn drop(&mut self) {
        let path = format!("/images/{}?force=true", self.name);
        self.engine.call("DELETE", &path, None);
    }
}

fn a_target_of_an_image_that_was_made_from_a_target_is_found(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let first = ask(
        &server(engine, &deployment, &[]),
        &unique("key"),
        &order_of_two_hours(),
    );
    check_status(&first, 201);
    let image = Image::from(engine, &id(&first));
    // Dropped before its image.
    let deployment = Deployment::new(engine);
    let server = server(engine, &deployment, &[("agent_image", &image.name)]);
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

/// The labels that only later versions write if nothing was asked for.
const LATER: [&str; 2] = ["dynamic-access.service-url", "dynamic-access.lifetime"];

fn a_target_that_an_earlier_version_has_started_is_found(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    // The agent ends at once without a place to register at.
    let patch = ("container_patch", r#"{"Entrypoint":["sleep","300"]}"#);
    let server = server(engine, &deployment, &[patch]);
    let key = unique("key");
    let mut order = order();
    order
        .as_object_mut()
        .expect("an object")
        .remove("serviceUrl");
    let created = ask(&server, &key, &order);
    check_status(&created, 201);
    // The earlier version gives the same name, and all labels but these.
    let path = format!("/containers/{}/json", id(&created));
    let inspected = engine.call("GET", &path, None).json();
    let name = inspected["Name"].as_str().expect("a name").to_owned();
    let mut labels = inspected["Config"]["Labels"].clone();
    for later in LATER {
        let label = labels.as_object_mut().expect("an object").remove(later);
        assert_eq!(label, Some(json!("")), "{later}");
    }
    check_done(&server.stop_target(&id(&created)));
    let earlier = engine.foreign(name.trim_start_matches('/'), sleeper(&labels));
    earlier.start();
    let again = ask(&server, &key, &order);
    check_status(&again, 200);
    assert_eq!(id(&again), earlier.id);
}
