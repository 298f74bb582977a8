//! `POST /v1/targets/{id}/renew`, and the effect of a renewal on a reap.

use std::time::Duration;

use dynamic_access::docker::target::Target;
use dynamic_access::docker::{ContainerName, DeploymentId, TargetId};
use dynamic_access::error::{Error, TargetError};
use dynamic_access::key::Key;
use dynamic_access::provision::StartOrder;
use dynamic_access::reaper::{Report, Scope, reap};
use dynamic_access::secret::Secret;
use dynamic_access::target_view::{Awaited, Filter};

use crate::script::*;

/// The labels of a target with a lifetime of two minutes, and an hour at most.
const SHORT: [(&str, &str); 2] = [("max-lifetime", "120"), ("max-renewed", "3600")];

/// The volume of a renewal, which was written an hour ago.
fn volume(id: &str, seconds: u64) -> Value {
    volume_of(id, seconds, "2026-11-23T00:01:01Z")
}

fn volume_of(id: &str, seconds: u64, written: &str) -> Value {
    json!({
        "Name": format!("dynamic-access-{id}-{seconds}"),
        "Labels": {"dynamic-access.deployment": "dynamic-access"},
        "CreatedAt": written,
    })
}

fn volumes(volumes: &[Value]) -> Steps {
    let body = json!({"Volumes": volumes, "Warnings": null});
    call("list volumes", shows(body))
}

/// A list of volumes that fails, and is asked for three times.
fn no_list() -> Steps {
    steps("list volumes: 500 m") * 3
}

fn written(seconds: u64) -> Steps {
    call("create volume", Is(201, volume(ID, seconds).to_string()))
}

/// A list of one target, which was created at this time.
fn listed(state: &str, created: i64) -> Steps {
    let list = json!([entry(ID, state, created, &SHORT)]);
    call("list by id", shows(list))
}

/// A list of a target that is 11 seconds old.
fn young() -> Steps {
    listed("running", TODAY)
}

/// Renews a target for this many minutes.
#[track_caller]
fn renew(minutes: u64, steps: impl Into<Steps>) -> Result<Target, Error> {
    let id = TargetId::parse(ID).expect("an id");
    let lifetime = Duration::from_secs(60 * minutes);
    run(steps, async |provisioner| {
        provisioner.renew(&id, lifetime).await
    })
}

#[track_caller]
fn check_renewed(minutes: u64, steps: Steps, seconds: u64) {
    let target = renew(minutes, steps).expect("it is renewed");
    assert_eq!(target.renewed, Duration::from_secs(seconds));
}

#[track_caller]
fn check_too_late(steps: Steps) {
    let id = TargetId::parse(ID).expect("an id");
    let late = Error::Target(TargetError::RenewedTooLate(id));
    assert_eq!(renew(30, steps).expect_err("it is too late"), late);
}

#[test]
fn a_renewal_is_written_and_then_what_was_replaced_long_ago_removed() {
    check_renewed(30, young() + volumes(&[]) + written(1811), 1811);
    let listed = || volumes(&[volume(ID, 300), volume(OTHER, 3000), volume(ID, 240)]);
    for removed in ["204", "404 no such volume", "500 m", "lost"] {
        let rest = listed() + format!("remove volume: {removed}");
        check_renewed(30, young() + listed() + written(1811) + rest, 1811);
    }
    // Without the list, nothing is removed.
    let steps = young() + listed() + written(1811) + no_list();
    check_renewed(30, steps, 1811);
}

#[test]
fn one_renewal_removes_two_others_at_most() {
    let listed = || volumes(&[200, 210, 220, 230].map(|seconds| volume(ID, seconds)));
    let removed = steps("remove volume") * 2;
    let steps = young() + listed() + written(1811) + listed();
    check_renewed(30, steps + removed, 1811);
}

/// A list may lack the longer one of two renewals as long as that is young.
#[test]
fn a_renewal_stays_until_the_one_that_replaces_it_is_two_minutes_old() {
    for (written_at, removed) in [
        ("2026-11-23T00:59:02Z", 0),
        ("2026-11-23T01:59:01.5+01:00", 1),
        ("2026-11-23T01:02:00Z", 0),
        ("0001-01-01T00:00:00", 0),
        ("", 0),
    ] {
        let removal = || steps("remove volume") * removed;
        let listed = || volumes(&[volume(ID, 240), volume_of(ID, 300, written_at)]);
        let steps = young() + listed() + written(1811) + listed();
        check_renewed(30, steps + removal(), 1811);
        let list = [entry(ID, "running", TODAY, &[])];
        let report = reaped(&list, Scope::whole(false), listed() + removal());
        assert_eq!(report.left_over, removed, "{written_at}");
    }
}

#[test]
fn the_answer_shows_a_longer_renewal_by_another_request() {
    let after = volumes(&[volume(ID, 300), volume_of(ID, 2400, "2026-11-23T01:01:01Z")]);
    let steps = young() + volumes(&[volume(ID, 300)]) + written(1811) + after;
    check_renewed(30, steps, 2400);
}

#[test]
fn a_renewal_never_goes_beyond_the_longest_lifetime_at_the_create() {
    check_renewed(600, young() + volumes(&[]) + written(3600), 3600);
    // For a target of an earlier version, the limit is its own lifetime.
    let list = json!([entry(ID, "running", TODAY, &SHORT[..1])]);
    let old = call("list by id", shows(list));
    check_renewed(600, old + volumes(&[]), 0);
}

#[test]
fn a_target_with_the_longest_lifetime_has_nothing_to_gain() {
    let label = ("max-lifetime", "18446744073709551615");
    let list = json!([entry(ID, "running", TODAY, &[label])]);
    let found = call("list by id", Is(200, list.to_string()));
    check_renewed(600, found + volumes(&[]), 0);
}

#[test]
fn what_is_shorter_or_gains_less_than_a_minute_is_not_written() {
    check_renewed(1, young() + volumes(&[]), 0);
    let renewed = || volumes(&[volume(ID, 1752)]);
    check_renewed(5, young() + renewed(), 1752);
    check_renewed(30, young() + renewed(), 1752);
    let renewed = || volumes(&[volume(ID, 1751)]);
    check_renewed(30, young() + renewed() + written(1811) + renewed(), 1811);
}

#[test]
fn a_target_that_has_ended_or_soon_will_is_not_renewed() {
    for state in ["exited", "dead", "removing"] {
        check_too_late(listed(state, TODAY));
    }
    // It is 89 s old, of 120, and then 90.
    let rest = listed("running", 1_795_395_572) + volumes(&[]) + written(1889);
    check_renewed(30, rest, 1889);
    check_too_late(listed("running", 1_795_395_571) + volumes(&[]));
}

#[test]
fn a_renewal_that_was_written_too_late_is_no_success() {
    // It is 80 s old when it is listed, and 120 or 121 when the volume is written.
    let early = |created| {
        let list = json!([entry(ID, "running", created, &SHORT)]).to_string();
        let date = "Mon, 23 Nov 2026 01:00:21 GMT";
        call("list by id", Dated(date, 200, list))
    };
    let steps = |created| early(created) + volumes(&[]) + written(1880);
    check_renewed(30, steps(1_795_395_541), 1880);
    let steps = early(1_795_395_540) + volumes(&[]) + written(1881);
    check_too_late(steps);
}

#[test]
fn a_target_that_is_not_started_yet_is_not_renewed() {
    let error = renew(30, listed("created", TODAY)).expect_err("it is too early");
    assert_eq!(error, Error::Target(TargetError::InProgress));
}

#[test]
fn a_list_of_renewals_or_a_write_that_fails_fails_the_renewal() {
    renew(30, young() + no_list()).expect_err("no list");
    // In the last, somebody else's volume has the name.
    let foreign = format!(r#"201 {{"Name":"dynamic-access-{ID}-1811"}}"#);
    for words in ["500 m", "lost", "201 <html>", &foreign] {
        let steps = young() + volumes(&[]) + format!("create volume: {words}");
        renew(30, steps).expect_err("it is not written");
    }
}

const LONG_AGO: i64 = 1_700_000_000;

/// Its age.
const AGE: u64 = 95_395_661;

#[track_caller]
fn reaped(list: &[Value], scope: Scope, rest: Steps) -> Report {
    let steps = call("list all", shows(json!(list))) + rest;
    let report = run(steps, async |provisioner| {
        reap(&provisioner.backend, provisioner.config, scope).await
    });
    report.expect("a list")
}

#[test]
fn a_reap_spares_what_was_renewed_until_that_is_over() {
    let list = [entry(ID, "running", LONG_AGO, &[])];
    let renewed = |age| volumes(&[volume(ID, 60), volume(ID, age), volume(OTHER, 9)]);
    let rest = renewed(AGE) + volumes(&[volume(ID, AGE)]);
    assert!(reaped(&list, Scope::AFTER_ANSWER, rest).removed.is_empty());
    let rest = renewed(AGE - 1)
        + "remove by force"
        + volumes(&[volume(ID, AGE - 1)])
        + "list by id: none; remove volume";
    let report = reaped(&list, Scope::AFTER_ANSWER, rest);
    assert_eq!((report.removed.len(), report.left_over), (1, 1));
}

#[test]
fn a_reap_without_the_renewals_removes_nothing_by_its_lifetime() {
    let list = [
        entry(ID, "running", LONG_AGO, &[]),
        entry(OTHER, "created", LONG_AGO, &[]),
    ];
    let rest = no_list() + "remove" + no_list();
    let report = reaped(&list, Scope::whole(false), rest);
    assert_eq!((report.removed.len(), report.left), (1, 1));
    let notes = report.notes(false);
    let says = |note: &str| notes.iter().any(|found| found.starts_with(note));
    assert!(says("no expired target was removed"), "{notes:?}");
}

#[test]
fn targets_are_shown_and_found_although_a_proxy_refuses_the_list_of_renewals() {
    let refused = "list volumes: 403 dynamic-access engine proxy: not listed";
    let found = || young() + refused;
    let id = TargetId::parse(ID).expect("an id");
    let shown = run(found(), async |provisioner| provisioner.target(&id).await);
    let shown = shown.expect("the target");
    assert_eq!(shown.expires - shown.created, time::Duration::minutes(2));
    let waited = run(found(), async |provisioner| {
        let timeout = Duration::from_secs(20);
        provisioner.wait(&id, Awaited::Ready, timeout).await
    });
    assert_eq!(waited.expect("the target").id, id);
    let all = || steps("list all: running") + refused;
    let listed = run(all(), async |provisioner| {
        provisioner.targets(&Filter::default()).await
    });
    assert_eq!(listed.expect("the targets").len(), 1);
    let page = run(all(), async |provisioner| provisioner.overview(None).await);
    assert_eq!(page.expect("the targets").targets.len(), 1);
    let readings = run(all() + "look up the image", async |provisioner| {
        provisioner.readings().await
    });
    assert!(readings.survey.is_some());
    assert_eq!(readings.faults.len(), 1);
    let key = Secret::new("a-key");
    let deployment = DeploymentId::parse("dynamic-access").expect("an id");
    let name = ContainerName::from_idempotency_key(&deployment, &key);
    let mut running = entry(ID, "running", TODAY, &[("name", name.as_str())]);
    running["Names"] = json!([format!("/{}", name.as_str())]);
    let found = steps("create: 409 Conflict.") + call("list by name", list(&[running]));
    let repeated = found + "stats: 3; inspect" + refused;
    let order = StartOrder {
        key: Key::IdempotencyKey(key),
        ..order()
    };
    let started = start_of(&order, &[], repeated).expect("the target");
    assert!(!started.is_new);
}

#[test]
fn only_renewals_that_nothing_needs_are_left_over() {
    let list = [entry(ID, "running", TODAY, &[])];
    let younger = "0a".repeat(32);
    let gone = "0b".repeat(32);
    let all = [
        volume(ID, 300),
        volume(ID, 3600),
        volume(&younger, 60),
        volume(&gone, 60),
        json!({"Name": "somebody-elses", "Labels": null}),
    ];
    let found = json!([entry(&younger, "running", TODAY, &[])]);
    let rest = volumes(&all)
        + "remove volume"
        + call("list by id", shows(found))
        + "list by id: none; remove volume";
    assert_eq!(reaped(&list, Scope::whole(false), rest).left_over, 2);
}

#[test]
fn one_reap_removes_sixteen_renewals_at_most() {
    let all: Vec<_> = (0..17)
        .map(|number| volume(&format!("{number:064x}"), 60))
        .collect();
    let rest = volumes(&all) + steps("list by id: none; remove volume") * 16;
    assert_eq!(reaped(&[], Scope::whole(false), rest).left_over, 16);
}
