//! The owners of targets, and the limits on targets.

use test_support::prelude::*;

fn owned(owner: &str, labels: &Value) -> Value {
    order_with(json!({"owner": owner, "labels": labels}))
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
    let target = server.ask(&key, &owned("Åsa <b>", &labels)).check(201);
    let target = target.json();
    check_members(&target, &json!({"owner": "Åsa <b>", "labels": labels}));
    server.ask(&key, &owned("Åsa <b>", &labels)).check(200);
    server.ask(&key, &owned("asa", &labels)).check(422);
    server.order(&order()).check(201);
    for query in ["?owner=%C3%85sa+%3Cb%3E", "?label=course=a%3D1"] {
        assert_eq!(server.targets(query), json!([target]), "{query}");
    }
    let page = server.with_basic(OPERATOR, "GET", "/", "");
    assert!(page.body.contains("<td>Åsa &#60;b&#62;</td>"), "{page:?}");
}

fn no_limit_on_targets_is_exceeded(engine: &RealEngine) {
    for (limit, code, others, count) in [
        ("max_targets", "too_many_targets", 429, 1),
        ("max_targets_per_owner", "too_many_targets_of_owner", 201, 3),
    ] {
        let deployment = Deployment::new(engine);
        let server = deployment.server(&[(limit, "1")]);
        let start = |owner: &str| server.order(&owned(owner, &json!({})));
        let (key, of_a) = (unique("key"), owned("a", &json!({})));
        let first = server.ask(&key, &of_a).check(201);
        // All at once: the starts then count each other too.
        at_once(4, |_| start("a").check(429));
        let refused = start("a").check_come_again(429);
        server.check_code(&refused, 429, code);
        // A repeated start asks for no further target.
        assert_eq!(server.ask(&key, &of_a).check(200).id(), first.id());
        server.health().check_done();
        start("b").check(others);
        server.order(&order()).check(others);
        server.target("DELETE", &first.id()).check(204);
        start("a").check(201);
        assert_eq!(deployment.containers().len(), count);
    }
}
