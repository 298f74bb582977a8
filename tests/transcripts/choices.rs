//! Orders that choose more than an environment: they make the same calls, or are refused
//! before any.

use dynamic_access::api;
use dynamic_access::error::{Error, OrderError};
use dynamic_access::provision::{StartOrder, Started};
use dynamic_access::secret::Secret;

use crate::script::*;

const ALLOWED: (&str, &str) = (
    "environments",
    r#"{"e":{"allow":["env","command"],"images":["r.example.com/*@sha256:*"],
        "max":{"memory":"4GiB","cpus":2},"container_patch":{"Env":["TZ=UTC"]}}}"#,
);

fn order_of(body: &Value) -> StartOrder {
    let body = body.to_string();
    api::body::parse_start(Secret::new("key"), body.as_bytes()).expect("an order")
}

/// An order that is refused, because of one of its members, after a look for its target.
#[track_caller]
fn check_refused(changes: &Changes, look: &str, member: &str, value: Value, words: &str) {
    let mut body = json!({"environment": "e"});
    body[member] = value;
    match start_of(&order_of(&body), changes, look) {
        Err(error @ Error::Order(OrderError::NotAllowed(_))) => {
            assert_eq!(error.status().as_u16(), 422);
            assert!(error.message().contains(words), "{error}");
        }
        other => panic!("{member}: {other:?}"),
    }
}

/// Starts a target that chooses everything, from an image with this configuration.
fn start_chosen(config: &Value, rest: &str) -> Result<Started, Error> {
    let order = order_of(&json!({
        "environment": "e",
        "secrets": {"a": {"value": "b", "owner": 1000}},
        "env": {"A": "b"},
        "command": ["sh"],
        "image": "r.example.com/a@sha256:0",
        "resources": {"memory": "4GiB", "cpus": 2},
    }));
    let image = json!({"Id": "i", "Config": config});
    let looked = call("look up the image", shows(image));
    start_of(&order, &[ALLOWED], looked + rest)
}

#[test]
fn a_start_that_chooses_an_image_also_looks_at_its_user() {
    for user in ["", "1000", "runner"] {
        let rest = "create; list all: created; archive; start; inspect";
        let started = start_chosen(&json!({"User": user}), rest);
        assert!(started.expect("it runs").is_new);
    }
}

#[test]
fn an_image_with_an_unfit_user_or_long_labels_is_refused_before_the_create() {
    let long = "x".repeat(64 * 1024);
    for (config, words) in [
        (json!({"User": "1001"}), "cannot read the secrets"),
        (json!({"Labels": {"a": &long}}), "64 KiB"),
        (json!({"Entrypoint": [&long]}), "64 KiB"),
        (json!({"Cmd": [&long]}), "64 KiB"),
    ] {
        // A target of the same key may run all the same.
        let error = start_chosen(&config, "list by name: none").expect_err(words);
        assert_eq!(error.status().as_u16(), 422);
        assert!(error.message().contains(words), "{error}");
    }
}

#[test]
fn an_order_chooses_nothing_beyond_what_its_environment_allows() {
    let in_place = |changes: &Changes, members: &[(&str, Value)]| {
        for (member, value) in members {
            check_refused(changes, "list by name: none", member, value.clone(), member);
        }
    };
    // An environment allows nothing that it does not name.
    let unnamed = [
        ("env", json!({"A": "b"})),
        ("command", json!(["sh"])),
        ("image", json!("dynamic-access-agent")),
        ("resources", json!({"memory": "8MiB"})),
        ("resources", json!({"cpus": 0.5})),
    ];
    in_place(&[], &unnamed);
    let beyond = [
        ("env", json!({"TZ": "Europe/Berlin"})),
        ("env", json!({"SERVICE_URL": "http://192.0.2.1"})),
        ("env", json!({"LD_PRELOAD": "/tmp/x.so"})),
        ("env", json!({"A": "b", "PATH": "/tmp"})),
        ("image", json!("r.example.com/a")),
        ("image", json!("r.example.com/a/b@sha256:0")),
        ("resources", json!({"memory": "4097MiB"})),
        ("resources", json!({"memory": "4GiB", "cpus": 2.01})),
    ];
    in_place(&[ALLOWED], &beyond);
}

#[test]
fn a_swarm_takes_shorter_variables_and_no_templates_and_no_tags() {
    let images =
        r#"{"e":{"allow":["env"],"images":["r.example.com/*","r.example.com/*@sha256:*"]}}"#;
    let on_swarm = [&SWARM[..], &[("environments", images)]].concat();
    for (member, value, words) in [
        ("env", json!({"A": "x".repeat(4 * 1024)}), "4 KiB"),
        ("env", json!({"A": "{{.Node.ID}}"}), "{{"),
        ("image", json!("r.example.com/a"), "digest"),
    ] {
        let look = "find service by name: none; LOOKED: none";
        check_refused(&on_swarm, look, member, value, words);
    }
}
