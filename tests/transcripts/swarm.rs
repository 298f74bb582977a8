//! Webhooks on a Swarm.

use dynamic_access::config::Config;
use dynamic_access::docker::TargetId;
use dynamic_access::docker::swarm::template;
use dynamic_access::docker::target::State;
use dynamic_access::error::{Error, TargetError};
use dynamic_access::provision::{Provisioner, Started};
use dynamic_access::reaper::{self, Report, Scope};
use dynamic_access::target_view::{Filter, ShownState};
use serde_json::{Value, json};

use crate::script::*;

pub const SERVICE: &str = "0123456789abcdefghijklmno";
pub const OTHER_SERVICE: &str = "onmlkjihgfedcba9876543210";

pub const SWARM: [(&str, &str); 2] = [
    ("scheduler", "swarm"),
    (
        "agent_image",
        "r.example.com/agent@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    ),
];

pub fn on_swarm<T>(
    steps: Vec<(&'static str, Reply)>,
    webhook: impl AsyncFnOnce(Provisioner<'_, Script>) -> T,
) -> T {
    run_with(&SWARM, steps, webhook)
}

#[track_caller]
pub fn start(steps: Vec<(&'static str, Reply)>) -> Result<Started, Error> {
    let order = order();
    on_swarm(steps, async |provisioner| provisioner.start(&order).await)
}

/// The template of a task, as a Swarm shows it.
fn template_of_task() -> Value {
    let config = Config::parse(&variables(&SWARM)).expect("a config");
    let mut template = config.profiles.of("e").body.value().clone();
    template["ContainerSpec"]["Image"] = "agent".into();
    template["ContainerSpec"]["Env"] = json!(["ENVIRONMENT_ID=e"]);
    template["ContainerSpec"]["Labels"] = entry(ID, "", 0, &[])["Labels"].clone();
    template["ContainerSpec"]["StopGracePeriod"] = 1.into();
    template["Networks"] = json!([{"Target": "n"}]);
    template["ForceUpdate"] = 0.into();
    template
}

/// A service, eleven seconds old, with its labels.
pub fn service(replicas: u64, more: &[&str]) -> Value {
    let mut labels = entry(ID, "created", 0, &[])["Labels"].clone();
    for label in more {
        labels[format!("dynamic-access.{label}")] = "true".into();
    }
    let mut service = json!({
        "ID": SERVICE,
        "Version": {"Index": 7},
        "CreatedAt": "2026-11-23T01:00:50.123456789Z",
        "Spec": {
            "Name": labels["dynamic-access.name"],
            "Labels": labels,
            "TaskTemplate": template_of_task(),
            "Mode": {"Replicated": {"Replicas": replicas}},
        },
    });
    if replicas > 0 {
        let digest = template::digest(&service["Spec"]);
        service["Spec"]["Labels"]["dynamic-access.template"] = digest.into();
    }
    service
}

/// The same, which another attempt than the first of a webhook has made.
fn of_another(mut service: Value) -> Reply {
    service["Spec"]["Labels"]["dynamic-access.attempt"] = "a".repeat(32).into();
    Is(200, service.to_string())
}

fn node(role: &str, availability: &str, state: &str, version: &str) -> Value {
    json!({
        "ID": "n",
        "Spec": {"Role": role, "Availability": availability},
        "Description": {"Hostname": "host", "Engine": {"EngineVersion": version}},
        "Status": {"State": state},
    })
}

/// Three managers.
fn managers(versions: [&str; 3]) -> Reply {
    list(&versions.map(|version| node("manager", "active", "ready", version)))
}

pub fn task_of(service: &str, state: &str, desired: &str) -> Value {
    json!({
        "ID": "t",
        "CreatedAt": "2026-11-23T01:00:51.123456789Z",
        "ServiceID": service,
        "NodeID": "n",
        "Spec": {"ContainerSpec": {"Image": "agent", "Labels": entry(ID, "", 0, &[])["Labels"]}},
        "Status": {
            "Timestamp": "2026-11-23T01:00:55.123456789Z",
            "State": state,
            "ContainerStatus": {"ExitCode": 7},
        },
        "DesiredState": desired,
    })
}

pub fn failing(state: &str, error: &str) -> Reply {
    let mut task = task_of(SERVICE, state, "running");
    task["Status"]["Err"] = error.into();
    task.as_object_mut().expect("a task").remove("NodeID");
    list(&[task])
}

pub fn rejected(error: &str) -> Reply {
    let mut task = task_of(SERVICE, "rejected", "shutdown");
    task["Status"]["Err"] = error.into();
    list(&[task])
}

pub fn list(entries: &[Value]) -> Reply {
    Is(200, json!(entries).to_string())
}

pub fn one(replicas: u64, more: &[&str]) -> Reply {
    list(&[service(replicas, more)])
}

pub fn shown(replicas: u64, more: &[&str]) -> Reply {
    Is(200, service(replicas, more).to_string())
}

pub fn task(state: &str) -> Reply {
    list(&[task_of(SERVICE, state, "running")])
}

pub fn leaving() -> Reply {
    list(&[task_of(SERVICE, "running", "remove")])
}

pub fn made() -> Reply {
    Is(201, format!(r#"{{"ID":"{SERVICE}"}}"#))
}

pub fn updated() -> Reply {
    Is(200, r#"{"Warnings":null}"#.to_owned())
}

pub fn out_of_sequence() -> Reply {
    said(
        500,
        "rpc error: code = Unknown desc = update out of sequence",
    )
}

pub fn gone() -> Reply {
    said(404, "service x not found")
}

pub fn deleted() -> Reply {
    Is(200, String::new())
}

/// The calls that bring a target to its start.
pub fn until_started() -> Vec<(&'static str, Reply)> {
    vec![
        ("create service", made()),
        ("list unvouched services", one(0, &[])),
        ("list tasks", none()),
        ("create secret", Is(201, r#"{"ID":"s"}"#.to_owned())),
        ("look up service", shown(0, &[])),
        ("list nodes", managers(["26.1.5", "25.0.0", "28.5.2"])),
        ("update", updated()),
    ]
}

pub fn seen_running() -> Vec<(&'static str, Reply)> {
    vec![
        ("find service", one(1, &[])),
        ("list own tasks", task("running")),
    ]
}

pub fn vouched_for() -> Vec<(&'static str, Reply)> {
    vec![("look up service", shown(1, &[])), ("update", updated())]
}

/// The calls with which another attempt than its own vouches for a service.
pub fn vouched_for_again(service: Value) -> Vec<(&'static str, Reply)> {
    vec![
        ("look up service", of_another(service)),
        ("list nodes", managers(["26.1.5", "25.0.0", "28.5.2"])),
        ("update", updated()),
    ]
}

/// The calls that clean up after a start whose tasks are these and end at once.
pub fn cleaned_up(replicas: u64, tasks: impl Fn() -> Reply) -> Vec<(&'static str, Reply)> {
    vec![
        ("find service", one(replicas, &[])),
        ("list own tasks", tasks()),
        ("look up service", shown(replicas, &[])),
        ("list own tasks", tasks()),
        ("update", updated()),
        ("list own tasks", none()),
        ("delete service", deleted()),
        ("list own secrets", list(&[])),
    ]
}

/// The calls that take a target back that is not seen running.
fn taken_back() -> Vec<(&'static str, Reply)> {
    vec![
        ("look up service", shown(1, &[])),
        ("list own tasks", task("preparing")),
        ("update", updated()),
        ("list own tasks", leaving()),
        ("list own tasks", none()),
        ("delete service", deleted()),
        ("list own secrets", list(&[])),
    ]
}

pub fn after(
    first: Vec<(&'static str, Reply)>,
    then: Vec<Vec<(&'static str, Reply)>>,
) -> Vec<(&'static str, Reply)> {
    first
        .into_iter()
        .chain(then.into_iter().flatten())
        .collect()
}

#[test]
fn a_start_is_vouched_for_once_its_task_was_seen_running() {
    let steps = after(
        until_started(),
        vec![
            vec![
                ("list own tasks", task("preparing")),
                ("list own tasks", task("running")),
            ],
            seen_running(),
            vouched_for(),
        ],
    );
    let started = start(steps).expect("a target");
    assert_eq!(started.container.id.as_str(), SERVICE);
    assert!(started.is_new);
}

#[test]
fn a_repeated_start_finds_its_target_although_a_new_one_would_be_refused() {
    let missing = || ("create service", said(404, "network targets not found"));
    let looked = |services, tasks| {
        vec![
            ("find service by name", services),
            ("list own tasks", tasks),
        ]
    };
    let running = || looked(one(1, &[]), task("running"));
    let steps = after(
        vec![missing()],
        vec![running(), seen_running(), vouched_for()],
    );
    assert!(!start(steps).expect("it runs").is_new);
    let elsewhere = [&SWARM[..], &[("service_urls", "https://other")]].concat();
    let steps = after(running(), vec![seen_running(), vouched_for()]);
    let order = order();
    let found = run_with(&elsewhere, steps, async |provisioner| {
        provisioner.start(&order).await
    });
    assert!(!found.expect("it runs").is_new);
    let steps = after(vec![missing()], vec![looked(none(), none())]);
    assert_eq!(
        start(steps).expect_err("none runs").code(),
        "no_such_network"
    );
}

#[test]
fn a_vouch_that_meets_a_fence_is_no_success() {
    let steps = after(
        until_started(),
        vec![
            vec![("list own tasks", task("running"))],
            seen_running(),
            vec![
                ("look up service", shown(1, &[])),
                ("update", out_of_sequence()),
                ("look up service", shown(0, &["fenced"])),
            ],
        ],
    );
    assert_eq!(
        start(steps).expect_err("it is withdrawn"),
        Error::Target(TargetError::InProgress)
    );
}

/// Starts a target whose service is fenced after these steps, which is then cleaned up.
#[track_caller]
fn check_withdrawn(steps: Vec<(&'static str, Reply)>) {
    let cleaned_up = vec![
        ("find service", one(0, &["fenced"])),
        ("list own tasks", none()),
        ("look up service", shown(0, &["fenced"])),
        ("list own tasks", none()),
        ("list own tasks", none()),
        ("delete service", deleted()),
        ("list own secrets", list(&[])),
    ];
    assert_eq!(
        start(after(steps, vec![cleaned_up])).expect_err("it is withdrawn"),
        Error::Target(TargetError::InProgress)
    );
}

#[test]
fn a_fenced_service_is_not_started() {
    let mut steps = until_started();
    steps.truncate(4);
    steps.push(("look up service", shown(0, &["fenced"])));
    check_withdrawn(steps);
}

/// A start whose update meets one that was made since its look, and its second look.
fn met(second_look: Reply) -> Vec<(&'static str, Reply)> {
    let mut steps = until_started();
    steps.pop();
    steps.push(("update", out_of_sequence()));
    steps.push(("look up service", second_look));
    steps
}

#[test]
fn a_start_that_meets_the_allocation_of_its_ports_is_made_from_the_next_version() {
    let steps = after(
        met(shown(0, &[])),
        vec![
            vec![
                ("list nodes", managers(["26.1.5", "25.0.0", "28.5.2"])),
                ("update", updated()),
                ("list own tasks", task("running")),
            ],
            seen_running(),
            vouched_for(),
        ],
    );
    start(steps).expect("it runs");
}

#[test]
fn a_start_that_meets_a_fence_is_not_made_again() {
    check_withdrawn(met(shown(0, &["fenced"])));
}

#[test]
fn a_start_while_an_earlier_target_of_its_name_may_run_is_refused() {
    let mut steps = until_started();
    steps.truncate(2);
    let earlier = task_of(OTHER_SERVICE, "running", "remove");
    let steps = after(
        steps,
        vec![vec![("list tasks", list(&[earlier]))], cleaned_up(0, none)],
    );
    assert_eq!(
        start(steps).expect_err("it is early"),
        Error::Target(TargetError::InProgress)
    );
}

#[test]
fn a_task_that_does_not_run_in_time_is_told_with_its_reason_and_taken_back() {
    for (state, error, code) in [
        (
            "pending",
            "no suitable node (insufficient resources on 3 nodes)",
            "no_node",
        ),
        ("preparing", "", "still_preparing"),
        ("pending", "", "start_too_slow"),
        ("assigned", "", "start_too_slow"),
        ("starting", "", "unchecked"),
    ] {
        let looks = match code {
            // Five seconds, and nineteen.
            "no_node" => 63,
            _ => 118,
        };
        let looks = (0..looks).map(|_| ("list own tasks", failing(state, error)));
        let steps = after(
            until_started(),
            vec![looks.collect(), cleaned_up(1, || failing(state, error))],
        );
        assert_eq!(start(steps).expect_err(error).code(), code);
    }
}

#[test]
fn a_rejection_is_told_if_there_is_no_time_for_another_node() {
    // Sixteen seconds, and three.
    let preparing = (0..106).map(|_| ("list own tasks", task("preparing")));
    for (state, error, code) in [
        ("assigned", "", "node_pull_failed"),
        (
            "pending",
            "no suitable node (scheduling constraints)",
            "node_pull_failed",
        ),
        (
            "pending",
            "no suitable node (1 node not available)",
            "no_node",
        ),
    ] {
        let mut first = until_rejected("No such image: agent");
        let rest = first.split_off(until_started().len());
        let looks = (0..53).map(|_| ("list own tasks", failing(state, error)));
        let steps = after(
            first,
            vec![
                preparing.clone().collect(),
                rest,
                until_started(),
                looks.collect(),
                cleaned_up(1, || failing(state, error)),
            ],
        );
        assert_eq!(start(steps).expect_err(error).code(), code);
    }
}

#[test]
fn a_target_that_somebody_was_told_of_counts_by_its_task() {
    let environment_of_one = r#"{"e":{"max_targets":1}}"#;
    for limits in [
        [("max_targets", "1"), ("environments", "{}")],
        [("max_targets", "5"), ("environments", environment_of_one)],
    ] {
        let mut other = task_of(OTHER_SERVICE, "running", "running");
        other["Spec"]["ContainerSpec"]["Labels"]["dynamic-access.name"] = "another".into();
        let variables = [SWARM[0], SWARM[1], limits[0], limits[1]];
        let mut steps = until_started();
        steps.truncate(2);
        steps.push(("list tasks", list(&[other])));
        steps.extend(cleaned_up(0, none));
        let order = order();
        let outcome = run_with(&variables, steps, async |provisioner| {
            provisioner.start(&order).await
        });
        assert_eq!(outcome.expect_err("no room").status(), 429);
    }
}

#[test]
fn a_service_that_somebody_deletes_before_its_task_is_made_is_made_again() {
    // The forty-eighth look comes after two seconds.
    let looks = (0..48).map(|_| ("list own tasks", none()));
    let steps = after(
        until_started(),
        vec![
            looks.collect(),
            vec![
                ("look up service", gone()),
                ("find service", list(&[])),
                ("list tasks", none()),
                ("find service by name", list(&[])),
                ("list own tasks", none()),
            ],
            until_started(),
            vec![("list own tasks", task("running"))],
            seen_running(),
            vouched_for_again(service(1, &[])),
        ],
    );
    start(steps).expect("a target");
}

/// A start whose task a node rejects, and its clean-up.
pub fn until_rejected(error: &str) -> Vec<(&'static str, Reply)> {
    after(
        until_started(),
        vec![
            vec![("list own tasks", rejected(error))],
            cleaned_up(1, || rejected(error)),
        ],
    )
}

#[test]
fn a_rejection_is_told_if_there_is_no_other_node() {
    let error = "No such image: agent";
    for (reason, code) in [
        (
            "scheduling constraints not satisfied on 2 nodes",
            "node_pull_failed",
        ),
        ("2 nodes not available for new tasks", "no_node"),
    ] {
        let reason = format!("no suitable node ({reason})");
        let no_node = || failing("pending", &reason);
        let looks = (0..63).map(|_| ("list own tasks", no_node())).collect();
        let steps = after(
            until_rejected(error),
            vec![until_started(), looks, cleaned_up(1, no_node)],
        );
        assert_eq!(start(steps).expect_err(error).code(), code);
    }
}

#[test]
fn a_lost_update_is_taken_back_unless_its_task_runs() {
    let lost = || {
        let mut steps = until_started();
        steps.pop();
        steps.push(("update", Lost));
        steps
    };
    let steps = after(
        lost(),
        vec![
            vec![
                ("find service", one(1, &[])),
                ("list own tasks", task("preparing")),
            ],
            taken_back(),
        ],
    );
    assert_eq!(start(steps).expect_err("it is lost").status(), 502);
    let steps = after(lost(), vec![seen_running(), seen_running(), vouched_for()]);
    start(steps).expect("a target");
}

#[test]
fn a_new_leader_that_does_not_know_the_secret_yet_is_no_refusal() {
    let unknown = "rpc error: code = InvalidArgument desc = secret not found: n";
    let mut steps = until_started();
    steps.pop();
    steps.push(("update", said(400, unknown)));
    steps.extend(cleaned_up(0, none));
    assert_eq!(start(steps).expect_err(unknown).code(), "no_leader");
}

#[test]
fn a_repeated_start_vouches_for_what_runs() {
    let found = || {
        vec![
            ("create service", said(409, "name conflicts")),
            ("find service by name", one(1, &[])),
            ("list own tasks", task("running")),
        ]
    };
    let mut of_earlier_version = service(1, &["vouched"]);
    let labels = of_earlier_version["Spec"]["Labels"].as_object_mut();
    labels.expect("labels").remove("dynamic-access.template");
    // Whether somebody has vouched for it or not: a fence that has happened meanwhile
    // makes the update fail.
    for service in [
        service(1, &[]),
        service(1, &["vouched"]),
        of_earlier_version,
    ] {
        let steps = after(found(), vec![seen_running(), vouched_for_again(service)]);
        assert!(!start(steps).expect("a target").is_new);
    }
    let mut without_majority = vouched_for_again(service(1, &["vouched"]));
    without_majority.pop();
    let leaderless = "rpc error: The swarm does not have a leader";
    without_majority.push(("update", said(503, leaderless)));
    let steps = after(found(), vec![seen_running(), without_majority]);
    assert_eq!(start(steps).expect_err(leaderless).code(), "no_leader");
}

#[test]
fn repeated_starts_that_meet_each_vouch_for_it() {
    let look = || {
        let mut steps = vouched_for_again(service(1, &["vouched"]));
        steps.pop();
        steps
    };
    let late = || vec![("update", out_of_sequence())];
    let steps = after(
        vec![
            ("create service", said(409, "name conflicts")),
            ("find service by name", one(1, &[])),
            ("list own tasks", task("running")),
        ],
        vec![
            seen_running(),
            look(),
            late(),
            look(),
            late(),
            vouched_for_again(service(1, &["vouched"])),
        ],
    );
    assert!(!start(steps).expect("a target").is_new);
}

/// A target that is told by a manager that does not know `option`.
fn through_an_older_manager(option: &str) -> Reply {
    let mut service = service(1, &["vouched"]);
    let (object, member) = option.rsplit_once('/').expect("a path");
    let object = service["Spec"]["TaskTemplate"].pointer_mut(object);
    let object = object.expect("an object").as_object_mut();
    object.expect("members").remove(member).expect("an option");
    of_another(service)
}

#[test]
fn a_repeated_start_changes_nothing_through_a_manager_that_leaves_something_out() {
    let found = || {
        after(
            vec![
                ("create service", said(409, "name conflicts")),
                ("find service by name", one(1, &[])),
                ("list own tasks", task("running")),
            ],
            vec![seen_running()],
        )
    };
    for option in [
        "/ContainerSpec/Privileges",
        "/ContainerSpec/Init",
        "/Resources/Limits/Pids",
    ] {
        let looked = vec![("look up service", through_an_older_manager(option))];
        let error = start(after(found(), vec![looked])).expect_err(option);
        assert_eq!(
            (error.status().as_u16(), error.code()),
            (503, "managers_differ")
        );
    }
    // The next call may go to another manager.
    let mut looked = vouched_for_again(service(1, &["vouched"]));
    looked.pop();
    looked[1].1 = managers(["26.1.5", "20.10.24", "26.1.5"]);
    let error = start(after(found(), vec![looked])).expect_err("an old manager");
    assert_eq!(error.code(), "node_too_old");
}

#[test]
fn a_start_on_managers_that_leave_something_out_is_withdrawn_before_its_task_is_made() {
    let until_looked_up = || {
        let mut steps = until_started();
        steps.truncate(4);
        steps
    };
    let mut without_limits = service(0, &[]);
    without_limits["Spec"]["TaskTemplate"]["Resources"]["Limits"] = json!({});
    let steps = after(
        until_looked_up(),
        vec![
            vec![("look up service", Is(200, without_limits.to_string()))],
            cleaned_up(0, none),
        ],
    );
    let error = start(steps).expect_err("a lost limit");
    assert_eq!(error.code(), "managers_differ");
    assert!(
        error.to_string().contains("Resources.Limits.NanoCPUs")
            || error.to_string().contains("Resources.Limits.MemoryBytes"),
        "{error}"
    );
    let steps = after(
        until_looked_up(),
        vec![
            vec![
                ("look up service", shown(0, &[])),
                ("list nodes", managers(["26.1.5", "26.1.5", "24.0.9"])),
            ],
            cleaned_up(0, none),
        ],
    );
    assert_eq!(
        start(steps).expect_err("an old manager").code(),
        "node_too_old"
    );
}

#[test]
fn a_list_without_the_service_just_created_is_repeated() {
    let stale = || {
        vec![
            ("list unvouched services", none()),
            ("list tasks", none()),
            ("look up service", shown(0, &[])),
        ]
    };
    let mut steps = until_started();
    let rest = steps.split_off(1);
    let steps = after(
        steps,
        vec![
            stale(),
            stale(),
            rest,
            vec![("list own tasks", task("running"))],
            seen_running(),
            vouched_for(),
        ],
    );
    start(steps).expect("a target");
}

#[test]
fn a_deployment_that_may_be_large_is_listed_in_sixteen_parts() {
    let large = [SWARM[0], SWARM[1], ("max_targets", "2001")];
    let mut steps: Vec<_> = (0..16).map(|_| ("list part of services", none())).collect();
    steps[15].1 = one(1, &["vouched"]);
    steps.extend((0..16).map(|_| ("list part of tasks", none())));
    steps[20].1 = task("running");
    let survey = run_with(&large, steps, async |provisioner| {
        provisioner.backend.survey().await
    });
    let targets = survey.expect("a list").targets;
    assert_eq!(targets.len(), 1);
    assert_eq!(targets[0].state, State::Running);
}

#[track_caller]
fn check_stop(steps: Vec<(&'static str, Reply)>, status: u16) {
    let id = TargetId::parse(SERVICE).expect("an id");
    let outcome = on_swarm(steps, async |provisioner| provisioner.stop(&id).await);
    let outcome = outcome.map_or_else(|error| error.status().as_u16(), |_| 200);
    assert_eq!(outcome, status);
}

#[test]
fn a_stop_is_true_once_no_task_is_left() {
    let secrets = json!([{"ID": "s", "CreatedAt": "2026-11-23T01:00:50Z", "Spec": {"Name": "n"}}]);
    check_stop(
        vec![
            ("find service", one(1, &["vouched"])),
            ("list own tasks", task("running")),
            ("look up service", shown(1, &["vouched"])),
            ("update", out_of_sequence()),
            ("look up service", shown(1, &["vouched"])),
            ("update", updated()),
            ("list own tasks", leaving()),
            ("list own tasks", none()),
            ("delete service", deleted()),
            ("list own secrets", Is(200, secrets.to_string())),
            ("delete secret", done()),
        ],
        200,
    );
    check_stop(vec![("find service", none()), ("list tasks", none())], 200);
}

#[test]
fn a_stop_is_not_true_while_a_node_may_run_the_task() {
    let fenced = || {
        vec![
            ("find service", one(0, &["vouched", "fenced"])),
            ("list own tasks", leaving()),
            ("look up service", shown(0, &["vouched", "fenced"])),
        ]
    };
    // Somebody else has deleted it.
    let without_service = || {
        vec![
            ("find service", none()),
            ("list tasks", leaving()),
            ("look up service", gone()),
        ]
    };
    let wait = |looks| {
        (0..looks)
            .map(|_| ("list own tasks", leaving()))
            .collect::<Vec<_>>()
    };
    for look in [fenced, without_service] {
        check_stop(
            after(look(), vec![wait(19), look(), wait(10), look(), wait(1)]),
            503,
        );
    }
}

#[test]
fn the_other_backends_ids_are_refused() {
    let of_container = TargetId::parse(ID).expect("an id");
    let outcome = on_swarm(vec![], async |provisioner| {
        provisioner.stop(&of_container).await
    });
    assert_eq!(
        outcome,
        Err(Error::Target(TargetError::NotOurs(of_container)))
    );
    let of_service = TargetId::parse(SERVICE).expect("an id");
    let outcome = run(vec![], async |provisioner| {
        provisioner.stop(&of_service).await
    });
    assert_eq!(
        outcome,
        Err(Error::Target(TargetError::NotOurs(of_service.clone())))
    );
    let shown = run(vec![], async |provisioner| {
        provisioner.target(&of_service).await
    });
    assert_eq!(shown, Err(Error::Target(TargetError::NoSuchTarget)));
}

pub fn reap(steps: Vec<(&'static str, Reply)>) -> Report {
    let report = on_swarm(steps, async |provisioner| {
        let scope = Scope::whole(false);
        reaper::reap(&provisioner.backend, provisioner.config, scope).await
    });
    report.expect("a list")
}

/// The same service, made an hour ago.
pub fn old(replicas: u64, more: &[&str]) -> Reply {
    let mut service = service(replicas, more);
    service["CreatedAt"] = "2026-11-23T00:00:50.123456789Z".into();
    list(&[service])
}

#[test]
fn a_reap_removes_old_secrets_without_a_service() {
    let secret = |id: &str, attempt: &str, created: &str| {
        json!({
            "ID": id,
            "CreatedAt": created,
            "Spec": {"Name": id, "Labels": {"dynamic-access.attempt": attempt}},
        })
    };
    let (old, young) = ("2026-11-23T00:58:59Z", "2026-11-23T00:59:10Z");
    let secrets = [
        secret("in-use", &"0".repeat(32), old),
        secret("young", "1", young),
        secret("left", "2", old),
    ];
    let report = reap(vec![
        ("list services", one(1, &["vouched"])),
        ("list tasks", task("running")),
        ("list secrets", list(&secrets)),
        ("delete secret", done()),
    ]);
    assert_eq!((report.found, report.left_over), (1, 1));
}

#[test]
fn a_reap_fences_what_never_started_and_spares_what_is_vouched_for() {
    let report = reap(vec![
        ("list services", old(0, &[])),
        ("list tasks", none()),
        ("look up service", shown(0, &[])),
        ("list own tasks", none()),
        ("update", updated()),
        ("list own tasks", none()),
        ("delete service", deleted()),
        ("list own secrets", none()),
        ("list secrets", none()),
    ]);
    assert_eq!(report.removed.len(), 1);
    // It has been vouched for since the list.
    for (now, tasks, update) in [
        (shown(1, &["vouched"]), task("running"), None),
        (shown(0, &[]), none(), Some(out_of_sequence())),
        (shown(1, &[]), task("running"), Some(out_of_sequence())),
    ] {
        let mut steps = vec![
            ("list services", old(0, &[])),
            ("list tasks", none()),
            ("look up service", now),
            ("list own tasks", tasks),
        ];
        steps.extend(update.map(|reply| ("update", reply)));
        steps.push(("list secrets", none()));
        assert!(reap(steps).removed.is_empty());
    }
}

#[test]
fn a_reap_ends_what_runs_and_nobody_was_told_of() {
    let report = reap(vec![
        ("list services", old(1, &[])),
        ("list tasks", task("running")),
        ("look up service", shown(1, &[])),
        ("list own tasks", task("running")),
        ("update", updated()),
        ("list own tasks", none()),
        ("delete service", deleted()),
        ("list own secrets", none()),
        ("list secrets", none()),
    ]);
    assert_eq!(report.removed[0].1, reaper::Reason::NeverStarted);
    for list in [old(1, &["vouched"]), one(1, &[])] {
        let report = reap(vec![
            ("list services", list),
            ("list tasks", task("running")),
            ("list secrets", none()),
        ]);
        assert!(report.removed.is_empty());
    }
}

#[test]
fn a_reap_removes_a_vouched_target_that_has_ended_or_was_forgotten() {
    let mut ended = task_of(SERVICE, "failed", "shutdown");
    ended["Status"]["Timestamp"] = "2026-11-23T00:10:00Z".into();
    for tasks in [list(std::slice::from_ref(&ended)), none()] {
        let report = reap(vec![
            ("list services", old(1, &["vouched"])),
            ("list tasks", tasks),
            ("look up service", shown(1, &["vouched"])),
            ("list own tasks", none()),
            ("update", updated()),
            ("list own tasks", none()),
            ("delete service", deleted()),
            ("list own secrets", none()),
            ("list secrets", none()),
        ]);
        assert_eq!(report.removed.len(), 1);
    }
}

#[test]
fn the_end_of_a_forgotten_target_is_not_asked_for() {
    let steps = vec![
        ("list services", one(1, &["vouched"])),
        ("list tasks", none()),
    ];
    let listed = on_swarm(steps, async |provisioner| {
        provisioner.targets(&Filter::default()).await
    });
    let listed = listed.expect("a list");
    assert_eq!(
        (listed[0].state, listed[0].exit_code),
        (ShownState::Ended, None)
    );
}

#[test]
fn targets_are_told_by_the_ids_of_their_nodes_also_while_the_nodes_are_not_told() {
    let looks = || {
        vec![
            ("list services", one(1, &["vouched"])),
            ("list tasks", task("running")),
        ]
    };
    let listed = on_swarm(looks(), async |provisioner| {
        provisioner.targets(&Filter::default()).await
    });
    assert_eq!(listed.expect("a list")[0].node.as_deref(), Some("n"));
    let id = TargetId::parse(SERVICE).expect("an id");
    let shown = on_swarm(seen_running(), async |provisioner| {
        provisioner.target(&id).await
    });
    assert_eq!(shown.expect("a target").node.as_deref(), Some("n"));
    let fails = || vec![("list nodes", said(500, "m"))];
    let steps = after(looks(), vec![fails(), fails(), fails()]);
    let overview = on_swarm(steps, async |provisioner| provisioner.overview(None).await);
    let overview = overview.expect("the targets");
    assert_eq!(overview.targets[0].node.as_deref(), Some("n"));
    overview.nodes.expect_err("no nodes");
}

#[test]
fn health_asks_for_a_node_and_the_network() {
    let well = node("worker", "active", "ready", "26.1.5");
    let network = || Is(200, r#"[{"Name":"dynamic-access"}]"#.to_owned());
    let health = |steps| on_swarm(steps, async |provisioner| provisioner.health().await);
    let notes = |nodes: &[Value]| {
        let fine = vec![
            ("list nodes", list(nodes)),
            ("look up the network", network()),
        ];
        health(fine).expect("it is well")
    };
    let manager = |version| node("manager", "active", "ready", version);
    let same = [manager("26.1.5"), manager("26.1.5"), well.clone()];
    assert_eq!(notes(&same), Vec::<String>::new());
    // A new leader does not know its nodes for a moment.
    let unknown = node("worker", "active", "unknown", "26.1.5");
    assert_eq!(notes(&[manager("26.1.5"), unknown]), Vec::<String>::new());
    // An older worker has no part in it.
    let different = notes(&[manager("28.5.2"), manager("26.1.5"), well.clone()]);
    assert!(different[0].contains("(26.1.5, 28.5.2)"), "{different:?}");
    let drained = node("worker", "drain", "ready", "24.0.9");
    assert_eq!(
        notes(&[manager("26.1.5"), well.clone(), drained]),
        Vec::<String>::new()
    );
    // A manager handles the services of targets that run on workers.
    let old_manager = [manager("26.1.5"), manager("24.0.9"), well];
    for (nodes, code) in [
        (&[manager("26.1.5")][..], "no_nodes"),
        (&[node("worker", "drain", "ready", "26.1.5")], "no_nodes"),
        (&[node("worker", "drain", "unknown", "26.1.5")], "no_nodes"),
        (&[node("worker", "active", "down", "26.1.5")], "no_nodes"),
        (
            &[node("worker", "active", "ready", "24.0.9")],
            "node_too_old",
        ),
        (&old_manager, "node_too_old"),
    ] {
        let outcome = health(vec![("list nodes", list(nodes))]);
        match outcome.expect_err(code) {
            Error::Unhealthy(cause) => assert_eq!(cause.code(), code),
            other => panic!("{other}"),
        }
    }
    let leaderless = || said(503, "rpc error: The swarm does not have a leader");
    let outcome = health((0..3).map(|_| ("list nodes", leaderless())).collect());
    match outcome.expect_err("no leader") {
        Error::Unhealthy(cause) => assert_eq!(cause.code(), "no_leader"),
        other => panic!("{other}"),
    }
}
