//! Repeated starts on a real Engine: a target that runs is found, whatever has changed
//! since its start.

use serde_json::{Value, json};
use test_support::engine::RealEngine;
use test_support::own::Deployment;
use test_support::unique;

use crate::lifecycle::id_of;
use crate::targets::{ask, check_status, order};

on_each_engine!(a_target_that_runs_is_found_although_a_new_one_would_be_refused,);

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
        assert_eq!(again.id(), created.id(), "{name}");
        let refused = ask(&after, &unique("key"), &order_of_two_hours());
        assert_eq!(refused.status, status, "{name}: {refused:?}");
    }
    assert_eq!(deployment.containers().len(), 2);
}
