//! What a reap removes on a Swarm, whose event that is, and with how long lists.

use dynamic_access::log_line::reap_lines;
use dynamic_access::reaper::{self, Reason, Report, Scope};
use serde_json::Value;

use crate::script::*;
use crate::swarm::{
    deleted, gone, leaving, list, old, on_swarm, reap, service, shown, task, updated,
};

/// A service that has outlived its lifetime.
fn expired(replicas: u64, more: &[&str]) -> Value {
    let mut service = service(replicas, more);
    service["CreatedAt"] = "2026-11-01T00:00:00Z".into();
    service
}

fn events(report: &Report) -> Vec<Value> {
    let lines = reap_lines("id", None, report, &[]);
    let lines = lines.iter();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// The calls of a reap that begins to end a target whose node does not confirm it.
fn begun() -> Vec<(&'static str, Reply)> {
    let mut steps = vec![
        ("list services", list(&[expired(1, &["vouched"])])),
        ("list tasks", task("running")),
        ("look up service", shown(1, &["vouched"])),
        ("update", updated()),
    ];
    // Six seconds of pauses, which double up to a second.
    steps.extend((0..10).map(|_| ("list own tasks", leaving())));
    steps.push(("list secrets", none()));
    steps
}

#[test]
fn an_end_that_a_node_has_not_confirmed_is_left_and_no_event() {
    let report = reap(begun());
    assert_eq!(events(&report), Vec::<Value>::new());
    assert_eq!((report.removed.len(), report.left), (0, 1));
    // Another reap finds it fenced.
    let mut steps = begun();
    let fenced = ["vouched", "fenced"];
    steps[0].1 = list(&[expired(0, &fenced)]);
    steps[1].1 = leaving();
    steps[2].1 = shown(0, &fenced);
    steps.remove(3);
    let report = reap(steps);
    assert_eq!(events(&report), Vec::<Value>::new());
    assert_eq!((report.removed.len(), report.left), (0, 1));
}

/// The reap that finds what an earlier one has fenced, once its node has confirmed the end.
fn finished(service: Value, delete: Reply) -> Report {
    reap(vec![
        ("list services", list(&[service])),
        ("list tasks", none()),
        ("look up service", shown(0, &["fenced"])),
        ("list own tasks", none()),
        ("delete service", delete),
        ("list own secrets", none()),
        ("list secrets", none()),
    ])
}

#[test]
fn the_reap_that_finishes_an_expiry_tells_it_as_one() {
    let report = finished(expired(0, &["vouched", "fenced"]), deleted());
    let events = events(&report);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["code"], "expired");
}

#[test]
fn a_removal_that_another_request_has_finished_is_its_event() {
    let report = finished(expired(0, &["vouched", "fenced"]), gone());
    assert_eq!(events(&report), Vec::<Value>::new());
    assert_eq!((report.removed.len(), report.left), (0, 0));
}

#[test]
fn a_withdrawn_start_is_told_as_never_started_by_whoever_removes_it() {
    let mut steps = vec![
        ("list services", old(0, &["fenced"])),
        ("list tasks", none()),
        ("look up service", shown(0, &["fenced"])),
    ];
    // Of a target that may run no more, a removal without force looks once more.
    steps.extend((0..2).map(|_| ("list own tasks", none())));
    steps.extend([
        ("delete service", deleted()),
        ("list own secrets", none()),
        ("list secrets", none()),
    ]);
    let report = reap(steps);
    assert_eq!(report.removed[0].1, Reason::NeverStarted);
}

#[test]
fn a_target_whose_health_check_has_failed_is_told_as_unhealthy() {
    let mut ended = crate::swarm::task_of(crate::swarm::SERVICE, "failed", "shutdown");
    ended["Status"]["Timestamp"] = "2026-11-23T00:10:00Z".into();
    ended["Status"]["Err"] = "task: non-zero exit (7): dockerexec: unhealthy container".into();
    let report = reap(vec![
        ("list services", old(1, &["vouched"])),
        ("list tasks", list(&[ended])),
        ("look up service", shown(1, &["vouched"])),
        ("list own tasks", none()),
        ("update", updated()),
        ("list own tasks", none()),
        ("delete service", deleted()),
        ("list own secrets", none()),
        ("list secrets", none()),
    ]);
    let events = events(&report);
    assert_eq!(
        (&events[0]["code"], &events[0]["exit_code"]),
        (&"unhealthy".into(), &7.into())
    );
}

#[test]
fn one_that_cannot_be_ended_comes_after_the_others() {
    let stopping = |number: usize| {
        let mut service = expired(0, &["vouched", "fenced"]);
        service["ID"] = format!("{number:025}").into();
        service
    };
    let services: Vec<_> = (0..4).map(stopping).chain([expired(0, &[])]).collect();
    let tasks: Vec<_> = (0..4)
        .map(|number| crate::swarm::task_of(&format!("{number:025}"), "running", "remove"))
        .collect();
    let mut steps = vec![
        ("list services", list(&services)),
        ("list tasks", list(&tasks)),
        ("look up service", shown(0, &[])),
        ("list own tasks", none()),
        ("update", updated()),
        ("list own tasks", none()),
        ("delete service", deleted()),
        ("list own secrets", none()),
    ];
    steps.push(("list secrets", none()));
    let report = on_swarm(steps, async |provisioner| {
        let scope = Scope {
            tries_max: 1,
            ..Scope::AFTER_ANSWER
        };
        reaper::reap(&provisioner.backend, provisioner.config, scope).await
    });
    assert_eq!(report.expect("a list").removed.len(), 1);
}

#[test]
fn secrets_that_cannot_be_listed_keep_no_target_from_being_removed() {
    let mut steps = vec![
        ("list services", old(0, &[])),
        ("list tasks", none()),
        ("look up service", shown(0, &[])),
        ("list own tasks", none()),
        ("update", updated()),
        ("list own tasks", none()),
        ("delete service", deleted()),
        ("list own secrets", none()),
    ];
    steps.extend((0..3).map(|_| ("list secrets", said(500, "m"))));
    let report = reap(steps);
    assert_eq!(report.removed.len(), 1);
    let notes = report.notes(false);
    assert!(notes[0].contains("secrets"), "{notes:?}");
}
