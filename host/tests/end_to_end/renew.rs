//! Renewals on a real Engine: `POST /v1/targets/{id}/renew`, and what holds them.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::engine::{RealEngine, filtered};
use test_support::http::Answer;
use test_support::own::{Deployment, Foreign};
use test_support::server::{API, Server};
use test_support::unique;
use test_support::wait::wait_within;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::lifecycle::ours;
use crate::targets::{ask, check_status, order};

/// The lifetime of targets without a renewal: longer than a renewal needs.
const LIFETIME: Duration = Duration::from_secs(50);

/// Renews a target.
pub fn renew(server: &Server, id: &str, lifetime: &str) -> Answer {
    let body = json!({"lifetime": lifetime}).to_string();
    server.by(API, "POST", &format!("/v1/targets/{id}/renew"), &body)
}

/// The names of the volumes of a deployment.
fn volumes(engine: &RealEngine, deployment: &Deployment<'_>) -> Vec<String> {
    let label = format!("dynamic-access.deployment={}", deployment.id);
    let path = filtered("volumes", &json!({"label": [label]}));
    let list = engine.call("GET", &path, None).json();
    let all = list["Volumes"].as_array().cloned().unwrap_or_default();
    let name = |volume: &Value| volume["Name"].as_str().expect("a name").to_owned();
    all.iter().map(name).collect()
}

/// A target that runs, of a deployment, with a lifetime of [`LIFETIME`].
fn short_lived<'a>(engine: &'a RealEngine, deployment: &Deployment<'_>) -> Foreign<'a> {
    let labels = json!({
        "dynamic-access.max-lifetime": LIFETIME.as_secs().to_string(),
        "dynamic-access.max-renewed": "7200",
    });
    ours(engine, deployment, labels)
}

/// The ids of the containers that a reap removed, or would remove.
fn reaped(server: &Server, path: &str) -> Vec<String> {
    let answer = server.by(API, "POST", path, "");
    check_status(&answer, 200);
    let answer = answer.json();
    assert_eq!(answer["failed"], json!([]), "{answer}");
    let removed = answer["removed"].as_array().expect("a list").iter();
    let id = |entry: &Value| entry["uniqueId"].as_str().expect("an id").to_owned();
    removed.map(id).collect()
}

on_each_engine!(
    a_renewed_target_outlives_its_lifetime_and_a_pruned_renewal_does_not_count,
    a_renewal_is_told_and_bounded,
);

fn a_renewed_target_outlives_its_lifetime_and_a_pruned_renewal_does_not_count(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let server = deployment.server(&[]);
    let [renewed, pruned, gone] = [(); 3].map(|()| short_lived(engine, &deployment));
    // Created last, it is the last to expire.
    let twin = short_lived(engine, &deployment);
    for (target, lifetime) in [
        (&renewed, "30m"),
        (&renewed, "1h"),
        (&pruned, "1h"),
        (&gone, "1h"),
    ] {
        check_status(&renew(&server, &target.id, lifetime), 200);
    }
    // One for each, and one that is replaced and stays for two minutes.
    let written = volumes(engine, &deployment);
    assert_eq!(written.len(), 4, "{written:?}");
    engine.try_remove(&gone.id).expect("it is removed");
    // Somebody prunes the renewal of one of them.
    let name = written.iter().find(|name| name.contains(&pruned.id));
    let path = format!("/volumes/{}", name.expect("it was renewed"));
    assert_eq!(engine.call("DELETE", &path, None).status, 204);
    let patience = LIFETIME + Duration::from_secs(30);
    wait_within(patience, "the end of the lifetimes", || {
        let due = reaped(&server, "/reap?dry_run=1");
        due.contains(&twin.id).then_some(())
    });
    let mut removed = reaped(&server, "/reap");
    removed.sort_unstable();
    let mut expected = [&pruned, &twin].map(|target| target.id.clone());
    expected.sort_unstable();
    assert_eq!(removed, expected);
    assert_eq!(engine.state(&renewed.id).as_deref(), Some("running"));
    // The leftovers went with the reap.
    let left = volumes(engine, &deployment);
    assert!(
        !left.is_empty() && left.iter().all(|one| one.contains(&renewed.id)),
        "{left:?}"
    );
    let path = format!("/v1/targets/{}", renewed.id);
    check_status(&server.by(API, "DELETE", &path, ""), 204);
    assert_eq!(reaped(&server, "/reap"), Vec::<String>::new());
    assert_eq!(volumes(engine, &deployment), Vec::<String>::new());
}

fn a_renewal_is_told_and_bounded(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let server = deployment.server(&[("max_lifetime", "2h")]);
    let mut order = order();
    order["lifetime"] = json!("1h");
    let created = ask(&server, &unique("key"), &order);
    check_status(&created, 201);
    let target = created.json();
    let id = target["id"].as_str().expect("an id");
    let time = |member: &str| {
        let text = target[member].as_str().expect("a time");
        OffsetDateTime::parse(text, &Rfc3339).expect("a time of RFC 3339")
    };
    assert_eq!(time("expires") - time("created"), time::Duration::HOUR);
    // Shorter than before, and then longer than it may be.
    let same = renew(&server, id, "30m");
    check_status(&same, 200);
    assert_eq!(same.json()["expires"], target["expires"]);
    assert_eq!(volumes(engine, &deployment), Vec::<String>::new());
    let renewed = renew(&server, id, "366d");
    check_status(&renewed, 200);
    let name = format!("{}-{id}-7200", deployment.id);
    assert_eq!(volumes(engine, &deployment), [name]);
    let expires = renewed.json()["expires"].clone();
    assert_ne!(expires, target["expires"]);
    let path = format!("/v1/targets/{id}");
    assert_eq!(server.by(API, "GET", &path, "").json()["expires"], expires);
    let list = server.by(API, "GET", "/v1/targets", "").json();
    assert_eq!(list["targets"][0]["expires"], expires);
    check_status(&server.by(API, "DELETE", &path, ""), 204);
    check_status(&renew(&server, id, "30m"), 404);
    assert_eq!(reaped(&server, "/reap"), Vec::<String>::new());
    assert_eq!(volumes(engine, &deployment), Vec::<String>::new());
}
