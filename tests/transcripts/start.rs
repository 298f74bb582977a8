//! `/start`.

use dynamic_access::platform::Platform;

use crate::script::*;

/// Checks the status of the answer to a start; a 200 must have the right id. Before every
/// success, an inspect shows that the target still runs.
#[track_caller]
pub fn check_start(steps: Steps, status: u16) {
    check_start_with(&[], steps, status);
}

#[track_caller]
pub fn check_start_with(changes: &Changes, mut steps: Steps, status: u16) {
    if status == 200 {
        steps = steps + runs();
    }
    match start(changes, steps) {
        Ok(started) => assert_eq!((started.container.id.as_str(), 200), (ID, status)),
        Err(error) => assert_eq!(error.status().as_u16(), status, "{error}"),
    }
}

/// A start that fails with these words.
#[track_caller]
fn check_told(steps: Steps, status: u16, words: &[&str]) -> String {
    let error = start(&[], steps).expect_err("a failure");
    assert_eq!(error.status().as_u16(), status);
    let error = error.to_string();
    for words in words {
        assert!(error.contains(words), "{error}");
    }
    error
}

/// A create that finds its name taken.
fn taken() -> Steps {
    call("create", said(409, "Conflict."))
}

fn by_name(state: &str, changes: &[(&str, &str)]) -> Steps {
    call("list by name", one(state, changes))
}

/// The look at the name, if another request has started the target.
pub fn found_running() -> Steps {
    by_name("running", &[]) + counts(3)
}

fn nothing_by_name() -> Steps {
    call("list by name", none())
}

#[test]
fn a_start_is_five_calls() {
    check_start(until_started(), 200);
}

#[test]
fn a_repeated_start_finds_its_target() {
    check_start(taken() + found_running(), 200);
}

#[test]
fn a_create_whose_answer_is_lost_is_found_by_its_name() {
    for lost in [Lost, Is(201, "<html>".to_owned()), said(500, "m")] {
        let steps = call("create", lost)
            + by_name("created", &[])
            + call("list all", one("created", &[]))
            + call("archive", shows(""))
            + call("start", done());
        check_start(steps, 200);
    }
}

#[test]
fn a_create_that_was_lost_on_its_way_is_sent_again() {
    let steps = call("create", Lost) + nothing_by_name() + until_started();
    check_start(steps, 200);
}

#[test]
fn a_create_that_was_not_sent_is_not_looked_for() {
    check_start(call("create", Unreachable), 503);
}

#[test]
fn another_attempts_container_is_waited_for_and_never_started() {
    let theirs = |state| by_name(state, &[("attempt", "theirs")]);
    let found = theirs("created") * 2 + theirs("running") + counts(3);
    check_start(taken() + found, 200);
}

#[test]
fn an_abandoned_container_is_removed_without_force_and_made_anew() {
    let old = list(&[entry(
        ID,
        "created",
        1_795_395_600,
        &[("attempt", "theirs")],
    )]);
    for abandoned in [old, one("dead", &[])] {
        let steps = taken()
            + call("list by name", abandoned)
            + call("remove", done())
            + nothing_by_name()
            + until_started();
        check_start(steps, 200);
    }
}

#[test]
fn a_name_that_cannot_be_used_is_told_why() {
    for (state, changes, status) in [
        ("exited", &[][..], 409),
        ("running", &[("service-url", "https://other")], 422),
        ("running", &[("environment-id", "other")], 422),
        // The same id in another case is the same payload.
        ("running", &[("environment-id", "E")], 200),
        ("running", &[("deployment", "other")], 500),
        ("running", &[("name", "other")], 500),
    ] {
        let rest = match status {
            409 => exit_code_127(),
            200 => counts(3),
            _ => no_call(),
        };
        check_start(taken() + by_name(state, changes) + rest, status);
    }
}

#[test]
fn a_look_that_fails_is_made_three_times() {
    let looked = |reply| call("create", created()) + call("list all", reply);
    let rest = || call("archive", shows("")) + call("start", done());
    // Docker's containerd store says 404 while an image is broken.
    let broken = said(404, "content digest sha256:0123: not found");
    for failure in [&Lost, &Unreachable, &said(500, "m"), &Hangs, &broken] {
        let again = call("list all", failure.clone()) + call("list all", none());
        check_start(looked(failure.clone()) + again + rest(), 200);
    }
    for failure in [Lost, broken] {
        let again = call("list all", failure.clone()) * 2;
        check_start(looked(failure) + again + cleaned_up(), 502);
    }
    // The Engine refuses the same call again.
    check_start(looked(said(400, "invalid filter")) + cleaned_up(), 500);
}

#[test]
fn a_list_that_is_too_long_is_asked_for_in_parts() {
    let parts = call("list all", TooLong)
        + call("list part", list(&[])) * 15
        // One part of them is too long itself.
        + call("list part", TooLong)
        + call("list part", list(&[])) * 15
        + call("list part", one("created", &[]));
    let rest = call("archive", shows("")) + call("start", done());
    check_start(call("create", created()) + parts + rest, 200);
    // Four digits are the most.
    let too_long = call("list all", TooLong) + call("list part", TooLong) * 4;
    let steps = call("create", created()) + too_long + cleaned_up();
    let words = ["call list", "10 MiB", "labels of its image", "max_targets"];
    let error = check_told(steps, 502, &words);
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
        let steps = until_written() + call("start", failure) + cleaned_up();
        check_start(steps, status);
    }
}

#[test]
fn a_start_whose_answer_is_lost_may_have_succeeded() {
    let found = |state| until_written() + call("start", Lost) + call("list by id", one(state, &[]));
    check_start(found("running"), 200);
    let raced =
        call("remove", said(409, "container is running")) + call("list by id", one("running", &[]));
    check_start(found("created") + raced, 200);
    check_start(found("exited") + exit_code_127(), 409);
}

pub fn exit_code_127() -> Steps {
    inspected("exited", 127, "01:01:00")
}

#[test]
fn a_target_that_ends_at_once_is_no_success() {
    let repeated = taken() + by_name("running", &[]) + counts(0);
    let lost = until_written() + call("start", Lost) + call("list by id", one("running", &[]));
    for begun in [until_started(), repeated, lost] {
        check_told(begun.clone() + exit_code_127(), 409, &["exit code 127"]);
        let gone = call("inspect", said(404, "No such container"));
        for gone in [gone, inspected("removing", 0, ""), inspected("dead", 0, "")] {
            check_start(begun.clone() + gone, 409);
        }
        // Nobody knows whether it runs.
        check_start(begun.clone() + call("inspect", Lost) * 3, 502);
        // One lost look is repeated.
        check_start(begun + call("inspect", Lost), 200);
    }
}

#[test]
fn a_target_of_two_processes_is_inspected_early_and_any_other_after_the_whole_pause() {
    let answered_after = |looks: Steps| {
        let steps = taken() + by_name("running", &[]) + looks + runs();
        run(steps, async |provisioner| {
            provisioner.start(&order()).await.expect("it runs");
            provisioner.platform.now().as_millis()
        })
    };
    // A third and a tenth of the two seconds that the start of another request may have
    // taken.
    let whole = 70 + 666;
    assert_eq!(answered_after(counts(2)), 200);
    for unclear in [
        counts(1),
        counts(0),
        call("stats", shows("{}")),
        call("stats", said(403, "not allowed")),
        call("stats", Hangs),
    ] {
        assert_eq!(answered_after(unclear), whole);
    }
}

#[test]
fn a_container_that_a_late_look_shows_is_removed_too() {
    let begun = |changes: &[(&str, &str)]| {
        call("create", Lost) + call("list by name", Lost) * 3 + by_name("created", changes)
    };
    check_start(begun(&[]) + cleaned_up(), 502);
    check_start(begun(&[("attempt", "theirs")]), 502);
    check_start(begun(&[("deployment", "other")]), 502);
}

#[test]
fn a_create_is_sent_three_times_at_most() {
    check_start((call("create", Lost) + nothing_by_name()) * 3, 502);
}

#[test]
fn an_engine_whose_containerd_is_down_is_not_taken_for_a_swarm_without_a_leader() {
    for words in [
        "rpc error: code = Unavailable desc = connection error: connection refused",
        "failed to create shim task: context deadline exceeded",
    ] {
        let steps = call("create", said(500, words)) + nothing_by_name();
        check_told(steps, 502, &["the Engine failed"]);
    }
}

#[test]
fn a_list_that_answers_more_than_was_asked_is_not_taken_at_its_word() {
    let both = list(&[stranger(OTHER), entry(ID, "running", 0, &[])]);
    check_start(taken() + call("list by name", both), 200);
}

/// A start that finds somebody else's container besides its own.
fn beside(other: Value) -> Steps {
    let both = list(&[entry(ID, "created", TODAY, &[]), other]);
    call("create", created()) + call("list all", both)
}

#[test]
fn an_image_that_carries_our_label_does_not_use_up_the_targets() {
    let rest = call("archive", shows("")) + call("start", done());
    check_start(beside(stranger(OTHER)) + rest, 200);
}

#[test]
fn one_target_too_many_steps_back() {
    let steps = beside(entry(OTHER, "running", 0, &[])) + cleaned_up();
    check_start(steps, 429);
}

#[test]
fn a_created_target_has_its_place_for_as_long_as_it_is_there() {
    // Its server was suspended before the start, and its clock stood still.
    let steps = beside(entry(OTHER, "created", 0, &[])) + cleaned_up();
    check_start(steps, 429);
}

#[test]
fn a_limit_of_none_refuses_new_targets_and_keeps_those_that_run() {
    for drained in [
        ("max_targets", "0"),
        ("environments", r#"{"e":{"max_targets":0}}"#),
    ] {
        check_start_with(&[drained], until_counted() + cleaned_up(), 429);
        check_start_with(&[drained], taken() + found_running(), 200);
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
        let steps = until_counted() + call("archive", failure) + cleaned_up();
        check_start(steps, status);
    }
}

#[test]
fn a_container_that_is_pruned_before_it_runs_is_made_again() {
    let gone = || said(404, "No such container: 0123456789ab");
    let looked = || call("list by id", none()) + nothing_by_name();
    let before_archive = until_counted() + call("archive", gone()) + looked();
    let before_start = until_written() + call("start", gone()) + looked();
    let steps = before_archive + before_start.clone() + until_started();
    check_start(steps, 200);
    check_start(before_start * 3, 503);
}

#[test]
fn a_missing_network_is_told_with_the_command_that_creates_it() {
    let missing = "unable to find network with name or ID dynamic-access: network not found";
    let at_create = call("create", said(500, missing)) + nothing_by_name();
    let at_start = until_written()
        + call("start", said(404, "network dynamic-access not found"))
        + cleaned_up();
    for steps in [at_create, at_start] {
        let command =
            "docker network create --opt com.docker.network.bridge.enable_icc=false dynamic-access";
        check_told(steps, 500, &[command]);
    }
}

#[test]
fn of_several_networks_the_missing_one_is_told() {
    let patch = r#"{"NetworkingConfig":{"EndpointsConfig":{"second":{}}}}"#;
    for (named, told) in [("second", "second"), (OTHER, "dynamic-access")] {
        let missing = said(404, &format!("network {named} not found"));
        let steps = until_written() + call("start", missing) + cleaned_up();
        let error = start(&[("container_patch", patch)], steps).expect_err("it is missing");
        let words = format!("the Engine has no network {told};");
        assert!(error.to_string().contains(&words), "{error}");
    }
}

#[test]
fn a_network_without_room_and_an_address_in_use_are_told_as_such() {
    let start_says =
        |status, message| until_written() + call("start", said(status, message)) + cleaned_up();
    let full = "no available IPv4 addresses on this network's address pools: targets (0123)";
    check_start(start_says(403, full), 429);
    let exchange = "adding interface veth1 to bridge br-0 failed: exchange full";
    check_start(start_says(500, exchange), 429);
    let in_use = "Address already in use";
    let error = check_told(start_says(403, in_use), 500, &[in_use]);
    assert!(!error.contains("proxy"), "{error}");
}

#[test]
fn a_token_in_the_environment_needs_no_call_of_its_own() {
    let steps = until_counted() + call("start", done());
    check_start_with(&[("token_delivery", "env")], steps, 200);
}

#[test]
fn a_limit_that_would_not_hold_ends_the_start() {
    let warned = |warning: &str| {
        let body = json!({"Id": ID, "Warnings": [warning]});
        call("create", Is(201, body.to_string()))
    };
    for dropped in [
        "Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded.",
        "Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded.",
        "Resource limits are not supported and ignored on cgroups V1 rootless systems",
    ] {
        check_start(warned(dropped) + cleaned_up(), 500);
    }
    let steps = warned(
        "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.",
    );
    let rest = call("list all", none()) + call("archive", shows("")) + call("start", done());
    check_start(steps + rest, 200);
}

#[test]
fn an_environments_own_limit_counts_its_targets_alone() {
    let limited = [
        ("max_targets", "5"),
        ("environments", r#"{"e":{"max_targets":1}}"#),
    ];
    let beside_one_of = |environment| {
        beside(entry(
            OTHER,
            "running",
            0,
            &[("environment-id", environment)],
        ))
    };
    let rest = call("archive", shows("")) + call("start", done());
    check_start_with(&limited, beside_one_of("another") + rest, 200);
    for same in ["e", "E"] {
        check_start_with(&limited, beside_one_of(same) + cleaned_up(), 429);
    }
}

pub fn no_image() -> Steps {
    call("create", said(404, "No such image: r.example.com/agent:1"))
}

/// The calls of a start until it pulls its image.
pub fn to_pull() -> Steps {
    no_image() + call("list all", none())
}

#[test]
fn an_image_is_not_pulled_for_a_target_that_has_no_place() {
    let full = no_image() + call("list all", list(&[entry(OTHER, "running", 0, &[])]));
    check_start_with(&PULLING, full + nothing_by_name(), 429);
    let [missing, image] = PULLING;
    let drained = [("max_targets", "0"), missing, image];
    check_start_with(&drained, to_pull() + nothing_by_name(), 429);
}

#[test]
fn an_image_that_is_not_there_is_pulled_once() {
    let pulled = call("pull", shows(r#"{"status":"Downloaded"}"#));
    check_start_with(&PULLING, to_pull() + pulled + until_started(), 200);
}

#[test]
fn an_image_that_cannot_be_had_is_told_why() {
    let unknown = "manifest for r.example.com/agent:1 not found";
    for (reply, status) in [
        (said(404, unknown), 500),
        (said(500, "unauthorized: authentication required"), 500),
        (shows(r#"{"error":"unexpected EOF"}"#), 502),
        (Hangs, 503),
    ] {
        let steps = to_pull() + call("pull", reply) + nothing_by_name();
        check_start_with(&PULLING, steps, status);
    }
}

#[test]
fn an_image_without_a_registry_is_never_pulled() {
    let anywhere = [("image_pull", "missing"), ("agent_image", "team/agent")];
    check_start_with(&anywhere, to_pull() + nothing_by_name(), 500);
}
