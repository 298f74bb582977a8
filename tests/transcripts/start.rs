//! `/start`.

use dynamic_access::platform::Platform;

use crate::script::*;

/// Checks the status of the answer to a start; a 200 must have the right id. Before every
/// success, an inspect shows that the target still runs.
#[track_caller]
pub fn check_start(steps: impl Into<Steps>, status: u16) {
    check_start_with(&[], steps, status);
}

#[track_caller]
pub fn check_start_with(changes: &Changes, steps: impl Into<Steps>, status: u16) {
    let mut steps = steps.into();
    if status == 200 {
        steps = steps + "inspect: running";
    }
    match start(changes, steps) {
        Ok(started) => assert_eq!((started.container.id.as_str(), 200), (ID, status)),
        Err(error) => assert_eq!(error.status().as_u16(), status, "{error}"),
    }
}

/// A start that fails with these words.
#[track_caller]
fn check_told(steps: impl Into<Steps>, status: u16, words: &[&str]) -> String {
    let error = start(&[], steps).expect_err("a failure");
    assert_eq!(error.status().as_u16(), status);
    let error = error.to_string();
    for words in words {
        assert!(error.contains(words), "{error}");
    }
    error
}

/// A create that finds its name taken.
const TAKEN: &str = "create: 409 Conflict.";

/// The look at the name, if another request has started the target.
pub const FOUND_RUNNING: &str = "list by name: running; stats: 3";

pub const ENDED_WITH_127: &str = "inspect: exited 127";

#[test]
fn a_start_is_five_calls() {
    check_start(UNTIL_STARTED, 200);
}

#[test]
fn a_create_whose_answer_is_lost_is_found_by_its_name() {
    for lost in ["lost", "201 <html>", "500 m"] {
        let found = format!("create: {lost}; list by name: created");
        check_start(found + "; list all: created; archive; start", 200);
    }
}

#[test]
fn a_create_that_was_lost_on_its_way_is_sent_again() {
    check_start(
        steps("create: lost; list by name: none") + UNTIL_STARTED,
        200,
    );
}

#[test]
fn a_create_that_was_not_sent_is_not_looked_for() {
    check_start("create: unreachable", 503);
}

#[test]
fn an_abandoned_container_is_removed_without_force_and_made_anew() {
    let changes = [("attempt", "theirs")];
    let old = list(&[entry(ID, "created", 1_795_395_600, &changes)]);
    for abandoned in [old, reply("list by name", "dead")] {
        let found = steps(TAKEN) + call("list by name", abandoned);
        check_start(found + "remove; list by name: none" + UNTIL_STARTED, 200);
    }
}

#[test]
fn a_name_that_cannot_be_used_is_told_why() {
    for (look, status) in [
        ("list by name: exited; inspect: exited 127", 409),
        ("list by name: running service-url=https://other", 422),
        ("list by name: running environment-id=other", 422),
        // The same id in another case is the same payload.
        ("list by name: running environment-id=E; stats: 3", 200),
        ("list by name: running deployment=other", 500),
        ("list by name: running name=other", 500),
    ] {
        check_start(steps(TAKEN) + look, status);
    }
}

#[test]
fn a_look_that_fails_is_made_three_times() {
    // Docker's containerd store says 404 while an image is broken.
    let broken = "404 content digest sha256:0123: not found";
    let looked = |words| steps("create") + call("list all", reply("list all", words));
    for failure in ["lost", "unreachable", "500 m", "hangs", broken] {
        let again = call("list all", reply("list all", failure)) + "list all: none";
        check_start(looked(failure) + again + "archive; start", 200);
    }
    for failure in ["lost", broken] {
        let again = call("list all", reply("list all", failure)) * 2;
        check_start(looked(failure) + again + CLEANED_UP, 502);
    }
    // The Engine refuses the same call again.
    check_start(looked("400 invalid filter") + CLEANED_UP, 500);
}

#[test]
fn a_list_that_is_too_long_is_asked_for_in_parts() {
    let empty = || steps("list part: none") * 15;
    // One part of them is too long itself.
    let parts = steps("create; list all: too long") + empty() + "list part: too long" + empty();
    check_start(parts + "list part: created; archive; start", 200);
    // Four digits are the most.
    let too_long = steps("create; list all: too long") + steps("list part: too long") * 4;
    let steps = too_long + CLEANED_UP;
    let words = ["call list", "10 MiB", "labels of its image", "max_targets"];
    let error = check_told(steps, 502, &words);
    assert!(!error.contains("docker_url"), "{error}");
}

#[test]
fn a_start_that_fails_is_cleaned_up_without_force() {
    for (failure, status) in [
        ("start: 400 no such file", 500),
        ("start: 404 network not found", 500),
        ("start: 500 OCI runtime create failed", 502),
        ("start: lost", 502),
        ("start: hangs", 504),
    ] {
        check_start(steps(UNTIL_WRITTEN) + failure + CLEANED_UP, status);
    }
}

#[test]
fn a_start_whose_answer_is_lost_may_have_succeeded() {
    let lost = || steps(UNTIL_WRITTEN) + "start: lost";
    check_start(lost() + "list by id: running", 200);
    let raced = "list by id: created; remove: 409 container is running; list by id: running";
    check_start(lost() + raced, 200);
    check_start(lost() + "list by id: exited" + ENDED_WITH_127, 409);
}

#[test]
fn a_target_that_ends_at_once_is_no_success() {
    let repeated = steps(TAKEN) + "list by name: running; stats: 0";
    let lost = steps(UNTIL_WRITTEN) + "start: lost; list by id: running";
    for begun in [steps(UNTIL_STARTED), repeated, lost] {
        check_told(begun.clone() + ENDED_WITH_127, 409, &["exit code 127"]);
        for gone in ["404 No such container", "removing", "dead"] {
            check_start(begun.clone() + format!("inspect: {gone}"), 409);
        }
        // Nobody knows whether it runs.
        check_start(begun.clone() + steps("inspect: lost") * 3, 502);
        // One lost look is repeated.
        check_start(begun + "inspect: lost", 200);
    }
}

#[test]
fn a_target_of_two_processes_is_inspected_early_and_any_other_after_the_whole_pause() {
    let answered_after = |count: &str| {
        let steps = steps(TAKEN) + "list by name: running" + count + "inspect";
        run(steps, async |provisioner| {
            provisioner.start(&order()).await.expect("it runs");
            provisioner.platform.now().as_millis()
        })
    };
    // A third and a tenth of the two seconds that the start of another request may have
    // taken.
    let whole = 70 + 666;
    assert_eq!(answered_after("stats: 2"), 200);
    for unclear in ["1", "0", "200 {}", "403 not allowed", "hangs"] {
        assert_eq!(answered_after(&format!("stats: {unclear}")), whole);
    }
}

#[test]
fn a_container_that_a_late_look_shows_is_removed_too() {
    let begun = || steps("create: lost") + steps("list by name: lost") * 3;
    check_start(begun() + "list by name: created" + CLEANED_UP, 502);
    check_start(begun() + "list by name: created attempt=theirs", 502);
    check_start(begun() + "list by name: created deployment=other", 502);
}

#[test]
fn a_create_is_sent_three_times_at_most() {
    check_start(steps("create: lost; list by name: none") * 3, 502);
}

#[test]
fn an_engine_whose_containerd_is_down_is_not_taken_for_a_swarm_without_a_leader() {
    for words in [
        "rpc error: code = Unavailable desc = connection error: connection refused",
        "failed to create shim task: context deadline exceeded",
    ] {
        let steps = format!("create: 500 {words}; list by name: none");
        check_told(steps, 502, &["the Engine failed"]);
    }
}

#[test]
fn a_list_that_answers_more_than_was_asked_is_not_taken_at_its_word() {
    let both = list(&[stranger(OTHER), entry(ID, "running", 0, &[])]);
    check_start(steps(TAKEN) + call("list by name", both), 200);
}

/// A start that finds somebody else's container besides its own.
fn beside(other: Value) -> Steps {
    let both = list(&[entry(ID, "created", TODAY, &[]), other]);
    steps("create") + call("list all", both)
}

#[test]
fn a_limit_of_none_refuses_new_targets_and_keeps_those_that_run() {
    for drained in [
        ("max_targets", "0"),
        ("environments", r#"{"e":{"max_targets":0}}"#),
    ] {
        check_start_with(&[drained], steps(UNTIL_COUNTED) + CLEANED_UP, 429);
        check_start_with(&[drained], steps(TAKEN) + FOUND_RUNNING, 200);
    }
}

#[test]
fn a_token_that_cannot_be_delivered_ends_the_start() {
    for (failure, status) in [
        ("archive: 400 container rootfs is marked read-only", 500),
        ("archive: 500 no space left on device", 502),
        ("archive: lost", 502),
        ("archive: hangs", 504),
    ] {
        check_start(steps(UNTIL_COUNTED) + failure + CLEANED_UP, status);
    }
}

#[test]
fn a_container_that_is_pruned_before_it_runs_is_made_again() {
    let gone = "404 No such container: 0123456789ab; list by id: none; list by name: none";
    let before_archive = steps(UNTIL_COUNTED) + format!("archive: {gone}");
    let before_start = steps(UNTIL_WRITTEN) + format!("start: {gone}");
    check_start(before_archive + before_start.clone() + UNTIL_STARTED, 200);
    check_start(before_start * 3, 503);
}

#[test]
fn a_missing_network_is_told_with_the_command_that_creates_it() {
    let at_create = steps(
        "create: 500 unable to find network with name or ID dynamic-access: network not found;
         list by name: none",
    );
    let at_start = steps(UNTIL_WRITTEN) + "start: 404 network dynamic-access not found";
    for steps in [at_create, at_start + CLEANED_UP] {
        let command =
            "docker network create --opt com.docker.network.bridge.enable_icc=false dynamic-access";
        check_told(steps, 500, &[command]);
    }
}

#[test]
fn of_several_networks_the_missing_one_is_told() {
    let patch = r#"{"NetworkingConfig":{"EndpointsConfig":{"second":{}}}}"#;
    for (named, told) in [("second", "second"), (OTHER, "dynamic-access")] {
        let missing = format!("start: 404 network {named} not found");
        let steps = steps(UNTIL_WRITTEN) + missing + CLEANED_UP;
        let error = start(&[("container_patch", patch)], steps).expect_err("it is missing");
        let words = format!("the Engine has no network {told};");
        assert!(error.to_string().contains(&words), "{error}");
    }
}

#[test]
fn a_network_without_room_and_an_address_in_use_are_told_as_such() {
    let start_says = |words| steps(UNTIL_WRITTEN) + format!("start: {words}") + CLEANED_UP;
    let full = "403 no available IPv4 addresses on this network's address pools: targets (0123)";
    check_start(start_says(full), 429);
    let exchange = "500 adding interface veth1 to bridge br-0 failed: exchange full";
    check_start(start_says(exchange), 429);
    let in_use = "Address already in use";
    let error = check_told(start_says("403 Address already in use"), 500, &[in_use]);
    assert!(!error.contains("proxy"), "{error}");
}

#[test]
fn a_token_in_the_environment_needs_no_call_of_its_own() {
    let steps = steps(UNTIL_COUNTED) + "start";
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
        check_start(warned(dropped) + CLEANED_UP, 500);
    }
    let swap = "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.";
    check_start(warned(swap) + "list all: none; archive; start", 200);
}

#[test]
fn an_environments_own_limit_counts_its_targets_alone() {
    let limited = [
        ("max_targets", "5"),
        ("environments", r#"{"e":{"max_targets":1}}"#),
    ];
    let beside_one_of = |id| beside(entry(OTHER, "running", 0, &[("environment-id", id)]));
    check_start_with(&limited, beside_one_of("another") + "archive; start", 200);
    for same in ["e", "E"] {
        check_start_with(&limited, beside_one_of(same) + CLEANED_UP, 429);
    }
}

pub const NO_IMAGE: &str = "create: 404 No such image: r.example.com/agent:1";

/// The calls of a start until it pulls its image.
pub const TO_PULL: &str = "create: 404 No such image: r.example.com/agent:1; list all: none";

#[test]
fn an_image_is_not_pulled_for_a_target_that_has_no_place() {
    let full = call("list all", list(&[entry(OTHER, "running", 0, &[])]));
    let full = steps(NO_IMAGE) + full + "list by name: none";
    check_start_with(&PULLING, full, 429);
    let [missing, image] = PULLING;
    let drained = [("max_targets", "0"), missing, image];
    check_start_with(&drained, steps(TO_PULL) + "list by name: none", 429);
}

#[test]
fn an_image_that_is_not_there_is_pulled_once() {
    let pulled = call("pull", shows(r#"{"status":"Downloaded"}"#));
    check_start_with(&PULLING, steps(TO_PULL) + pulled + UNTIL_STARTED, 200);
}

#[test]
fn an_image_that_cannot_be_had_is_told_why() {
    let unknown = "404 manifest for r.example.com/agent:1 not found";
    for (pulled, status) in [
        (reply("pull", unknown), 500),
        (
            reply("pull", "500 unauthorized: authentication required"),
            500,
        ),
        (shows(r#"{"error":"unexpected EOF"}"#), 502),
        (Hangs, 503),
    ] {
        let steps = steps(TO_PULL) + call("pull", pulled) + "list by name: none";
        check_start_with(&PULLING, steps, status);
    }
}

#[test]
fn an_image_without_a_registry_is_never_pulled() {
    let anywhere = [("image_pull", "missing"), ("agent_image", "team/agent")];
    check_start_with(&anywhere, steps(TO_PULL) + "list by name: none", 500);
}
