//! Targets as a resource: `/v1/targets`, who may use it, and its events in the log.

use std::collections::BTreeSet;

use test_support::prelude::*;
use test_support::server::{ENVIRONMENT, PLANTED};

#[test]
fn a_target_is_asked_for_shown_listed_and_removed() {
    let deployment = Deployment::given();
    let server = deployment.server(&[]);
    let key = unique("key");
    let created = server.ask(&key, &order()).check(201);
    let (target, id) = (created.json(), created.id());
    let path = format!("/v1/targets/{id}");
    assert_eq!(created.header("location"), Some(path.as_str()));
    deployment.check_has(&[&id]);
    let told = json!({"state": "running", "exitCode": null, "environment": ENVIRONMENT});
    check_members(&target, &told);
    assert_eq!(server.ask(&key, &order()).check(200).json(), target);
    for secret in [API, OPERATOR] {
        assert_eq!(server.by(secret, "GET", &path, "").json(), target);
        let list = server.by(secret, "GET", "/v1/targets", "");
        assert_eq!(list.json(), json!({"targets": [target]}));
        let other = server.by(secret, "GET", "/v1/targets?environment=other", "");
        assert_eq!(other.json(), json!({"targets": []}));
    }
    for _ in 0..2 {
        assert_eq!(server.target("DELETE", &id).check(204).body, "");
    }
    server.target("GET", &id).check(404);
    deployment.check_empty();
}

on_each_engine!(twenty_starts_at_two_hosts_make_one_target_of_a_key_and_one_of_a_token);

fn twenty_starts_at_two_hosts_make_one_target_of_a_key_and_one_of_a_token(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let hosts = [(); 2].map(|()| deployment.server(&[]));
    // The same text, once as a key and once as a token.
    let key = unique("key");
    let answers = at_once(20, |count| {
        let host = &hosts[count % 2];
        if count / 2 % 2 == 0 {
            return (host.start_target(&key).unique_id(), false);
        }
        let answer = host.ask(&key, &order());
        assert!([200, 201].contains(&answer.status), "{answer:?}");
        (answer.id(), answer.status == 201)
    });
    let is_new = answers.iter().filter(|(_, is_new)| *is_new);
    assert_eq!(is_new.count(), 1, "{answers:?}");
    let ids: BTreeSet<_> = answers.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids.len(), 2);
    deployment.check_has(&Vec::from_iter(ids));
}

#[test]
fn each_secret_is_a_file_that_root_alone_reads_and_nothing_shows_it() {
    let deployment = Deployment::given();
    let server = deployment.server(&[]);
    let key = format!("{PLANTED}\nsecond line\n");
    let secrets = json!({"activation-token": PLANTED, "tls-key": key});
    let order = order_with(json!({"secrets": secrets}));
    let created = server.ask(&unique(PLANTED), &order).check(201);
    let id = created.id();
    let script = "cd /run/dynamic-access; stat -c '%a %u %s' tls-key; tail -1 tls-key";
    let shown = deployment.engine.shell(&id, script);
    assert_eq!(shown.trim(), format!("400 0 {}\nsecond line", key.len()));
    let inspected = deployment.engine.inspect(&id).to_string();
    for text in [&created.body, &inspected, &server.log().join("\n")] {
        assert!(!text.contains(PLANTED), "{text}");
    }
}

#[test]
fn each_secret_opens_its_routes_and_a_browser_changes_nothing() {
    let deployment = Deployment::given();
    let server = deployment.server(&[]);
    let id = server.started();
    let target = &*format!("/v1/targets/{id}");
    for (method, path, webhook, api, operator) in [
        ("GET", "/health", 200, 200, 403),
        ("POST", "/stop", 400, 403, 403),
        ("GET", target, 403, 200, 200),
        ("POST", "/v1/targets", 403, 400, 403),
        ("PUT", "/v1/targets", 405, 405, 405),
        ("GET", "/v1/other", 404, 404, 404),
    ] {
        for (secret, status) in [(SECRET, webhook), (API, api), (OPERATOR, operator)] {
            let basic = server.with_basic(secret, method, path, "{}").status;
            let bearer = server.by(secret, method, path, "").status;
            let of_bearer = if secret == SECRET { 401 } else { status };
            assert_eq!((basic, bearer), (status, of_bearer), "{method} {path}");
        }
        server.send(method, path, &[], b"").check(401);
    }
    let refused = server.by(OPERATOR, "DELETE", target, "").check(403);
    let by = json!({"by": "operator_secret 1", "event": "auth.failure", "code": "not_permitted"});
    check_members(&server.line_about(&refused), &by);
    for mark in [("origin", "null"), ("sec-fetch-site", "same-origin")] {
        let asked = server.ask_with("/v1/targets", &unique("key"), &order(), &[mark]);
        asked.check(403);
        let bearer = format!("Bearer {API}");
        let headers = [("authorization", bearer.as_str()), mark];
        server.send("DELETE", target, &headers, b"").check(403);
        server.send("GET", target, &headers, b"").check(200);
    }
    deployment.check_has(&[&id]);
}

#[test]
fn every_change_is_an_event_with_who_and_what() {
    let deployment = Deployment::given();
    let server = deployment.server(&[("max_targets", "1")]);
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let traceparent = format!("00-{trace}-b7ad6b7169203331-01");
    let traced = [("traceparent", traceparent.as_str())];
    let created = server.ask_with("/v1/targets", &unique("key"), &order(), &traced);
    let id = created.id();
    let image = deployment.engine.inspect(&id)["Image"].clone();
    let check_event = |name: &str, expected: Value| {
        let line = server.wait_for_line(&format!(r#""event":"{name}""#));
        check_members(&serde_json::from_str(&line).expect("JSON"), &expected);
    };
    let by = "api_secret 1";
    let started = json!({"by": by, "container": id, "environment": ENVIRONMENT, "image": image});
    check_event("target.start", started);
    check_event(
        "target.start",
        json!({"outcome": "success", "trace": trace}),
    );
    server.start_target(&unique("token")).check(429);
    let by = "webhook_secret 1";
    let denied = json!({"by": by, "code": "too_many_targets", "environment": ENVIRONMENT});
    check_event("target.start.denied", denied);
    server.stop_target(&id).check_done();
    check_event("target.stop", json!({"container": id, "image": image}));
    let old = deployment.expired();
    // It is past its lifetime, or not yet.
    wait_until("a reaped target", || !server.reaped("/reap").is_empty());
    let reaped = json!({"by": by, "code": "expired", "container": old.id});
    check_event("target.reap", reaped);
}
