//! `/health`.

use crate::script::*;

#[track_caller]
fn check_health(
    changes: &[(&'static str, &'static str)],
    steps: Vec<(&'static str, Reply)>,
    expected: Result<(), &str>,
) {
    let outcome = run_with(changes, steps, async |provisioner| {
        provisioner.health().await
    });
    match (outcome, expected) {
        (Ok(_), Ok(())) => {}
        (Err(error), Err(words)) => {
            assert_eq!(error.status().as_u16(), 503, "{error}");
            assert!(error.to_string().contains(words), "{error}");
        }
        (outcome, _) => panic!("{outcome:?}"),
    }
}

#[test]
fn health_looks_at_every_image_and_network_once() {
    let image = || ("look up the image", Is(200, r#"{"Id":"i"}"#.to_owned()));
    let network = |name: &str| {
        let body = serde_json::json!([{"Name": name}]).to_string();
        ("look up the network", Is(200, body))
    };
    let ours = || network("dynamic-access");
    check_health(&[], vec![image(), ours()], Ok(()));
    let two = (
        "environments",
        r#"{"e1":{"image":"other"},"e2":{"image":"other"},"e3":{"container_patch":{"HostConfig":{"NetworkMode":"none"}}}}"#,
    );
    check_health(&[two], vec![image(), image(), ours()], Ok(()));
    let absent = Is(200, r#"[{"Name":"dynamic-access-node"}]"#.to_owned());
    let steps = vec![image(), ("look up the network", absent)];
    check_health(&[], steps, Err("docker network create"));
}

#[test]
fn the_image_must_run_as_the_owner_of_the_secrets() {
    let steps = |user: &str| {
        let image = serde_json::json!({"Id": "i", "Config": {"User": user}}).to_string();
        vec![("look up the image", Is(200, image))]
    };
    let whole = |user: &str| {
        let mut steps = steps(user);
        let network = Is(
            200,
            r#"[{"Name":"dynamic-access","Options":{"com.docker.network.bridge.enable_icc":"false"}}]"#
                .to_owned(),
        );
        steps.push(("look up the network", network));
        steps
    };
    let notes = |owner: &'static str, user: &str| {
        run_with(
            &[("environments", owner)],
            whole(user),
            async |provisioner| provisioner.health().await.expect("healthy"),
        )
    };
    const OF_1000: &str = r#"{"e":{"image":"dynamic-access-agent","secret_owner":1000}}"#;
    assert_eq!(notes(OF_1000, "root"), Vec::<String>::new());
    for user in ["1000", "runner", "1001"] {
        check_health(&[], steps(user), Err("only root can read the token's file"));
    }
    // The image of the defaults is another one.
    let of_1000 = |user: &str, result| {
        const OTHER: &str = r#"{"e":{"image":"other","secret_owner":1000}}"#;
        let mut all = vec![("look up the image", Is(200, r#"{"Id":"i"}"#.to_owned()))];
        let rest = match result {
            Ok(_) => whole(user),
            Err(_) => steps(user),
        };
        all.extend(rest);
        let found = run_with(&[("environments", OTHER)], all, async |provisioner| {
            provisioner.health().await
        });
        match (found, result) {
            (Ok(notes), Ok(count)) => assert_eq!(notes.len(), count, "{notes:?}"),
            (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{error}"),
            (found, _) => panic!("{user}: {found:?}"),
        }
    };
    of_1000("1000:100", Ok(0));
    of_1000("runner", Ok(1));
    of_1000("1001", Err("root or the secret_owner 1000"));
}

#[test]
fn health_pulls_an_image_that_is_not_there_and_says_what_comes_of_it() {
    let absent = || ("look up the image", said(404, "no such image: x"));
    check_health(&[], vec![absent()], Err("the Engine has no image"));
    let pull = |reply| vec![absent(), ("pull", reply)];
    let mut steps = pull(Is(200, r#"{"status":"Downloaded"}"#.to_owned()));
    steps.push(("look up the image", Is(200, r#"{"Id":"i"}"#.to_owned())));
    let network = Is(200, r#"[{"Name":"dynamic-access"}]"#.to_owned());
    steps.push(("look up the network", network));
    check_health(&PULLING, steps, Ok(()));
    let refusal = "no matching manifest for linux/amd64 in the manifest list entries";
    check_health(&PULLING, pull(said(404, refusal)), Err(refusal));
    let late = format!(r#"{{"error":"{refusal}"}}"#);
    check_health(
        &PULLING,
        pull(Is(200, late)),
        Err("cannot be pulled from its registry"),
    );
    check_health(&PULLING, pull(said(500, "EOF")), Err("failed: EOF"));
    check_health(&PULLING, pull(Hangs), Err("makes no progress"));
    check_health(&PULLING, pull(CutShort("", 0)), Err("makes no progress"));
    let uncounted = r#"{"status":"Pulling fs layer","progressDetail":{},"id":"a"}"#;
    for (quiet, words) in [(1, "outlasts the webhook"), (10, "makes no progress")] {
        check_health(&PULLING, pull(CutShort(uncounted, quiet)), Err(words));
    }
    let moving = r#"{"status":"Downloading","progressDetail":{"current":1,"total":9}}"#;
    check_health(
        &PULLING,
        pull(CutShort(moving, 10)),
        Err("outlasts the webhook"),
    );
}

#[test]
fn a_look_that_fails_is_no_outage_unless_it_fails_three_times() {
    let image = || ("look up the image", Is(200, r#"{"Id":"i"}"#.to_owned()));
    let network = || {
        let body = r#"[{"Name":"dynamic-access"}]"#.to_owned();
        ("look up the network", Is(200, body))
    };
    for failure in [
        || Lost,
        || Unreachable,
        || Hangs,
        || said(500, "m"),
        || Is(200, "<html>".to_owned()),
        || Is(502, "<html>".to_owned()),
        || {
            said(
                408,
                "dynamic-access engine proxy: this request did not come in time",
            )
        },
    ] {
        let image_fails = || ("look up the image", failure());
        let network_fails = || ("look up the network", failure());
        let steps = vec![image_fails(), image(), network_fails(), network()];
        check_health(&[], steps, Ok(()));
        let steps = vec![image_fails(), image_fails(), image(), network()];
        check_health(&[], steps, Ok(()));
        let steps = vec![image_fails(), image_fails(), image_fails()];
        check_health(&[], steps, Err("unhealthy"));
    }
}

#[test]
fn health_does_not_depend_on_the_targets_that_there_are() {
    let steps = vec![
        ("look up the image", Is(200, r#"{"Id":"i"}"#.to_owned())),
        (
            "look up the network",
            Is(200, r#"[{"Name":"dynamic-access"}]"#.to_owned()),
        ),
    ];
    check_health(&[("max_targets", "0")], steps, Ok(()));
}

#[test]
fn health_reads_as_whom_an_image_runs_where_the_token_is_a_file() {
    let image = |user: &str| {
        let body = serde_json::json!({"Id": "i", "Config": {"User": user}});
        ("look up the image", Is(200, body.to_string()))
    };
    let network = || {
        let body = r#"[{"Name":"dynamic-access"}]"#.to_owned();
        ("look up the network", Is(200, body))
    };
    check_health(&[], vec![image("nobody")], Err("runs as the user nobody"));
    check_health(&[], vec![image("0"), network()], Ok(()));
    let in_environment = ("token_delivery", "env");
    check_health(&[in_environment], vec![image("nobody"), network()], Ok(()));
    let as_root = ("container_patch", r#"{"User":"0:0"}"#);
    check_health(&[as_root], vec![image("nobody"), network()], Ok(()));
    // The default profile leaves the user to the image, although one environment does not.
    let one_as_root = (
        "environments",
        r#"{"e":{"container_patch":{"User":"root"}}}"#,
    );
    check_health(&[one_as_root], vec![image("nobody")], Err("runs as"));
}

#[test]
fn health_notes_a_network_that_does_not_isolate_targets() {
    let notes = |options: &str| {
        let network = format!(r#"[{{"Name":"dynamic-access","Options":{options}}}]"#);
        let steps = vec![
            ("look up the image", Is(200, r#"{"Id":"i"}"#.to_owned())),
            ("look up the network", Is(200, network)),
        ];
        let outcome = run(steps, async |provisioner| provisioner.health().await);
        outcome.expect("it is healthy")
    };
    let isolates = r#"{"com.docker.network.bridge.enable_icc":"false"}"#;
    assert_eq!(notes(isolates), Vec::<String>::new());
    for options in [
        "{}",
        "null",
        r#"{"com.docker.network.bridge.enable_icc":"true"}"#,
    ] {
        let notes = notes(options);
        assert_eq!(notes.len(), 1);
        assert!(notes[0].contains("dynamic-access lets targets reach each other"));
    }
}
