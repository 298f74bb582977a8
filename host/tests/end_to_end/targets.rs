//! Targets as a resource: `/v1/targets`, who may use it, and its events in the log.

use serde_json::{Value, json};
use test_support::engine::RealEngine;
use test_support::http::Answer;
use test_support::own::Deployment;
use test_support::server::{API, OPERATOR, SECRET, Server};
use test_support::unique;
use test_support::wait::wait_for;

use crate::lifecycle::{check_done, expired, id_of};

/// A secret that no answer, no log line and no container's configuration may hold.
const PLANTED: &str = "planted-secret-of-a-target";

const ENVIRONMENT: &str = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";

/// Asks for a target, whose agent keeps trying to register.
pub fn ask(server: &Server, key: &str, body: &Value) -> Answer {
    ask_with(server, "/v1/targets", key, body, &[])
}

/// The same, at a path with a query and with more headers.
pub fn ask_with(
    server: &Server,
    path: &str,
    key: &str,
    body: &Value,
    more: &[(&str, &str)],
) -> Answer {
    let bearer = format!("Bearer {API}");
    let mut headers = vec![
        ("authorization", bearer.as_str()),
        ("idempotency-key", key),
        ("content-type", "application/json"),
    ];
    headers.extend(more);
    server.send("POST", path, &headers, body.to_string().as_bytes())
}

pub fn order() -> Value {
    json!({
        "environment": ENVIRONMENT,
        "serviceUrl": "http://192.0.2.1:9",
        "secrets": {"activation-token": PLANTED},
    })
}

#[track_caller]
pub fn check_status(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{answer:?}");
}

#[test]
fn a_target_is_asked_for_shown_listed_and_removed() {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let server = deployment.server(&[]);
    let key = unique("key");
    let created = ask(&server, &key, &order());
    check_status(&created, 201);
    let target = created.json();
    let id = target["id"].as_str().expect("an id").to_owned();
    let path = format!("/v1/targets/{id}");
    assert_eq!(created.header("location"), Some(path.as_str()));
    assert_eq!(deployment.containers(), std::slice::from_ref(&id));
    assert_eq!(
        (&target["state"], &target["exitCode"]),
        (&json!("running"), &Value::Null)
    );
    assert_eq!(target["environment"], ENVIRONMENT);
    let again = ask(&server, &key, &order());
    check_status(&again, 200);
    assert_eq!(again.json(), target);
    for secret in [API, OPERATOR] {
        assert_eq!(server.by(secret, "GET", &path, "").json(), target);
        let list = server.by(secret, "GET", "/v1/targets", "");
        assert_eq!(list.json(), json!({"targets": [target]}));
        let other = server.by(secret, "GET", "/v1/targets?environment=other", "");
        assert_eq!(other.json(), json!({"targets": []}));
    }
    for _ in 0..2 {
        let gone = server.by(API, "DELETE", &path, "");
        assert_eq!((gone.status, gone.body.as_str()), (204, ""));
    }
    check_status(&server.by(API, "GET", &path, ""), 404);
    assert_eq!(deployment.containers(), Vec::<String>::new());
}

on_each_engine!(twenty_starts_at_two_hosts_make_one_target_of_a_key_and_one_of_a_token);

fn twenty_starts_at_two_hosts_make_one_target_of_a_key_and_one_of_a_token(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let hosts = [(); 2].map(|()| deployment.server(&[]));
    // The same text, once as a key and once as a token.
    let key = unique("key");
    let answers: Vec<(bool, Answer)> = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..20)
            .map(|count| {
                let (host, key) = (&hosts[count % 2], &key);
                scope.spawn(move || match count / 2 % 2 {
                    0 => (false, host.start_target(key)),
                    _ => (true, ask(host, key, &order())),
                })
            })
            .collect();
        let answers = asked
            .into_iter()
            .map(|asked| asked.join().expect("an answer"));
        answers.collect()
    });
    let (by_key, by_token): (Vec<_>, Vec<_>) = answers.iter().partition(|(is_key, _)| *is_key);
    let is_new = by_key.iter().filter(|(_, answer)| answer.status == 201);
    assert_eq!(is_new.count(), 1, "{by_key:?}");
    let mut ids: Vec<String> = by_key
        .iter()
        .map(|(_, answer)| {
            assert!([200, 201].contains(&answer.status), "{answer:?}");
            answer.id()
        })
        .chain(by_token.iter().map(|(_, answer)| id_of(answer)))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let mut containers = deployment.containers();
    containers.sort_unstable();
    assert_eq!(ids, containers);
    assert_eq!(ids.len(), 2);
}

#[test]
fn each_secret_is_a_file_that_root_alone_reads_and_nothing_shows_it() {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let server = deployment.server(&[]);
    let mut order = order();
    order["secrets"] = json!({
        "activation-token": PLANTED,
        "tls-key": format!("{PLANTED}\nsecond line\n"),
    });
    let key = unique(PLANTED);
    let created = ask(&server, &key, &order);
    check_status(&created, 201);
    let id = created.id();
    let script = "cd /run/dynamic-access; stat -c '%a %u %s' tls-key; tail -1 tls-key";
    let shown = engine.shell(&id, script);
    let size = PLANTED.len() + "\nsecond line\n".len();
    assert_eq!(shown.trim(), format!("400 0 {size}\nsecond line"));
    let inspected = engine.inspect(&id).to_string();
    for text in [&created.body, &inspected, &server.log().join("\n")] {
        assert!(!text.contains(PLANTED), "{text}");
    }
}

#[test]
fn each_secret_opens_its_routes_and_no_others() {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let server = deployment.server(&[]);
    let nobody = format!("/v1/targets/{}", "0".repeat(64));
    for (method, path, webhook, api, operator) in [
        ("GET", "/health", 200, 200, 403),
        ("POST", "/reap?dry_run=1", 200, 200, 403),
        ("POST", "/stop", 400, 403, 403),
        ("GET", "/v1/targets", 403, 200, 200),
        ("GET", &nobody, 403, 404, 404),
        ("DELETE", &nobody, 403, 204, 403),
        ("POST", "/v1/targets", 403, 400, 403),
        ("PUT", "/v1/targets", 405, 405, 405),
        ("GET", "/v1/other", 404, 404, 404),
    ] {
        for (secret, status) in [(SECRET, webhook), (API, api), (OPERATOR, operator)] {
            let basic = format!("Basic {secret}");
            let answer = server.send(method, path, &[("authorization", &basic)], b"{}");
            assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
            let bearer = server.by(secret, method, path, "").status;
            let expected = if secret == SECRET { 401 } else { status };
            assert_eq!(bearer, expected, "{method} {path} with Bearer");
        }
        check_status(&server.send(method, path, &[], b""), 401);
    }
    let refused = server.by(OPERATOR, "DELETE", &nobody, "");
    let line = server.line_about(&refused);
    assert_eq!(line["by"], "operator_secret 1");
    assert_eq!(
        (&line["event"], &line["code"]),
        (&json!("auth.failure"), &json!("not_permitted"))
    );
}

#[test]
fn a_request_that_a_browser_has_made_changes_nothing() {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let server = deployment.server(&[]);
    let id = id_of(&server.start_target(&unique("token")));
    let target = format!("/v1/targets/{id}");
    for mark in [("origin", "null"), ("sec-fetch-site", "same-origin")] {
        let asked = ask_with(&server, "/v1/targets", &unique("key"), &order(), &[mark]);
        check_status(&asked, 403);
        let bearer = format!("Bearer {API}");
        let headers = [("authorization", bearer.as_str()), mark];
        check_status(&server.send("DELETE", &target, &headers, b""), 403);
        check_status(&server.send("GET", &target, &headers, b""), 200);
    }
    assert_eq!(deployment.containers(), [id]);
}

#[test]
fn every_change_is_an_event_with_who_and_what() {
    let engine = RealEngine::given();
    let deployment = Deployment::new(&engine);
    let server = deployment.server(&[("max_targets", "1")]);
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let traceparent = format!("00-{trace}-b7ad6b7169203331-01");
    let key = unique("key");
    let created = ask_with(
        &server,
        "/v1/targets",
        &key,
        &order(),
        &[("traceparent", &traceparent)],
    );
    let id = created.id();
    let listed = engine
        .call("GET", &format!("/containers/{id}/json"), None)
        .json();
    let event = |name: &str| -> Value {
        let line = server.wait_for_line(&format!(r#""event":"{name}""#));
        serde_json::from_str(&line).expect("JSON")
    };
    let started = event("target.start");
    for (member, value) in [
        ("by", json!("api_secret 1")),
        ("outcome", json!("success")),
        ("container", json!(id)),
        ("environment", json!(ENVIRONMENT)),
        ("image", listed["Image"].clone()),
        ("trace", json!(trace)),
    ] {
        assert_eq!(started[member], value, "{started}");
    }
    let refused = server.start_target(&unique("token"));
    check_status(&refused, 429);
    let denied = event("target.start.denied");
    assert_eq!(denied["code"], "too_many_targets", "{denied}");
    assert_eq!(
        (&denied["by"], &denied["environment"]),
        (&json!("webhook_secret 1"), &json!(ENVIRONMENT))
    );
    check_done(&server.stop_target(&id));
    let stopped = event("target.stop");
    assert_eq!(
        (&stopped["container"], &stopped["image"]),
        (&json!(id), &listed["Image"])
    );
    let old = expired(&engine, &deployment);
    check_status(&server.call("POST", "/reap", ""), 200);
    // It was past its lifetime, or not yet.
    let reaped = wait_for("a reaped target", || {
        server.call("POST", "/reap", "");
        let lines = server.log();
        let mut lines = lines
            .iter()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        lines.find(|line| line["event"] == "target.reap")
    });
    assert_eq!(reaped["container"], json!(old.id), "{reaped}");
    assert_eq!(
        (&reaped["code"], &reaped["by"]),
        (&json!("expired"), &json!("webhook_secret 1"))
    );
}
