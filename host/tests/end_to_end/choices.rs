//! The choices in the order of one target: the owner of its secrets, its process, its image and its
//! limits.

use serde_json::{Value, json};
use test_support::engine::{Kind, RealEngine};
use test_support::given;
use test_support::own::{Deployment, Image};
use test_support::server::Server;
use test_support::unique;
use test_support::wait::wait_for;

use crate::targets::{ask, check_status};

on_each_engine!(
    an_image_whose_user_is_not_root_reads_its_secrets,
    an_order_chooses_its_process_its_image_and_its_limits,
);

fn serve(deployment: &Deployment<'_>, environment: &Value) -> Server {
    let environments = json!({"e": environment}).to_string();
    deployment.server(&[("environments", &environments)])
}

/// Waits for a line in the log of a target.
fn check_says(engine: &RealEngine, id: &str, line: &str) {
    wait_for(line, || engine.log(id).contains(line).then_some(()));
}

fn an_image_whose_user_is_not_root_reads_its_secrets(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let image = Image::of_agent(engine, &[], "USER 1000");
    let script =
        "cd /run/dynamic-access; stat --format '%n %u %a' a b; cat a; cat b; echo; exec sleep 300";
    for (read_only, owner) in [(false, json!(1000)), (true, json!(0))] {
        let server = serve(
            &deployment,
            &json!({
                "image": image.name,
                "secret_owner": 1000,
                "container_patch": {
                    "Entrypoint": ["sh", "-c", script],
                    "HostConfig": {"ReadonlyRootfs": read_only},
                },
            }),
        );
        let health = server.call("GET", "/health", "");
        check_status(&health, 200);
        let order = json!({
            "environment": "e",
            "secrets": {"a": "the first", "b": {"value": "the second", "owner": owner}},
        });
        let id = ask(&server, &unique("key"), &order).id();
        check_says(engine, &id, "a 1000 400");
        check_says(engine, &id, &format!("b {owner} 400"));
        check_says(engine, &id, "the first");
        // Podman gives the capabilities of a target to every user, not to root alone.
        if owner == 1000 || engine.kind() == Kind::Podman {
            check_says(engine, &id, "the second");
        } else {
            wait_for("a refusal", || {
                engine
                    .errors(&id)
                    .contains("Permission denied")
                    .then_some(())
            });
            assert!(!engine.log(&id).contains("the second"));
        }
    }
    let other = json!({"image": image.name, "secret_owner": 1001});
    let server = serve(&deployment, &other);
    let health = server.call("GET", "/health", "");
    check_status(&health, 503);
    assert_eq!(server.line_about(&health)["code"], "token_unreadable");
}

/// An environment whose orders may choose everything.
fn open(image: &str) -> Value {
    json!({
        "allow": ["env", "command"],
        "images": [image],
        "max": {"memory": "512MiB", "cpus": 1},
        "container_patch": {"Entrypoint": ["sh", "-c"], "Cmd": ["exit 3"]},
    })
}

fn an_order_chooses_its_process_its_image_and_its_limits(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let image = Image::of_agent(engine, &[], "USER 1000");
    let server = serve(&deployment, &open(&image.name));
    let order = json!({
        "environment": "e",
        "env": {"GREETING": "hello\n$HOME"},
        "command": ["id -u; echo \"$GREETING\"; exec sleep 300"],
        "image": image.name,
        "resources": {"memory": "256MiB", "cpus": 0.5},
    });
    let key = unique("key");
    let id = ask(&server, &key, &order).id();
    check_says(engine, &id, "1000\nhello\n$HOME\n");
    let inspected = engine.inspect(&id);
    let host_config = &inspected["HostConfig"];
    for memory in ["Memory", "MemorySwap"] {
        assert_eq!(host_config[memory], 256 << 20, "{memory}");
    }
    assert_eq!(host_config["NanoCpus"], 500_000_000);
    check_status(&ask(&server, &key, &order), 200);
    let mut beyond = order.clone();
    beyond["resources"]["memory"] = json!("513MiB");
    check_status(&ask(&server, &unique("key"), &beyond), 422);
    for (member, value) in [
        ("env", json!({"GREETING": "hello"})),
        ("command", json!(["exec sleep 300"])),
        ("image", json!(given("TEST_AGENT_IMAGE"))),
        ("resources", json!({"memory": "256MiB"})),
    ] {
        let mut other = order.clone();
        other[member] = value;
        check_status(&ask(&server, &key, &other), 422);
    }
    assert_eq!(deployment.containers(), [id]);
}
