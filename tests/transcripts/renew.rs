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
const SHORT: &str = "max-lifetime=120 max-renewed=3600";

/// A list of a target that is 11 seconds old.
const YOUNG: &str = "list by id: running max-lifetime=120 max-renewed=3600";

/// A list of volumes that fails, and is asked for three times.
const NO_LIST: &str = "list volumes: 500 m * 3";

/// When renewals were written that are not young.
const AN_HOUR_AGO: &str = "2026-11-23T00:01:01Z";

/// The volume of a renewal.
fn volume(id: &str, seconds: u64, written: &str) -> Value {
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

/// The volumes of renewals of this token's target, written an hour ago.
fn renewals(seconds: &[u64]) -> Steps {
    let volume = |seconds: &u64| volume(ID, *seconds, AN_HOUR_AGO);
    volumes(&seconds.iter().map(volume).collect::<Vec<_>>())
}

fn written(seconds: u64) -> Steps {
    let volume = volume(ID, seconds, AN_HOUR_AGO);
    call("create volume", Is(201, volume.to_string()))
}

fn young() -> Steps {
    steps(YOUNG)
}

/// Renews a target for this many minutes.
#[track_caller]
fn renew(minutes: u64, steps: impl Into<Steps>) -> Result<Target, Error> {
    let lifetime = Duration::from_secs(60 * minutes);
    run(steps, async |provisioner| {
        provisioner.renew(&own(&provisioner), lifetime).await
    })
}

#[track_caller]
fn check_renewed(minutes: u64, steps: impl Into<Steps>, seconds: u64) {
    let target = renew(minutes, steps).expect("it is renewed");
    assert_eq!(target.renewed, Duration::from_secs(seconds));
}

#[track_caller]
fn check_too_late(steps: impl Into<Steps>) {
    let id = TargetId::parse(ID).expect("an id");
    let late = Error::Target(TargetError::RenewedTooLate(id));
    assert_eq!(renew(30, steps).expect_err("it is too late"), late);
}

#[test]
fn a_renewal_is_written_and_then_what_was_replaced_long_ago_removed() {
    check_renewed(30, young() + renewals(&[]) + written(1811), 1811);
    let all = [(ID, 300), (OTHER, 3000), (ID, 240)];
    let listed = || volumes(&all.map(|(id, seconds)| volume(id, seconds, AN_HOUR_AGO)));
    for removed in ["204", "404 no such volume", "500 m", "lost"] {
        let rest = listed() + format!("remove volume: {removed}");
        check_renewed(30, young() + listed() + written(1811) + rest, 1811);
    }
    // Without the list, nothing is removed.
    let steps = young() + listed() + written(1811) + NO_LIST;
    check_renewed(30, steps, 1811);
}

#[test]
fn one_renewal_removes_two_others_at_most() {
    let listed = || renewals(&[200, 210, 220, 230]);
    let steps = young() + listed() + written(1811) + listed();
    check_renewed(30, steps + "remove volume * 2", 1811);
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
        let older = volume(ID, 240, AN_HOUR_AGO);
        let listed = || volumes(&[older.clone(), volume(ID, 300, written_at)]);
        let steps = young() + listed() + written(1811) + listed();
        check_renewed(30, steps + removal(), 1811);
        let report = reaped("running", Scope::whole(false), listed() + removal());
        assert_eq!(report.left_over, removed, "{written_at}");
    }
}

#[test]
fn the_answer_shows_a_longer_renewal_by_another_request() {
    let longer = volume(ID, 2400, "2026-11-23T01:01:01Z");
    let after = volumes(&[volume(ID, 300, AN_HOUR_AGO), longer]);
    let steps = young() + renewals(&[300]) + written(1811) + after;
    check_renewed(30, steps, 2400);
}

#[test]
fn a_renewal_never_goes_beyond_the_longest_lifetime_at_the_create() {
    check_renewed(600, young() + renewals(&[]) + written(3600), 3600);
    // For a target of an earlier version, the limit is its own lifetime.
    let old = steps("list by id: running max-lifetime=120");
    check_renewed(600, old + renewals(&[]), 0);
    // There is nothing to gain.
    let longest = steps("list by id: running max-lifetime=18446744073709551615");
    check_renewed(600, longest + renewals(&[]), 0);
}

#[test]
fn what_is_shorter_or_gains_less_than_a_minute_is_not_written() {
    check_renewed(1, young() + renewals(&[]), 0);
    check_renewed(5, young() + renewals(&[1752]), 1752);
    check_renewed(30, young() + renewals(&[1752]), 1752);
    let renewed = || renewals(&[1751]);
    check_renewed(30, young() + renewed() + written(1811) + renewed(), 1811);
}

#[test]
fn a_target_that_has_ended_or_soon_will_is_not_renewed() {
    for state in ["exited", "dead", "removing"] {
        check_too_late(format!("list by id: {state} {SHORT}"));
    }
    let aged = |age| steps(format!("{YOUNG} age={age}")) + renewals(&[]);
    check_renewed(30, aged(89) + written(1889), 1889);
    check_too_late(aged(90));
}

#[test]
fn a_renewal_that_was_written_too_late_is_no_success() {
    // It is 80 s old when it is listed, and 120 or 121 when the volume is written.
    let listed_early = |age| {
        let list = json!([entry(&format!("running {SHORT} age={age}"))]).to_string();
        let date = "Mon, 23 Nov 2026 01:00:21 GMT";
        call("list by id", Dated(date, 200, list)) + renewals(&[])
    };
    check_renewed(30, listed_early(120) + written(1880), 1880);
    check_too_late(listed_early(121) + written(1881));
}

#[test]
fn a_target_that_is_not_started_yet_is_not_renewed() {
    let error = renew(30, format!("list by id: created {SHORT}")).expect_err("it is too early");
    assert_eq!(error, Error::Target(TargetError::InProgress));
}

#[test]
fn a_list_of_renewals_or_a_write_that_fails_fails_the_renewal() {
    renew(30, young() + NO_LIST).expect_err("no list");
    // In the last, somebody else's volume has the name.
    let foreign = format!(r#"201 {{"Name":"dynamic-access-{ID}-1811"}}"#);
    for words in ["500 m", "lost", "201 <html>", &foreign] {
        let steps = young() + renewals(&[]) + format!("create volume: {words}");
        renew(30, steps).expect_err("it is not written");
    }
}

#[track_caller]
fn reaped(list: &str, scope: Scope, rest: impl Into<Steps>) -> Report {
    let steps = steps(format!("list all: {list}")) + rest;
    let report = run(steps, async |provisioner| {
        reap(&provisioner.backend, provisioner.config, scope).await
    });
    report.expect("a list")
}

#[test]
fn a_reap_spares_what_was_renewed_until_that_is_over() {
    const AGE: u64 = 95_395_661;
    let renewed = |age| {
        let all = [(ID, 60), (ID, age), (OTHER, 9)];
        volumes(&all.map(|(id, seconds)| volume(id, seconds, AN_HOUR_AGO)))
    };
    let list = format!("running age={AGE}");
    let rest = renewed(AGE) + renewals(&[AGE]);
    let report = reaped(&list, Scope::AFTER_ANSWER, rest);
    assert!(report.removed.is_empty());
    let left_over = renewals(&[AGE - 1]) + "list by id: none; remove volume";
    let rest = renewed(AGE - 1) + "remove by force" + left_over;
    let report = reaped(&list, Scope::AFTER_ANSWER, rest);
    assert_eq!((report.removed.len(), report.left_over), (1, 1));
}

#[test]
fn a_reap_without_the_renewals_removes_nothing_by_its_lifetime() {
    let list = "running age=95395661 + other created age=95395661";
    let rest = format!("{NO_LIST}; remove; {NO_LIST}");
    let report = reaped(list, Scope::whole(false), rest);
    assert_eq!((report.removed.len(), report.left), (1, 1));
    let notes = report.notes(false);
    let says = |note: &str| notes.iter().any(|found| found.starts_with(note));
    assert!(says("no expired target was removed"), "{notes:?}");
}

#[test]
fn targets_are_shown_and_found_although_a_proxy_refuses_the_list_of_renewals() {
    let refused = "list volumes: 403 dynamic-access engine proxy: not listed";
    let found = format!("{YOUNG}; {refused}");
    let shown = run(&*found, async |provisioner| {
        provisioner.target(&own(&provisioner)).await
    });
    let shown = shown.expect("the target");
    assert_eq!(shown.expires - shown.created, time::Duration::minutes(2));
    let waited = run(&*found, async |provisioner| {
        let (id, timeout) = (own(&provisioner), Duration::from_secs(20));
        provisioner.wait(&id, Awaited::Ready, timeout).await
    });
    assert_eq!(waited.expect("the target").id, shown.id);
    let all = format!("list all: running; {refused}");
    let listed = run(&*all, async |provisioner| {
        provisioner.targets(&Filter::default()).await
    });
    assert_eq!(listed.expect("the targets").len(), 1);
    let page = run(&*all, async |provisioner| provisioner.overview(None).await);
    assert_eq!(page.expect("the targets").targets.len(), 1);
    let steps = format!("{all}; look up the image");
    let readings = run(steps, async |provisioner| provisioner.readings().await);
    assert!(readings.survey.is_some());
    assert_eq!(readings.faults.len(), 1);
    let key = Secret::new("a-key");
    let deployment = DeploymentId::parse("dynamic-access").expect("an id");
    let name = ContainerName::from_idempotency_key(&deployment, &key);
    let name = name.as_str();
    let found = format!(r#"list by name: running name={name} /Names=["/{name}"]"#);
    let repeated = format!("TAKEN; {found}; stats: 3; inspect; {refused}");
    let order = StartOrder {
        key: Key::IdempotencyKey(key),
        ..order()
    };
    let started = start_of(&order, &[], repeated).expect("the target");
    assert!(!started.is_new);
}

#[test]
fn only_renewals_that_nothing_needs_are_left_over() {
    let (younger, gone) = ("0a".repeat(32), "0b".repeat(32));
    let all = [(ID, 300), (ID, 3600), (&younger, 60), (&gone, 60)];
    let mut all = Vec::from(all.map(|(id, seconds)| volume(id, seconds, AN_HOUR_AGO)));
    all.push(json!({"Name": "somebody-elses", "Labels": null}));
    let looks = format!("list by id: running /Id={younger}; list by id: none; remove volume");
    let rest = volumes(&all) + "remove volume" + looks;
    assert_eq!(reaped("running", Scope::whole(false), rest).left_over, 2);
}

#[test]
fn one_reap_removes_sixteen_renewals_at_most() {
    let volume = |number| volume(&format!("{number:064x}"), 60, AN_HOUR_AGO);
    let all: Vec<_> = (0..17).map(volume).collect();
    let rest = volumes(&all) + steps("list by id: none; remove volume") * 16;
    assert_eq!(reaped("none", Scope::whole(false), rest).left_over, 16);
}
