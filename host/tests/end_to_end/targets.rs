//! Targets as a resource: `/v1/targets`, who may use it, and its events in the log.

use std::collections::BTreeSet;

use test_support::prelude::*;
use test_support::server::{ENVIRONMENT, PLANTED};

on_each_engine!(
    a_target_is_asked_for_shown_without_its_secrets_listed_and_removed,
    twenty_starts_at_two_hosts_make_one_target_of_a_key_and_one_of_a_token,
    no_limit_on_targets_is_exceeded,
);

fn a_target_is_asked_for_shown_without_its_secrets_listed_and_removed(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let server = deployment.server(&[]);
    let labels = json!({"dynamic-access.owner": "\"é\" <b>", "course": "a=1"});
    let lines = format!("{PLANTED}\nsecond line\n");
    let secrets = json!({"activation-token": PLANTED, "tls-key": lines});
    let owned =
        |owner: &str| order_with(json!({"owner": owner, "labels": labels, "secrets": secrets}));
    let key = unique(PLANTED);
    let created = server.ask(&key, &owned("Åsa <b>")).check(201);
    let (target, id) = (created.json(), created.id());
    let path = format!("/v1/targets/{id}");
    assert_eq!(created.header("location"), Some(path.as_str()));
    deployment.check_has(&[&id]);
    let told = json!({"state": "running", "exitCode": null, "environment": ENVIRONMENT});
    check_members(&target, &told);
    check_members(&target, &json!({"owner": "Åsa <b>", "labels": labels}));
    let script = "cd /run/dynamic-access; stat -c '%a %u %s' tls-key; tail -1 tls-key";
    let shown = engine.shell(&id, script);
    assert_eq!(shown, format!("400 0 {}\nsecond line\n", lines.len()));
    let inspected = engine.inspect(&id).to_string();
    let line = server.wait_for_line("target.start");
    for text in [&created.body, &inspected, &line] {
        assert!(!text.contains(PLANTED), "{text}");
    }
    let again = server.ask(&key, &owned("Åsa <b>")).check(200);
    assert_eq!(again.json(), target);
    server.ask(&key, &owned("asa")).check(422);
    assert_eq!(server.targets(""), json!([target]));
    let other = server.order(&order()).check(201).id();
    for secret in [API, OPERATOR] {
        assert_eq!(server.by(secret, "GET", &path, "").json(), target);
        for (query, found) in [
            ("owner=%C3%85sa+%3Cb%3E", json!([target])),
            ("label=course=a%3D1", json!([target])),
            ("environment=other", json!([])),
        ] {
            let list = server.by(secret, "GET", &format!("/v1/targets?{query}"), "");
            assert_eq!(list.json(), json!({"targets": found}), "{query}");
        }
    }
    let page = server.with_basic(OPERATOR, "GET", "/", "");
    assert!(page.body.contains("<td>Åsa &#60;b&#62;</td>"), "{page:?}");
    for id in [&id, &id, &other] {
        assert_eq!(server.target("DELETE", id).check(204).body, "");
    }
    server.target("GET", &id).check(404);
    deployment.check_empty();
    let log = server.log().concat();
    assert!(!log.contains(PLANTED), "{log}");
}

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

fn no_limit_on_targets_is_exceeded(engine: &RealEngine) {
    for (limit, code, others, count) in [
        ("max_targets", "too_many_targets", 429, 1),
        ("max_targets_per_owner", "too_many_targets_of_owner", 201, 3),
    ] {
        let deployment = Deployment::new(engine);
        let server = deployment.server(&[(limit, "1")]);
        let owned = |owner: &str| order_with(json!({"owner": owner}));
        let start = |owner: &str| server.order(&owned(owner));
        let key = unique("key");
        let first = server.ask(&key, &owned("a")).check(201);
        // All at once: the starts then count each other too.
        at_once(4, |_| start("a").check(429));
        let refused = start("a").check_come_again(429);
        server.check_code(&refused, 429, code);
        // A repeated start asks for no further target.
        assert_eq!(server.ask(&key, &owned("a")).check(200).id(), first.id());
        server.health().check_done();
        start("b").check(others);
        server.order(&order()).check(others);
        server.target("DELETE", &first.id()).check(204);
        start("a").check(201);
        assert_eq!(deployment.containers().len(), count);
    }
}

#[test]
fn every_change_is_an_event_with_who_and_what_and_a_browser_makes_none() {
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
    let target = format!("/v1/targets/{id}");
    server.by(OPERATOR, "DELETE", &target, "").check(403);
    let refused = json!({"by": "operator_secret 1", "code": "not_permitted"});
    check_event("auth.failure", refused);
    for mark in [("origin", "null"), ("sec-fetch-site", "same-origin")] {
        let asked = server.ask_with("/v1/targets", &unique("key"), &order(), &[mark]);
        asked.check(403);
        let bearer = format!("Bearer {API}");
        let headers = [("authorization", bearer.as_str()), mark];
        server.send("DELETE", &target, &headers, b"").check(403);
        server.send("GET", &target, &headers, b"").check(200);
    }
    deployment.check_has(&[&id]);
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
