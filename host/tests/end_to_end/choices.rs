//! The choices in the order of one target: the owner of its secrets, its process, its image and its
//! limits.

use test_support::prelude::*;

on_each_engine!(
    an_image_whose_user_is_not_root_reads_its_secrets,
    an_order_chooses_its_process_its_image_and_its_limits,
);

fn serve(deployment: &Deployment, environment: &Value) -> Server {
    let environments = json!({"e": environment}).to_string();
    deployment.server(&[("environments", &environments)])
}

/// Waits for a line in the log of a target.
fn check_says(engine: &RealEngine, id: &str, line: &str) {
    wait_until(line, || engine.log(id).contains(line));
}

fn an_image_whose_user_is_not_root_reads_its_secrets(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let image = engine.image_of_agent("USER 1000");
    let script =
        "cd /run/dynamic-access; stat --format '%n %u %a' a b; cat a; cat b; echo; exec sleep 300";
    for (read_only, owner) in [(false, json!(1000)), (true, json!(0))] {
        let patch = json!({
            "Entrypoint": ["sh", "-c", script],
            "HostConfig": {"ReadonlyRootfs": read_only},
        });
        let environment =
            json!({"image": image.id, "secret_owner": 1000, "container_patch": patch});
        let server = serve(&deployment, &environment);
        server.health().check_done();
        let order = json!({
            "environment": "e",
            "secrets": {"a": "the first", "b": {"value": "the second", "owner": owner}},
        });
        let id = server.order(&order).id();
        check_says(engine, &id, "a 1000 400");
        check_says(engine, &id, &format!("b {owner} 400"));
        check_says(engine, &id, "the first");
        // Podman gives the capabilities of a target to every user, not to root alone.
        if owner == 1000 || engine.is_podman {
            check_says(engine, &id, "the second");
        } else {
            wait_until("a refusal", || {
                engine.errors(&id).contains("Permission denied")
            });
            assert!(!engine.log(&id).contains("the second"));
        }
    }
    let other = json!({"image": image.id, "secret_owner": 1001});
    let server = serve(&deployment, &other);
    let health = server.health();
    server.check_code(&health, 503, "token_unreadable");
    server.check_failed(&health, 503, "user 1000");
}

fn an_order_chooses_its_process_its_image_and_its_limits(engine: &RealEngine) {
    let deployment = Deployment::new(engine);
    let image = engine.image_of_agent("USER 1000");
    let environment = json!({
        "allow": ["env", "command"],
        "images": [image.id],
        "max": {"memory": "512MiB", "cpus": 1},
        "container_patch": {"Entrypoint": ["sh", "-c"], "Cmd": ["exit 3"]},
    });
    let server = serve(&deployment, &environment);
    let order = json!({
        "environment": "e",
        "env": {"GREETING": "hello\n$HOME"},
        "command": ["id -u; echo \"$GREETING\"; exec sleep 300"],
        "image": image.id,
        "resources": {"memory": "256MiB", "cpus": 0.5},
    });
    let key = unique("key");
    let id = server.ask(&key, &order).id();
    check_says(engine, &id, "1000\nhello\n$HOME\n");
    let inspected = engine.inspect(&id);
    let host_config = &inspected["HostConfig"];
    for memory in ["Memory", "MemorySwap"] {
        assert_eq!(host_config[memory], 256 << 20, "{memory}");
    }
    assert_eq!(host_config["NanoCpus"], 500_000_000);
    server.ask(&key, &order).check(200);
    deployment.check_has(&[&id]);
}
