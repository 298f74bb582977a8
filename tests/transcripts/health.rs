//! `/health`.

use crate::script::*;

#[track_caller]
fn check_health(changes: &Changes, steps: impl Into<Steps>, expected: Result<usize, &str>) {
    let outcome = run_with(changes, steps, async |provisioner| {
        provisioner.health().await
    });
    match (outcome, expected) {
        (Ok(notes), Ok(count)) => assert_eq!(notes.len(), count, "{notes:?}"),
        (Err(error), Err(words)) => {
            assert_eq!(error.status().as_u16(), 503, "{error}");
            assert!(error.to_string().contains(words), "{error}");
        }
        (outcome, _) => panic!("{outcome:?}"),
    }
}

const IMAGE: &str = "look up the image";

/// An image that runs as this user.
fn image_of(user: &str) -> Steps {
    let image = json!({"Id": "i", "Config": {"User": user}});
    call("look up the image", shows(image))
}

/// The network with these options.
fn network_with(options: Value) -> Steps {
    let network = json!([{"Name": "dynamic-access", "Options": options}]);
    call("look up the network", shows(network))
}

fn network() -> Steps {
    network_with(json!({"com.docker.network.bridge.enable_icc": "false"}))
}

#[test]
fn health_looks_at_every_image_and_network_once() {
    check_health(&[], steps(IMAGE) + network(), Ok(0));
    let two = (
        "environments",
        r#"{"e1":{"image":"other"},"e2":{"image":"other"},"e3":{"container_patch":{"HostConfig":{"NetworkMode":"none"}}}}"#,
    );
    check_health(&[two], steps(IMAGE) + IMAGE + network(), Ok(0));
    let absent = call(
        "look up the network",
        shows(r#"[{"Name":"dynamic-access-node"}]"#),
    );
    check_health(&[], steps(IMAGE) + absent, Err("docker network create"));
}

#[test]
fn the_image_must_run_as_the_owner_of_the_secrets() {
    const OF_1000: &str = r#"{"e":{"image":"dynamic-access-agent","secret_owner":1000}}"#;
    let of_1000 = [("environments", OF_1000)];
    check_health(&of_1000, image_of("root") + network(), Ok(0));
    for user in ["1000", "runner", "1001"] {
        let told = Err("only root can read the token's file");
        check_health(&[], image_of(user), told);
    }
    // The image of the defaults is another one.
    const OTHER: &str = r#"{"e":{"image":"other","secret_owner":1000}}"#;
    for (user, rest, result) in [
        ("1000:100", network(), Ok(0)),
        ("runner", network(), Ok(1)),
        ("1001", no_call(), Err("root or the secret_owner 1000")),
    ] {
        let steps = steps(IMAGE) + image_of(user) + rest;
        check_health(&[("environments", OTHER)], steps, result);
    }
}

#[test]
fn health_pulls_an_image_that_is_not_there_and_says_what_comes_of_it() {
    let absent = || steps("look up the image: 404 no such image: x");
    check_health(&[], absent(), Err("the Engine has no image"));
    let pulled = call("pull", shows(r#"{"status":"Downloaded"}"#));
    check_health(&PULLING, absent() + pulled + IMAGE + network(), Ok(0));
    let refusal = "no matching manifest for linux/amd64 in the manifest list entries";
    let late = shows(format!(r#"{{"error":"{refusal}"}}"#));
    let uncounted = r#"{"status":"Pulling fs layer","progressDetail":{},"id":"a"}"#;
    let moving = r#"{"status":"Downloading","progressDetail":{"current":1,"total":9}}"#;
    for (reply, words) in [
        (reply("pull", &format!("404 {refusal}")), refusal),
        (late, "cannot be pulled from its registry"),
        (reply("pull", "500 EOF"), "failed: EOF"),
        (Hangs, "makes no progress"),
        (CutShort("", 0), "makes no progress"),
        (CutShort(uncounted, 1), "outlasts the request"),
        (CutShort(uncounted, 10), "makes no progress"),
        (CutShort(moving, 10), "outlasts the request"),
    ] {
        check_health(&PULLING, absent() + call("pull", reply), Err(words));
    }
}

#[test]
fn a_look_that_fails_is_no_outage_unless_it_fails_three_times() {
    for failure in [
        Lost,
        Unreachable,
        Hangs,
        reply("", "500 m"),
        reply("", "200 <html>"),
        reply("", "502 <html>"),
        reply(
            "",
            "408 dynamic-access engine proxy: this request did not come in time",
        ),
    ] {
        let image_fails = call("look up the image", failure.clone());
        let network_fails = call("look up the network", failure);
        let once = image_fails.clone() + IMAGE + network_fails + network();
        check_health(&[], once, Ok(0));
        let twice = image_fails.clone() * 2 + IMAGE + network();
        check_health(&[], twice, Ok(0));
        check_health(&[], image_fails * 3, Err("unhealthy"));
    }
}

#[test]
fn health_does_not_depend_on_the_targets_that_there_are() {
    check_health(&[("max_targets", "0")], steps(IMAGE) + network(), Ok(0));
}

#[test]
fn health_reads_as_whom_an_image_runs_where_the_token_is_a_file() {
    check_health(&[], image_of("nobody"), Err("runs as the user nobody"));
    check_health(&[], image_of("0") + network(), Ok(0));
    for elsewhere in [
        ("token_delivery", "env"),
        ("container_patch", r#"{"User":"0:0"}"#),
    ] {
        check_health(&[elsewhere], image_of("nobody") + network(), Ok(0));
    }
    // The default profile leaves the user to the image, although one environment does not.
    let one_as_root = (
        "environments",
        r#"{"e":{"container_patch":{"User":"root"}}}"#,
    );
    check_health(&[one_as_root], image_of("nobody"), Err("runs as"));
}

#[test]
fn health_notes_a_network_that_does_not_isolate_targets() {
    for options in [
        json!({}),
        Value::Null,
        json!({"com.docker.network.bridge.enable_icc": "true"}),
    ] {
        let steps = steps(IMAGE) + network_with(options);
        let notes = run(steps, async |provisioner| provisioner.health().await);
        let notes = notes.expect("it is healthy");
        assert_eq!(notes.len(), 1);
        assert!(notes[0].contains("dynamic-access lets targets reach each other"));
    }
}

#[test]
fn health_notes_each_network_that_does_not_isolate_targets() {
    let patch = |patch| [("container_patch", patch)];
    let named = |name: &str| {
        let open = json!([{"Name": name, "Options": {}}]);
        call("look up the network", shows(open))
    };
    let bridge = patch(r#"{"HostConfig":{"NetworkMode":"bridge"}}"#);
    check_health(&bridge, steps(IMAGE) + named("bridge"), Ok(1));
    // Podman has it under another name.
    check_health(&bridge, steps(IMAGE) + named("other"), Ok(1));
    let second =
        patch(r#"{"NetworkingConfig":{"EndpointsConfig":{"second":{},"dynamic-access":{}}}}"#);
    check_health(&second, steps(IMAGE) + network() + named("second"), Ok(1));
    let absent = steps(IMAGE) + network() + named("other");
    check_health(&second, absent, Err("the Engine has no network second;"));
}
