//! The body of one attempt, and how to recognise its container.

use serde_json::json;

use super::*;
use crate::config::tests::config;
use crate::container::{Choices, Resources};
use crate::docker::target::tests::aged;
use crate::secret::Secret;

fn order() -> StartOrder {
    let token = Secret::new("planted");
    StartOrder::of_webhook("https://host".to_owned(), token, "e".to_owned())
}

#[test]
fn the_body_labels_the_container() {
    let config = config(&[("deployment_id", "da")]);
    let order = order();
    let attempt = Attempt::new(&config, &order, 0xa77);
    let body = attempt.create_body();
    assert_eq!(body["Image"], "dynamic-access-agent");
    assert_eq!(
        body["Labels"],
        json!({
            "dynamic-access.deployment": "da",
            "dynamic-access.name": attempt.name.as_str(),
            "dynamic-access.attempt": "00000000000000000000000000000a77",
            "dynamic-access.service-url": "https://host",
            "dynamic-access.environment-id": "e",
            "dynamic-access.order": order.digest(),
            "dynamic-access.start-within": "120",
            "dynamic-access.max-lifetime": "691200",
            "dynamic-access.max-renewed": "691200",
            "dynamic-access.lifetime": "",
            "dynamic-access.owner": "",
            "dynamic-access.labels": "",
            "dynamic-access.ports": "",
        })
    );
}

#[test]
fn a_target_of_an_earlier_version_is_of_no_order_with_a_newer_member() {
    let config = config(&[]);
    let labels = [
        ("dynamic-access.environment-id", "e"),
        ("dynamic-access.service-url", "https://host"),
    ];
    let earlier = aged("running", None, &labels);
    let check = |is_same: bool, change: fn(&mut StartOrder)| {
        let mut order = order();
        change(&mut order);
        let attempt = Attempt::new(&config, &order, 0);
        assert_eq!(attempt.has_payload_of(&earlier), is_same, "{order:?}");
    };
    check(true, |_| {});
    check(false, |order| order.owner = Some("o".to_owned()));
    check(false, |order| {
        order.labels.insert("a".to_owned(), json!("b"));
    });
    check(false, |order| order.env.push("A=1".to_owned()));
    check(false, |order| order.choices.command.push("c".to_owned()));
    check(false, |order| order.choices.resources.memory = Some(1));
    check(false, |order| order.choices.resources.nano_cpus = Some(1));
    check(false, |order| order.image = ImageReference::parse("a").ok());
    check(false, |order| order.secrets[0].owner = Some(0));
}

#[test]
fn what_is_not_given_is_labelled_as_empty_and_may_be_absent() {
    let config = config(&[]);
    let order = StartOrder {
        service_url: None,
        ..order()
    };
    let attempt = Attempt::new(&config, &order, 0);
    let labels = &attempt.create_body()["Labels"];
    assert_eq!(labels["dynamic-access.service-url"], "");
    assert_eq!(labels["dynamic-access.lifetime"], "");
    let has_payload = |more: &[(&str, &str)]| {
        let labels = [&[("dynamic-access.environment-id", "e")], more].concat();
        attempt.has_payload_of(&aged("running", None, &labels))
    };
    // A target that an earlier version started.
    assert!(has_payload(&[]));
    let empty = [
        ("dynamic-access.service-url", ""),
        ("dynamic-access.lifetime", ""),
    ];
    assert!(has_payload(&empty));
    assert!(!has_payload(&[(
        "dynamic-access.service-url",
        "https://host"
    )]));
    assert!(!has_payload(&[("dynamic-access.lifetime", "60")]));
}

#[test]
fn a_digest_of_the_order_is_compared_before_any_other_label() {
    let config = config(&[]);
    let order = order();
    let attempt = Attempt::new(&config, &order, 0);
    let has_payload = |digest: &str| {
        let labels = [
            ("dynamic-access.environment-id", "e"),
            ("dynamic-access.service-url", "https://host"),
            ("dynamic-access.order", digest),
        ];
        attempt.has_payload_of(&aged("running", None, &labels))
    };
    assert!(has_payload(&order.digest()));
    assert!(!has_payload("another"));
    assert!(!has_payload(""));
}

const PINNED: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// The body of an order with every member.
fn chosen(variables_: &[(&'static str, &'static str)]) -> Value {
    let config = config(variables_);
    let order = StartOrder {
        env: vec!["A=b".to_owned()],
        choices: Choices {
            command: vec!["sh".to_owned()],
            resources: Resources {
                memory: Some(8 << 20),
                nano_cpus: Some(20_000_000),
            },
        },
        image: ImageReference::parse("r.example.com/a").ok(),
        ..order()
    };
    Attempt::new(&config, &order, 0).create_body()
}

#[test]
fn an_order_chooses_its_image_its_process_and_its_limits() {
    let patch = r#"{"Env":["TZ=UTC"],"Entrypoint":["e"],"Cmd":["c"],"HostConfig":{"NanoCpus":null,"CpuQuota":50000,"MemorySwap":4294967296,"MemoryReservation":16777216}}"#;
    let ports = ("ports", r#"{"web":80}"#);
    let body = chosen(&[
        ("container_patch", patch),
        ports,
        ("publish_address", "127.0.0.1"),
    ]);
    assert_eq!(body["Image"], "r.example.com/a");
    assert_eq!(
        (&body["Entrypoint"], &body["Cmd"]),
        (&json!(["e"]), &json!(["sh"]))
    );
    let env = body["Env"].as_array().expect("a list");
    assert_eq!(env[env.len() - 2..], [json!("A=b"), json!("TZ=UTC")]);
    let host_config = &body["HostConfig"];
    for memory in ["Memory", "MemorySwap", "MemoryReservation"] {
        assert_eq!(host_config[memory], 8 << 20, "{memory}");
    }
    assert_eq!(host_config["NanoCpus"], 20_000_000);
    assert!(host_config.get("CpuQuota").is_none());
    assert_eq!(host_config["PidsLimit"], 512);
}

#[test]
fn on_a_swarm_an_order_chooses_the_same() {
    let body = chosen(&[("scheduler", "swarm"), ("agent_image", PINNED)]);
    let template = &body["TaskTemplate"];
    let container = &template["ContainerSpec"];
    assert_eq!(container["Image"], "r.example.com/a");
    assert_eq!(container["Args"], json!(["sh"]));
    let resources = json!({"NanoCPUs": 20_000_000, "MemoryBytes": 8 << 20});
    assert_eq!(template["Resources"]["Reservations"], resources);
    assert_eq!(template["Resources"]["Limits"]["MemoryBytes"], 8 << 20);
    assert_eq!(template["Resources"]["Limits"]["NanoCPUs"], 20_000_000);
    assert_eq!(template["Resources"]["Limits"]["Pids"], 512);
}

#[test]
fn what_the_body_lacks_an_order_does_not_add() {
    let body = chosen(&[]);
    let host_config = body["HostConfig"].as_object().expect("an object");
    assert!(host_config.values().all(|value| !value.is_null()));
    let patch = r#"{"Resources":{"Reservations":null}}"#;
    let swarm = [("scheduler", "swarm"), ("agent_image", PINNED)];
    let body = chosen(&[swarm[0], swarm[1], ("container_patch", patch)]);
    let resources = &body["TaskTemplate"]["Resources"];
    assert!(resources.get("Reservations").is_none());
}

#[test]
fn the_folder_of_another_owners_secrets_can_be_entered() {
    let mount = json!({
        "Type": "volume",
        "Target": "/run/dynamic-access",
        "VolumeOptions": {"NoCopy": true},
    });
    let patch = (
        "container_patch",
        r#"{"HostConfig":{"Mounts":[{"Type":"tmpfs","Target":"/tmp"}]}}"#,
    );
    for (environments, own, is_enterable) in [
        ("{}", None, false),
        ("{}", Some(0), false),
        ("{}", Some(1), true),
        (r#"{"e":{"secret_owner":1}}"#, None, true),
        (r#"{"e":{"secret_owner":1}}"#, Some(0), false),
    ] {
        let changes = [patch, ("environments", environments)];
        let config = config(&changes);
        let mut order = order();
        order.secrets[0].owner = own;
        let body = Attempt::new(&config, &order, 0).create_body();
        let mounts = body["HostConfig"]["Mounts"].as_array().expect("a list");
        assert_eq!(
            mounts.contains(&mount),
            is_enterable,
            "{environments} {own:?}"
        );
        assert_eq!(mounts.len(), 1 + usize::from(is_enterable));
        let volume = body["Volumes"].get("/run/dynamic-access");
        assert_eq!(volume.is_none(), is_enterable);
    }
}

#[track_caller]
fn check_delivery(how: &'static str, env: &str, volumes: &Value) {
    let config = config(&[("token_delivery", how)]);
    let body = Attempt::new(&config, &order(), 0).create_body();
    assert_eq!(
        body["Env"],
        json!(["SERVICE_URL=https://host", "ENVIRONMENT_ID=e", env])
    );
    assert_eq!(&body["Volumes"], volumes);
    let shows_token = body.to_string().contains("planted");
    assert_eq!(shows_token, how == "env");
}

#[test]
fn the_configuration_holds_the_token_only_if_it_should() {
    let file = "ACTIVATION_TOKEN_FILE=/run/dynamic-access/activation-token";
    check_delivery("file", file, &json!({"/run/dynamic-access": {}}));
    check_delivery("env", "ACTIVATION_TOKEN=planted", &json!({}));
}
