//! The owners of targets, and the limits on targets.

use serde_json::{Value, json};
use test_support::engine::RealEngine;
use test_support::own::Deployment;
use test_support::server::{API, OPERATOR};
use test_support::unique;

use crate::lifecycle::check_done;
use crate::targets::{ask, check_status, order};

fn owned(owner: &str, labels: &Value) -> Value {
    let mut order = order();
    order["owner"] = json!(owner);
    order["labels"] = labels.clone();
    order
}

on_each_engine!(
    an_owner_and_labels_are_kept_compared_and_filtered_by,
    no_limit_on_targets_is_exceeded,
);

fn an_owner_and_labels_are_kept_compared_and_filtered_by(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let server = deployment.server(&[]);
    let labels = json!({"dynamic-access.owner": "\"é\" <b>", "course": "a=1"});
    let key = unique("key");
    let answer = ask(&server, &key, &owned("Åsa <b>", &labels));
    check_status(&answer, 201);
    let target = answer.json();
    assert_eq!(
        (&target["owner"], &target["labels"]),
        (&json!("Åsa <b>"), &labels)
    );
    check_status(&ask(&server, &key, &owned("Åsa <b>", &labels)), 200);
    for other in [owned("asa", &labels), owned("Åsa <b>", &json!({})), order()] {
        check_status(&ask(&server, &key, &other), 422);
    }
    let nobodys = ask(&server, &unique("key"), &order()).json();
    assert_eq!(
        (&nobodys["owner"], &nobodys["labels"]),
        (&Value::Null, &json!({}))
    );
    let (own, mut all) = (vec![&target], vec![&target, &nobodys]);
    // The oldest first; two of one second are in the order of their ids.
    all.sort_by_key(|target| (target["created"].to_string(), target["id"].to_string()));
    for (query, expected) in [
        ("", all),
        ("?owner=%C3%85sa+%3Cb%3E", own.clone()),
        ("?label=course=a%3D1", own.clone()),
        ("?owner=%C3%85sa+%3Cb%3E&label=course=a=1", own),
        ("?owner=asa", vec![]),
        ("?label=course=a", vec![]),
    ] {
        let list = server.by(OPERATOR, "GET", &format!("/v1/targets{query}"), "");
        assert_eq!(list.json(), json!({"targets": expected}), "{query}");
    }
    let basic = format!("Basic {OPERATOR}");
    let page = server.send("GET", "/", &[("authorization", &basic)], b"");
    assert!(page.body.contains("<td>Åsa &#60;b&#62;</td>"), "{page:?}");
}

fn no_limit_on_targets_is_exceeded(engine: &RealEngine) {
    for (limit, code, others, count) in [
        ("max_targets", "too_many_targets", 429, 1),
        ("max_targets_per_owner", "too_many_targets_of_owner", 201, 3),
    ] {
        let deployment = Deployment::new(engine);
        let server = deployment.server(&[(limit, "1")]);
        let start = |owner: &str| ask(&server, &unique("key"), &owned(owner, &json!({})));
        let first = start("a");
        check_status(&first, 201);
        // All at once: the starts then count each other too.
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| check_status(&start("a"), 429));
            }
        });
        let refused = start("a");
        check_status(&refused, 429);
        assert!(refused.header("retry-after").is_some(), "{refused:?}");
        assert_eq!(server.line_about(&refused)["code"], code);
        check_done(&server.call("GET", "/health", ""));
        check_status(&start("b"), others);
        check_status(&ask(&server, &unique("key"), &order()), others);
        let path = format!("/v1/targets/{}", first.id());
        check_status(&server.by(API, "DELETE", &path, ""), 204);
        check_status(&start("a"), 201);
        assert_eq!(deployment.containers().len(), count);
    }
}
