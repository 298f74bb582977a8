//! The networks that a patch may name.

use serde_json::{Value, json};

use super::{CONTAINER, Isolation};

#[test]
fn networks_of_others_are_refused() {
    for mode in [
        "host",
        "HOST",
        "container:db",
        "Container:db",
        "ns:/proc/1/ns/net",
        "default",
        "",
        "0a1b2c",
        "bad",
        " host",
        "host ",
        "pasta",
        "slirp4netns",
        "targets,host",
    ] {
        let mode = Value::from(mode);
        CONTAINER.guards_against(&format!("HostConfig.NetworkMode {mode}"));
        CONTAINER.guards_against(&format!(
            "NetworkingConfig.EndpointsConfig {{{mode}: {{}}}}"
        ));
    }
    CONTAINER.guards_against(r#"
        HostConfig.NetworkMode null
        NetworkingConfig.EndpointsConfig {"targets": {"NetworkID": "0a1b"}} | {"targets": {"Links": ["db:db"]}}
        "#);
    CONTAINER.accepts(
        r#"
        HostConfig.NetworkMode "none" | "bridge" | "targets"
        "#,
    );
}

#[test]
fn a_target_joins_a_bounded_number_of_networks() {
    let patch = |count: usize| {
        let networks = (0..count).map(|number| (format!("n{number}"), json!({})));
        let networks: serde_json::Map<_, _> = networks.collect();
        json!({"NetworkingConfig": {"EndpointsConfig": networks}})
    };
    CONTAINER
        .build(&[patch(8)], Isolation::Kept)
        .expect("a body");
    let problems = CONTAINER
        .build(&[patch(9)], Isolation::GivenUp)
        .expect_err("too many");
    assert_eq!(
        problems,
        ["NetworkingConfig.EndpointsConfig has more than 8 networks"]
    );
}
