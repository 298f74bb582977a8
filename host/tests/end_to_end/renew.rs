//! Renewals on a real Engine: `POST /v1/targets/{id}/renew`, and what holds them.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::engine::{RealEngine, filtered};
use test_support::http::Answer;
use test_support::own::{Deployment, Foreign};
use test_support::server::{API, Server};
use test_support::unique;
use test_support::wait::wait_within;

use crate::lifecycle::sleeper;
use crate::targets::{ask, check_status, order};

/// The lifetime of targets without a renewal: longer than a renewal needs.
const LIFETIME: Duration = Duration::from_secs(50);

/// Calls a route of `/v1`, or `/reap`, with `api_secret`.
pub fn call(server: &Server, method: &str, path: &str, body: &str) -> Answer {
    let bearer = format!("Basic {API}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    server.send(method, path, &headers, body.as_bytes())
}

/// Renews a target.
pub fn renew(server: &Server, id: &str, lifetime: &str) -> Answer {
    let body = json!({"lifetime": lifetime}).to_string();
    call(server, "POST", &format!("/v1/targets/{id}/renew"), &body)
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
    let name = unique(&format!("{}-", deployment.id));
    let labels = json!({
        "dynamic-access.deployment": deployment.id,
        "dynamic-access.name": name,
        "dynamic-access.max-lifetime": LIFETIME.as_secs().to_string(),
        "dynamic-access.max-renewed": "7200",
    });
    let target = engine.foreign(&name, sleeper(&labels));
    target.start();
    target
}

/// The ids of the containers that a reap removed, or would remove.
fn reaped(server: &Server, path: &str) -> Vec<String> {
    let answer = call(server, "POST", path, "");
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
    check_status(&call(&server, "DELETE", &path, ""), 204);
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
    assert_eq!(call(&server, "GET", &path, "").json()["expires"], expires);
    let list = call(&server, "GET", "/v1/targets", "").json();
    assert_eq!(list["targets"][0]["expires"], expires);
    // A change of the variable does not reach it.
    let other = server_of_a_minute(&deployment);
    assert_eq!(renew(&other, id, "30m").json()["expires"], expires);
    check_status(&renew(&server, id, "59s"), 400);
    engine.kill(id);
    let late = wait_within(Duration::from_secs(30), "the end of the target", || {
        let answer = renew(&server, id, "30m");
        (answer.status != 200).then_some(answer)
    });
    check_status(&late, 409);
    check_status(&call(&server, "DELETE", &path, ""), 204);
    check_status(&renew(&server, id, "30m"), 404);
    assert_eq!(reaped(&server, "/reap"), Vec::<String>::new());
    assert_eq!(volumes(engine, &deployment), Vec::<String>::new());
}

fn server_of_a_minute(deployment: &Deployment<'_>) -> Server {
    deployment.server(&[("max_lifetime", "1m")])
}
