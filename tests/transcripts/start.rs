//! `/start`.

use crate::script::*;

/// The status of the answer to a start, 200 with the right id being success.
/// Before every success, an inspect shows that the target still runs.
#[track_caller]
pub fn check_start(steps: Vec<(&'static str, Reply)>, status: u16) {
    check_start_with(&[], steps, status);
}

#[track_caller]
pub fn check_start_with(
    changes: &[(&'static str, &'static str)],
    mut steps: Vec<(&'static str, Reply)>,
    status: u16,
) {
    if status == 200 {
        steps.push(runs());
    }
    let outcome = run_with(changes, steps, async |provisioner| {
        provisioner.start(&order()).await
    });
    match outcome {
        Ok(started) => assert_eq!((started.container.id.as_str(), 200), (ID, status)),
        Err(error) => assert_eq!(error.status().as_u16(), status, "{error}"),
    }
}

#[test]
fn a_start_is_five_calls() {
    let steps = vec![
        ("create", created()),
        ("list all", one("created", &[])),
        ("archive", written()),
        ("start", done()),
    ];
    check_start(steps, 200);
}

#[test]
fn a_repeated_start_finds_its_target() {
    let taken = said(409, "Conflict.");
    check_start(
        vec![("create", taken), ("list by name", one("running", &[]))],
        200,
    );
}

#[test]
fn a_create_whose_answer_is_lost_is_found_by_its_name() {
    for lost in [Lost, Is(201, "<html>".to_owned()), said(500, "m")] {
        let steps = vec![
            ("create", lost),
            ("list by name", one("created", &[])),
            ("list all", one("created", &[])),
            ("archive", written()),
            ("start", done()),
        ];
        check_start(steps, 200);
    }
}

#[test]
fn a_create_that_was_lost_on_its_way_is_sent_again() {
    let steps = vec![
        ("create", Lost),
        ("list by name", none()),
        ("create", created()),
        ("list all", none()),
        ("archive", written()),
        ("start", done()),
    ];
    check_start(steps, 200);
}

#[test]
fn a_create_that_was_not_sent_is_not_looked_for() {
    check_start(vec![("create", Unreachable)], 503);
}

#[test]
fn another_attempts_container_is_waited_for_and_never_started() {
    let taken = || said(409, "Conflict.");
    let theirs = || one("created", &[("attempt", "theirs")]);
    let steps = vec![
        ("create", taken()),
        ("list by name", theirs()),
        ("list by name", theirs()),
        ("list by name", one("running", &[("attempt", "theirs")])),
    ];
    check_start(steps, 200);
}

#[test]
fn an_abandoned_container_is_removed_without_force_and_made_anew() {
    let created_long_ago = entry(ID, "created", 1_795_395_600, &[("attempt", "theirs")]);
    let old = Is(200, format!("[{created_long_ago}]"));
    for abandoned in [old, one("dead", &[])] {
        let steps = vec![
            ("create", said(409, "Conflict.")),
            ("list by name", abandoned),
            ("remove", done()),
            ("list by name", none()),
            ("create", created()),
            ("list all", none()),
            ("archive", written()),
            ("start", done()),
        ];
        check_start(steps, 200);
    }
}

#[test]
fn a_name_that_cannot_be_used_is_told_why() {
    let taken = || ("create", said(409, "Conflict."));
    for (state, changes, status) in [
        ("exited", &[][..], 409),
        ("running", &[("service-url", "https://other")], 422),
        ("running", &[("environment-id", "other")], 422),
        // The same id in another case is the same payload.
        ("running", &[("environment-id", "E")], 200),
        ("running", &[("deployment", "other")], 500),
        ("running", &[("name", "other")], 500),
    ] {
        let mut steps = vec![taken(), ("list by name", one(state, changes))];
        if status == 409 {
            steps.push(exit_code_127());
        }
        check_start(steps, status);
    }
}

#[test]
fn a_look_that_fails_is_made_three_times() {
    // Docker's containerd store says 404 while an image is broken.
    let broken = || said(404, "content digest sha256:0123: not found");
    for failure in [|| Lost, || Unreachable, || said(500, "m"), || Hangs, broken] {
        let mut steps = vec![
            ("create", created()),
            ("list all", failure()),
            ("list all", failure()),
            ("list all", none()),
        ];
        steps.extend([("archive", written()), ("start", done())]);
        check_start(steps, 200);
    }
    for failure in [|| Lost, broken] {
        let steps = vec![
            ("create", created()),
            ("list all", failure()),
            ("list all", failure()),
            ("list all", failure()),
            ("list by id", one("created", &[])),
            ("remove", done()),
        ];
        check_start(steps, 502);
    }
    // What is refused once is refused again.
    let steps = vec![
        ("create", created()),
        ("list all", said(400, "invalid filter")),
        ("list by id", one("created", &[])),
        ("remove", done()),
    ];
    check_start(steps, 500);
}

#[test]
fn a_list_that_is_too_long_is_asked_for_once_and_told_as_such() {
    let steps = vec![
        ("create", created()),
        ("list all", TooLong),
        ("list by id", one("created", &[])),
        ("remove", done()),
    ];
    let outcome = run(steps, async |provisioner| provisioner.start(&order()).await);
    let error = outcome.expect_err("nothing was counted");
    assert_eq!(error.status().as_u16(), 502);
    let error = error.to_string();
    for words in ["call list", "10 MiB", "labels of its image", "max_targets"] {
        assert!(error.contains(words), "{error}");
    }
    assert!(!error.contains("docker_url"), "{error}");
}

#[test]
fn a_start_that_fails_is_cleaned_up_without_force() {
    for (failure, status) in [
        (said(400, "no such file"), 500),
        (said(404, "network not found"), 500),
        (said(500, "OCI runtime create failed"), 502),
        (Lost, 502),
        (Hangs, 504),
    ] {
        let steps = vec![
            ("create", created()),
            ("list all", none()),
            ("archive", written()),
            ("start", failure),
            ("list by id", one("created", &[])),
            ("remove", done()),
        ];
        check_start(steps, status);
    }
}

#[test]
fn a_start_whose_answer_is_lost_may_have_succeeded() {
    let begun = || {
        vec![
            ("create", created()),
            ("list all", none()),
            ("archive", written()),
            ("start", Lost),
        ]
    };
    let mut seen = begun();
    seen.push(("list by id", one("running", &[])));
    check_start(seen, 200);
    let mut raced = begun();
    raced.push(("list by id", one("created", &[])));
    raced.push(("remove", said(409, "container is running")));
    raced.push(("list by id", one("running", &[])));
    check_start(raced, 200);
    let mut ended = begun();
    ended.push(("list by id", one("exited", &[])));
    ended.push(exit_code_127());
    check_start(ended, 409);
}

pub fn exit_code_127() -> (&'static str, Reply) {
    inspected("exited", 127, "01:01:00")
}

#[test]
fn a_target_that_ends_at_once_is_no_success() {
    let started = || {
        vec![
            ("create", created()),
            ("list all", none()),
            ("archive", written()),
            ("start", done()),
        ]
    };
    let repeated = || {
        vec![
            ("create", said(409, "Conflict.")),
            ("list by name", one("running", &[])),
        ]
    };
    let lost = || {
        let mut steps = started();
        steps.pop();
        steps.extend([("start", Lost), ("list by id", one("running", &[]))]);
        steps
    };
    let begins: [&dyn Fn() -> Vec<(&'static str, Reply)>; 3] = [&started, &repeated, &lost];
    for begun in begins {
        let mut ended = begun();
        ended.push(exit_code_127());
        let outcome = run(ended, async |provisioner| provisioner.start(&order()).await);
        let error = outcome.expect_err("it has ended");
        assert_eq!(error.status().as_u16(), 409);
        assert!(error.to_string().contains("exit code 127"), "{error}");
        let gone = ("inspect", said(404, "No such container"));
        for gone in [gone, inspected("removing", 0, ""), inspected("dead", 0, "")] {
            let mut steps = begun();
            steps.push(gone);
            check_start(steps, 409);
        }
        // Nobody knows whether it runs.
        let mut unseen = begun();
        unseen.extend((0..3).map(|_| ("inspect", Lost)));
        check_start(unseen, 502);
        // One lost look is repeated.
        let mut seen = begun();
        seen.push(("inspect", Lost));
        check_start(seen, 200);
    }
}

#[test]
fn a_container_that_a_late_look_shows_is_removed_too() {
    let own = || entry(ID, "created", 1_795_395_650, &[]);
    let begun = |found: &serde_json::Value| {
        vec![
            ("create", Lost),
            ("list by name", Lost),
            ("list by name", Lost),
            ("list by name", Lost),
            ("list by name", Is(200, format!("[{found}]"))),
        ]
    };
    let mut steps = begun(&own());
    steps.push(("list by id", one("created", &[])));
    steps.push(("remove", done()));
    check_start(steps, 502);
    let theirs = entry(ID, "created", 1_795_395_650, &[("attempt", "theirs")]);
    check_start(begun(&theirs), 502);
    let foreign = entry(ID, "created", 1_795_395_650, &[("deployment", "other")]);
    check_start(begun(&foreign), 502);
}

#[test]
fn a_create_is_sent_three_times_at_most() {
    let lost = || [("create", Lost), ("list by name", none())];
    let steps = lost().into_iter().chain(lost()).chain(lost());
    check_start(steps.collect(), 502);
}

#[test]
fn a_list_that_answers_more_than_was_asked_is_not_taken_at_its_word() {
    let mut stranger = entry(OTHER, "running", 0, &[]);
    stranger["Names"] = serde_json::json!(["/another"]);
    let own = entry(ID, "running", 0, &[]);
    let both = || Is(200, format!("[{stranger},{own}]"));
    let taken = ("create", said(409, "Conflict."));
    check_start(vec![taken, ("list by name", both())], 200);
}

#[test]
fn an_image_that_carries_our_label_does_not_use_up_the_targets() {
    let mut stranger = entry(OTHER, "running", 0, &[]);
    stranger["Names"] = serde_json::json!(["/another"]);
    let own = entry(ID, "created", 1_795_395_650, &[]);
    let steps = vec![
        ("create", created()),
        ("list all", Is(200, format!("[{own},{stranger}]"))),
        ("archive", written()),
        ("start", done()),
    ];
    check_start(steps, 200);
}

#[test]
fn one_target_too_many_steps_back() {
    let other = entry(OTHER, "running", 0, &[]);
    let own = entry(ID, "created", 1_795_395_650, &[]);
    let steps = vec![
        ("create", created()),
        ("list all", Is(200, format!("[{own},{other}]"))),
        ("list by id", one("created", &[])),
        ("remove", done()),
    ];
    check_start(steps, 429);
}

#[test]
fn a_created_target_has_its_place_for_as_long_as_it_is_there() {
    // Its server was suspended before the start, and resumes with a clock that stood
    // still.
    let old = entry(OTHER, "created", 0, &[]);
    let own = entry(ID, "created", 1_795_395_650, &[]);
    let steps = vec![
        ("create", created()),
        ("list all", Is(200, format!("[{own},{old}]"))),
        ("list by id", one("created", &[])),
        ("remove", done()),
    ];
    check_start(steps, 429);
}

#[test]
fn a_limit_of_none_refuses_new_targets_and_keeps_those_that_run() {
    for drained in [
        ("max_targets", "0"),
        ("environments", r#"{"e":{"max_targets":0}}"#),
    ] {
        let own = entry(ID, "created", 1_795_395_650, &[]);
        let steps = vec![
            ("create", created()),
            ("list all", Is(200, format!("[{own}]"))),
            ("list by id", one("created", &[])),
            ("remove", done()),
        ];
        check_start_with(&[drained], steps, 429);
        let steps = vec![
            ("create", said(409, "Conflict")),
            ("list by name", one("running", &[])),
        ];
        check_start_with(&[drained], steps, 200);
    }
}

#[test]
fn a_token_that_cannot_be_delivered_ends_the_start() {
    for (failure, status) in [
        (said(400, "container rootfs is marked read-only"), 500),
        (said(500, "no space left on device"), 502),
        (Lost, 502),
        (Hangs, 504),
    ] {
        let steps = vec![
            ("create", created()),
            ("list all", none()),
            ("archive", failure),
            ("list by id", one("created", &[])),
            ("remove", done()),
        ];
        check_start(steps, status);
    }
}

#[test]
fn a_container_that_is_pruned_before_it_runs_is_made_again() {
    let gone = || said(404, "No such container: 0123456789ab");
    let begun = || vec![("create", created()), ("list all", none())];
    let looked = || [("list by id", none()), ("list by name", none())];
    let pruned_before_archive = || {
        let mut steps = begun();
        steps.push(("archive", gone()));
        steps.extend(looked());
        steps
    };
    let pruned_before_start = || {
        let mut steps = begun();
        steps.extend([("archive", written()), ("start", gone())]);
        steps.extend(looked());
        steps
    };
    let mut steps = pruned_before_archive();
    steps.extend(pruned_before_start());
    steps.extend(begun());
    steps.extend([("archive", written()), ("start", done())]);
    check_start(steps, 200);
    let steps = [
        pruned_before_start,
        pruned_before_start,
        pruned_before_start,
    ];
    let steps = steps.into_iter().flat_map(|steps| steps());
    check_start(steps.collect(), 503);
}

#[test]
fn a_missing_network_is_told_with_the_command_that_creates_it() {
    let missing = "unable to find network with name or ID dynamic-access: network not found";
    let at_create = || vec![("create", said(500, missing)), ("list by name", none())];
    let at_start = || {
        vec![
            ("create", created()),
            ("list all", none()),
            ("archive", written()),
            ("start", said(404, "network dynamic-access not found")),
            ("list by id", one("created", &[])),
            ("remove", done()),
        ]
    };
    for steps in [at_create(), at_start()] {
        let outcome = run(steps, async |provisioner| provisioner.start(&order()).await);
        let error = outcome.expect_err("there is no network");
        assert_eq!(error.status().as_u16(), 500);
        let command =
            "docker network create --opt com.docker.network.bridge.enable_icc=false dynamic-access";
        assert!(error.to_string().contains(command), "{error}");
    }
}

#[test]
fn a_network_without_room_and_an_address_in_use_are_told_as_such() {
    let start_says = |status, message| {
        vec![
            ("create", created()),
            ("list all", none()),
            ("archive", written()),
            ("start", said(status, message)),
            ("list by id", one("created", &[])),
            ("remove", done()),
        ]
    };
    let full = "no available IPv4 addresses on this network's address pools: targets (0123)";
    check_start(start_says(403, full), 429);
    check_start(
        start_says(
            500,
            "adding interface veth1 to bridge br-0 failed: exchange full",
        ),
        429,
    );
    let steps = start_says(403, "Address already in use");
    let outcome = run(steps, async |provisioner| provisioner.start(&order()).await);
    let error = outcome.expect_err("a refusal").to_string();
    assert!(error.contains("Address already in use"), "{error}");
    assert!(!error.contains("proxy"), "{error}");
}

#[test]
fn a_token_in_the_environment_needs_no_call_of_its_own() {
    let steps = vec![
        ("create", created()),
        ("list all", none()),
        ("start", done()),
    ];
    check_start_with(&[("token_delivery", "env")], steps, 200);
}

#[test]
fn a_limit_that_would_not_hold_ends_the_start() {
    let warned = |warning: &str| {
        let body = serde_json::json!({"Id": ID, "Warnings": [warning]});
        ("create", Is(201, body.to_string()))
    };
    for dropped in [
        "Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded.",
        "Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded.",
        "Resource limits are not supported and ignored on cgroups V1 rootless systems",
    ] {
        let steps = vec![
            warned(dropped),
            ("list by id", one("created", &[])),
            ("remove", done()),
        ];
        check_start(steps, 500);
    }
    let steps = vec![
        warned(
            "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.",
        ),
        ("list all", none()),
        ("archive", written()),
        ("start", done()),
    ];
    check_start(steps, 200);
}

#[test]
fn an_environments_own_limit_counts_its_targets_alone() {
    let limited = [
        ("max_targets", "5"),
        ("environments", r#"{"e":{"max_targets":1}}"#),
    ];
    let list = |environment: &'static str| {
        let other = entry(OTHER, "running", 0, &[("environment-id", environment)]);
        let own = entry(ID, "created", 1_795_395_650, &[]);
        ("list all", Is(200, format!("[{own},{other}]")))
    };
    let steps = vec![
        ("create", created()),
        list("another"),
        ("archive", written()),
        ("start", done()),
    ];
    check_start_with(&limited, steps, 200);
    for same in ["e", "E"] {
        let steps = vec![
            ("create", created()),
            list(same),
            ("list by id", one("created", &[])),
            ("remove", done()),
        ];
        check_start_with(&limited, steps, 429);
    }
}

pub fn no_image() -> (&'static str, Reply) {
    ("create", said(404, "No such image: r.example.com/agent:1"))
}

#[test]
fn an_image_that_is_not_there_is_pulled_once() {
    let steps = vec![
        no_image(),
        ("pull", Is(200, r#"{"status":"Downloaded"}"#.to_owned())),
        ("create", created()),
        ("list all", none()),
        ("archive", written()),
        ("start", done()),
    ];
    check_start_with(&PULLING, steps, 200);
}

#[test]
fn an_image_that_cannot_be_had_is_told_why() {
    for (reply, status) in [
        (
            said(404, "manifest for r.example.com/agent:1 not found"),
            500,
        ),
        (said(500, "unauthorized: authentication required"), 500),
        (Is(200, r#"{"error":"unexpected EOF"}"#.to_owned()), 502),
        (Hangs, 503),
    ] {
        let steps = vec![no_image(), ("pull", reply), ("list by name", none())];
        check_start_with(&PULLING, steps, status);
    }
}

#[test]
fn an_image_without_a_registry_is_never_pulled() {
    let anywhere = [("image_pull", "missing"), ("agent_image", "team/agent")];
    check_start_with(&anywhere, vec![no_image(), ("list by name", none())], 500);
}
