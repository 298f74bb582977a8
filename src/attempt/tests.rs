//! The body of one attempt, and how to recognise its container.

use serde_json::json;

use super::*;
use crate::api::body::parse_start;
use crate::config::tests::config;
use crate::container::{Choices, Resources};
use crate::docker::target::tests::aged;
use crate::platform::REPLY_BYTES_MAX;
use crate::secret::Secret;

fn order() -> StartOrder {
    let token = Secret::new("planted");
    StartOrder::of_webhook("https://host".to_owned(), token, "e".to_owned())
}

#[test]
fn the_body_labels_the_container() {
    let config = config(&[("deployment_id", "da")]);
    let order = order();
    let attempt = Attempt::new(&config, &order, &[], 0xa77);
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
fn a_thousand_of_the_largest_targets_fit_into_one_list() {
    let labels = (0..6).map(|number| (format!("{number:0>63}"), json!("x".repeat(256))));
    let body = json!({
        "environment": "e".repeat(128),
        "serviceUrl": format!("https://{:a>63}.bastionzero.com", ""),
        "owner": "\u{1f600}".repeat(128),
        "labels": Value::Object(labels.collect()),
    });
    let order = parse_start(Secret::new("key"), body.to_string().as_bytes()).expect("an order");
    let body = Attempt::new(&config(&[]), &order, &[], 0).create_body();
    // Ports, mounts, networks, a status, and a command of 2 KiB.
    let others = 4096;
    assert!(1000 * (body["Labels"].to_string().len() + others) < REPLY_BYTES_MAX);
}

/// Whether a target of this order has these labels.
fn has_payload(order: &StartOrder, labels: &[(&str, &str)]) -> bool {
    let labels = [&[("dynamic-access.environment-id", "e")], labels].concat();
    let config = config(&[]);
    let found = aged("running", None, &labels);
    Attempt::new(&config, order, &[], 0).has_payload_of(&found)
}

const URL: (&str, &str) = ("dynamic-access.service-url", "https://host");

#[test]
fn a_target_of_an_earlier_version_is_of_no_order_with_a_newer_member() {
    assert!(has_payload(&order(), &[URL]));
    let changes: [fn(&mut StartOrder); 8] = [
        |order| order.owner = Some("o".to_owned()),
        |order| _ = order.labels.insert("a".to_owned(), json!("b")),
        |order| order.env.push("A=1".to_owned()),
        |order| order.choices.command.push("c".to_owned()),
        |order| order.choices.resources.memory = Some(1),
        |order| order.choices.resources.nano_cpus = Some(1),
        |order| order.image = ImageReference::parse("a").ok(),
        |order| order.secrets[0].owner = Some(0),
    ];
    for change in changes {
        let mut order = order();
        change(&mut order);
        assert!(!has_payload(&order, &[URL]), "{order:?}");
    }
}

#[test]
fn what_is_not_given_is_labelled_as_empty_and_may_be_absent() {
    let config = config(&[]);
    let order = StartOrder {
        service_url: None,
        ..order()
    };
    let labels = &Attempt::new(&config, &order, &[], 0).create_body()["Labels"];
    assert_eq!(labels["dynamic-access.service-url"], "");
    let lifetime = |value| ("dynamic-access.lifetime", value);
    // A target that an earlier version started.
    assert!(has_payload(&order, &[]));
    assert!(has_payload(&order, &[(URL.0, ""), lifetime("")]));
    assert!(!has_payload(&order, &[URL]));
    assert!(!has_payload(&order, &[lifetime("60")]));
}

#[test]
fn a_digest_of_the_order_is_compared_before_any_other_label() {
    let digest = order().digest();
    for (digest, is_same) in [(&*digest, true), ("another", false), ("", false)] {
        let labels = [URL, ("dynamic-access.order", digest)];
        assert_eq!(has_payload(&order(), &labels), is_same, "{digest}");
    }
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
    Attempt::new(&config, &order, &[], 0).create_body()
}

#[test]
fn an_order_chooses_its_image_its_process_and_its_limits() {
    let patch = r#"{"Env":["TZ=UTC"],"Entrypoint":["e"],"Cmd":["c"],"HostConfig":{"NanoCpus":null,"CpuQuota":50000,"MemorySwap":4294967296,"MemoryReservation":16777216}}"#;
    let body = chosen(&[("container_patch", patch)]);
    assert_eq!(body["Image"], "r.example.com/a");
    assert_eq!(body["Entrypoint"], json!(["e"]));
    assert_eq!(body["Cmd"], json!(["sh"]));
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
    let mounts = r#"{"HostConfig":{"Mounts":[{"Type":"tmpfs","Target":"/tmp"}]}}"#;
    for (environments, own, is_enterable) in [
        ("{}", None, false),
        ("{}", Some(0), false),
        ("{}", Some(1), true),
        (r#"{"e":{"secret_owner":1}}"#, None, true),
        (r#"{"e":{"secret_owner":1}}"#, Some(0), false),
    ] {
        let config = config(&[("container_patch", mounts), ("environments", environments)]);
        let mut order = order();
        order.secrets[0].owner = own;
        let body = Attempt::new(&config, &order, &[], 0).create_body();
        let mounts = body["HostConfig"]["Mounts"].as_array().expect("a list");
        let is_mounted = mounts.contains(&mount);
        assert_eq!(is_mounted, is_enterable, "{environments} {own:?}");
        assert_eq!(mounts.len(), 1 + usize::from(is_enterable));
        let volume = body["Volumes"].get("/run/dynamic-access");
        assert_eq!(volume.is_none(), is_enterable);
    }
}

#[test]
fn the_configuration_holds_the_token_only_if_it_should() {
    let file = "ACTIVATION_TOKEN_FILE=/run/dynamic-access/activation-token";
    for (how, env, volumes) in [
        ("file", file, json!({"/run/dynamic-access": {}})),
        ("env", "ACTIVATION_TOKEN=planted", json!({})),
    ] {
        let config = config(&[("token_delivery", how)]);
        let body = Attempt::new(&config, &order(), &[], 0).create_body();
        let expected = json!(["SERVICE_URL=https://host", "ENVIRONMENT_ID=e", env]);
        assert_eq!((&body["Env"], &body["Volumes"]), (&expected, &volumes));
        assert_eq!(body.to_string().contains("planted"), how == "env");
    }
}
