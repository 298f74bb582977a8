//! `POST /v1/targets/{id}/renew`, and the effect of a renewal on a reap.

use std::time::Duration;

use dynamic_access::docker::{ContainerName, DeploymentId};
use dynamic_access::key::Key;
use dynamic_access::provision::StartOrder;
use dynamic_access::reaper::{Report, Scope, reap};
use dynamic_access::secret::Secret;
use dynamic_access::target_view::{Awaited, Filter};

use crate::script::*;

/// Renewals for this many minutes that end like this, with the age up to which the target
/// is then renewed.
fn renew(minutes: u64, rows: &str) {
    check(&[], rows, async |provisioner| {
        let lifetime = Duration::from_secs(60 * minutes);
        let target = provisioner.renew(&own(&provisioner), lifetime).await?;
        Ok((200, format!("{:?}", target.renewed)))
    });
}

fn renewals(rows: &str) {
    renew(30, rows);
}

transcripts! { renewals:
    a_renewal_is_written_and_then_what_was_replaced_long_ago_removed
        "YOUNG; list volumes; create volume: 1811s => 200 `1811s`
         YOUNG; RENEWED; create volume: 1811s; RENEWED;
         remove volume: (204 | 404 no such volume | 500 m | lost) => 200 `1811s`
         // Without the list, nothing is removed.
         YOUNG; RENEWED; create volume: 1811s; list volumes: 500 m * 3 => 200 `1811s`"

    one_renewal_removes_two_others_at_most
        "YOUNG; list volumes: 200s + 210s + 220s + 230s; create volume: 1811s;
         list volumes: 200s + 210s + 220s + 230s; remove volume * 2 => 200 `1811s`"

    the_answer_shows_a_longer_renewal_by_another_request
        "YOUNG; list volumes: 300s; create volume: 1811s;
         list volumes: 300s + 2400s /CreatedAt=2026-11-23T01:01:01Z => 200 `2400s`"

    a_target_that_has_ended_or_soon_will_is_not_renewed
        "list by id: (exited | dead | removing) max-lifetime=120 max-renewed=3600
         => renewed_too_late
         // It may run for two minutes.
         YOUNG: age=89; list volumes; create volume: 1889s => 200 `1889s`
         YOUNG: age=90; list volumes => renewed_too_late"

    a_target_that_is_not_started_yet_is_not_renewed
        "list by id: created max-lifetime=120 max-renewed=3600 => in_progress"

    // In the last, somebody else's volume has the name.
    a_list_of_renewals_or_a_write_that_fails_fails_the_renewal
        r#"YOUNG; list volumes: 500 m * 3 => 502
           YOUNG; list volumes; create volume: (500 m | lost | 201 <html>) => 502
           YOUNG; list volumes; create volume: 1811s /Labels=null => 502"#
}

#[test]
fn a_renewal_never_goes_beyond_the_longest_lifetime_at_the_create() {
    let rows = "
        YOUNG; list volumes; create volume: 3600s => 200 `3600s`
        // For a target of an earlier version, the limit is its own lifetime.
        list by id: running max-lifetime=(120 | 18446744073709551615); list volumes
        => 200 `0ns`";
    renew(600, rows);
}

#[test]
fn what_is_shorter_or_gains_less_than_a_minute_is_not_written() {
    renew(1, "YOUNG; list volumes => 200 `0ns`");
    renew(5, "YOUNG; list volumes: 1752s => 200 `1752s`");
    renew(30, "YOUNG; list volumes: 1752s => 200 `1752s`");
    let written = "YOUNG; list volumes: 1751s; create volume: 1811s; list volumes: 1751s";
    renew(30, &format!("{written} => 200 `1811s`"));
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
        let listed = format!("list volumes: 240s + 300s /CreatedAt={written_at}");
        let removal = ["", "; remove volume"][removed];
        let calls = format!("YOUNG; {listed}; create volume: 1811s; {listed}{removal}");
        renewals(&format!("{calls} => 200 `1811s`"));
        let report = reaped(
            "running",
            Scope::whole(false),
            &format!("{listed}{removal}"),
        );
        assert_eq!(report.left_over, removed, "{written_at}");
    }
}

#[test]
fn a_renewal_that_was_written_too_late_is_no_success() {
    // It is 80 s old when it is listed, and 120 or 121 when the volume is written.
    for (age, is_renewed) in [(120, true), (121, false)] {
        let words = format!("running max-lifetime=120 max-renewed=3600 age={age}");
        let list = json!([entry(&words)]).to_string();
        let early = Dated("Mon, 23 Nov 2026 01:00:21 GMT", 200, list);
        let written = format!("list volumes; create volume: {}s", 1760 + age);
        let outcome = run(call("list by id", early) + written, async |provisioner| {
            let lifetime = Duration::from_secs(1800);
            provisioner.renew(&own(&provisioner), lifetime).await
        });
        let code = outcome.map_err(|error| error.code()).err();
        assert_eq!(code, (!is_renewed).then_some("renewed_too_late"));
    }
}

#[track_caller]
fn reaped(list: &str, scope: Scope, rest: &str) -> Report {
    let steps = format!("list all: {list}; {rest}");
    let report = run(steps, async |provisioner| {
        reap(&provisioner.backend, provisioner.config, scope).await
    });
    report.expect("a list")
}

#[test]
fn a_reap_spares_what_was_renewed_until_that_is_over() {
    let list = "running age=95395661";
    let renewed = "list volumes: 60s + 95395661s + other 9s; list volumes: 95395661s";
    let report = reaped(list, Scope::AFTER_ANSWER, renewed);
    assert!(report.removed.is_empty());
    let over = "list volumes: 60s + 95395660s + other 9s; remove by force;
                list volumes: 95395660s; list by id: none; remove volume";
    let report = reaped(list, Scope::AFTER_ANSWER, over);
    assert_eq!((report.removed.len(), report.left_over), (1, 1));
}

#[test]
fn a_reap_without_the_renewals_removes_nothing_by_its_lifetime() {
    let list = "running age=95395661 + other created age=95395661";
    let rest = "list volumes: 500 m * 3; remove other; list volumes: 500 m * 3";
    let report = reaped(list, Scope::whole(false), rest);
    assert_eq!((report.removed.len(), report.left), (1, 1));
    let notes = report.notes(false);
    let says = |note: &str| notes.iter().any(|found| found.starts_with(note));
    assert!(says("no expired target was removed"), "{notes:?}");
}

#[test]
fn a_renewed_target_is_shown_and_listed_with_its_new_end() {
    let steps = "
        YOUNG; list volumes: 1811s;
        list all: running max-lifetime=120 max-renewed=3600; list volumes: 1811s";
    let shown = run(steps, async |provisioner| {
        let shown = provisioner.target(&own(&provisioner)).await?;
        let mut all = provisioner.targets(&Filter::default()).await?;
        all.push(shown);
        Ok::<_, dynamic_access::error::Error>(all)
    });
    let shown = shown.expect("the target twice");
    let lifetimes: Vec<_> = shown.iter().map(|one| one.expires - one.created).collect();
    assert_eq!(lifetimes, [time::Duration::seconds(1811); 2]);
}

#[test]
fn targets_are_shown_and_found_although_a_proxy_refuses_the_list_of_renewals() {
    let refused = "list volumes: 403 dynamic-access engine proxy: not listed";
    let found = format!("YOUNG; {refused}");
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
    let rest = "
        list volumes: 300s + 3600s + other 60s + 60s /Name=dynamic-access-GONE-60
            + 1s /Name=other /Labels=null;
        remove volume; list by id: other running; list by id: none; remove volume";
    let rest = rest.replace("GONE", &"0b".repeat(32));
    assert_eq!(reaped("running", Scope::whole(false), &rest).left_over, 2);
}

#[test]
fn one_reap_removes_sixteen_renewals_at_most() {
    let volume = |number| format!("60s /Name=dynamic-access-{number:064x}-60");
    let all: Vec<_> = (0..17).map(volume).collect();
    let removed = "; list by id: none; remove volume".repeat(16);
    let rest = format!("list volumes: {}{removed}", all.join(" + "));
    assert_eq!(reaped("none", Scope::whole(false), &rest).left_over, 16);
}
