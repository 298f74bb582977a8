//! `POST /v1/targets/{id}/renew`, and the effect of a renewal on a reap.

use crate::rows::{check, transcripts};

transcripts! { &[], "renew 1800s":
    a_renewal_is_written_and_then_what_was_replaced_long_ago_removed
        "YOUNG; list volumes; create volume: 1811s => 200 `renewed 1811s`
         YOUNG; RENEWED; create volume: 1811s; RENEWED;
         remove volume: (204 | 404 no such volume | 500 m | lost) => 200 `renewed 1811s`
         // Without the list, nothing is removed.
         YOUNG; RENEWED; create volume: 1811s; list volumes: 500 m * 3 => 200 `renewed 1811s`"

    one_renewal_removes_two_others_at_most
        "YOUNG; list volumes: 200s + 210s + 220s + 230s; create volume: 1811s;
         list volumes: 200s + 210s + 220s + 230s; remove volume * 2 => 200 `renewed 1811s`"

    the_answer_shows_a_longer_renewal_by_another_request
        "YOUNG; list volumes: 300s; create volume: 1811s;
         list volumes: 300s + 2400s /CreatedAt=2026-11-23T01:01:01Z => 200 `renewed 2400s`"

    a_target_that_has_ended_or_soon_will_is_not_renewed
        "list by id: (exited | dead | removing) max-lifetime=120 max-renewed=3600
         => renewed_too_late
         // It may run for two minutes.
         YOUNG: age=89; list volumes; create volume: 1889s => 200 `renewed 1889s`
         YOUNG: age=90; list volumes => renewed_too_late"

    // It is 120 or 121 seconds old when the volume is written.
    a_renewal_that_was_written_too_late_is_no_success
        "YOUNG: age=80; list volumes; create volume: at 01:01:41 1880s => 200 `renewed 1880s`
         YOUNG: age=80; list volumes; create volume: at 01:01:42 1880s => renewed_too_late"

    a_target_that_is_not_started_yet_is_not_renewed
        "list by id: created max-lifetime=120 max-renewed=3600 => in_progress"

    // In the last, somebody else's volume has the name.
    a_list_of_renewals_or_a_write_that_fails_fails_the_renewal
        r#"YOUNG; list volumes: 500 m * 3 => 502
           YOUNG; list volumes; create volume: (500 m | lost | 201 <html>) => 502
           YOUNG; list volumes; create volume: 1811s /Labels=null => 502"#

    a_renewal_never_goes_beyond_the_longest_lifetime_at_the_create
        "renew 36000s > YOUNG; list volumes; create volume: 3600s => 200 `renewed 3600s`
         // For a target of an earlier version, the limit is its own lifetime.
         renew 36000s > list by id: running max-lifetime=(120 | 18446744073709551615);
         list volumes => 200 `renewed 0ns`"

    what_is_shorter_or_gains_less_than_a_minute_is_not_written
        "renew 60s > YOUNG; list volumes => 200 `renewed 0ns`
         renew 300s > YOUNG; list volumes: 1752s => 200 `renewed 1752s`
         YOUNG; list volumes: 1752s => 200 `renewed 1752s`
         YOUNG; list volumes: 1751s; create volume: 1811s; list volumes: 1751s
         => 200 `renewed 1811s`"
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
        let rows = format!(
            "renew 1800s > YOUNG; {listed}; create volume: 1811s; {listed}{removal}
             => 200 `renewed 1811s`
             reap > list all: running; {listed}{removal} => 200 ` {removed} left over`"
        );
        check(&[], "renew 1800s", &rows);
    }
}

transcripts! { &[], "reap":
    a_reap_spares_what_was_renewed_until_that_is_over
        "reap after an answer > list all: running age=95395661;
         list volumes: 60s + 95395661s + other 9s; list volumes: 95395661s => 200 `0 removed`
         reap after an answer > list all: running age=95395661;
         list volumes: 60s + 95395660s + other 9s; remove by force;
         list volumes: 95395660s; list by id: none; remove volume
         => 200 `1 removed` ` 1 left over`"

    a_reap_without_the_renewals_removes_nothing_by_its_lifetime
        "list all: running age=95395661 + other created age=95395661;
         list volumes: 500 m * 3; remove other; list volumes: 500 m * 3
         => 200 `1 removed, 0 failed, 1 left` `no expired target was removed`"

    only_renewals_that_nothing_needs_are_left_over
        "list all: running;
         list volumes: 300s + 3600s + other 60s
             + 60s /Name=dynamic-access-0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b-60
             + 1s /Name=other /Labels=null;
         remove volume: 404 no such volume; list by id: other running;
         list by id: none; remove volume
         => 200 ` 2 left over`"
}

#[test]
fn one_reap_removes_sixteen_renewals_at_most() {
    let volume = |number| format!("60s /Name=dynamic-access-{number:064x}-60");
    let all = (0..17).map(volume).collect::<Vec<_>>().join(" + ");
    let removed = "; list by id: none; remove volume".repeat(16);
    let row = format!("list all: none; list volumes: {all}{removed} => 200 ` 16 left over`");
    check(&[], "reap", &row);
}

transcripts! { &[], "show":
    a_renewed_target_is_shown_and_listed_with_its_new_end
        "YOUNG; list volumes: 1811s => 200 `lives 1811 s`
         list > list all: running max-lifetime=120 max-renewed=3600; list volumes: 1811s
         => 200 `1 targets: lives 1811 s`"

    // The answer to a repeated start of `/v1` shows the target's end.
    targets_are_shown_and_found_although_a_proxy_refuses_the_list_of_renewals
        r#"YOUNG; UNLISTED_RENEWALS => 200 `lives 120 s`
           wait 20s until ready > YOUNG; UNLISTED_RENEWALS => 200 `lives 120 s`
           (list | page) > list all: running; UNLISTED_RENEWALS => 200 `1 targets`
           scrape > list all: running; UNLISTED_RENEWALS; look up the image
           => 200 `dynamic_access_engine_up 1;` `1 faults`
           start {"environment":"e","serviceUrl":"https://host"} >
           TAKEN; OF_KEY; inspect; stats: 3; UNLISTED_RENEWALS => 200"#
}
