//! The waits of `/v1/targets`.

use std::time::Duration;

use dynamic_access::platform::Platform;
use dynamic_access::target_view::{Awaited, TargetView};

use crate::script::*;

/// Waits of at most this many seconds that end like this, and after so many seconds. Only
/// the last look makes the list of renewals, if it has found the target.
fn check_waits(awaited: Awaited, seconds: u64, rows: &str) {
    check(&[], rows, async |provisioner| {
        let timeout = Duration::from_secs(seconds);
        let outcome = provisioner.wait(&own(&provisioner), awaited, timeout).await;
        let took = provisioner.platform.now().as_secs();
        Ok(match outcome {
            Ok(target) => (
                200,
                format!("{:?} {:?} {took}s", target.ready, target.exit_code),
            ),
            Err(error) => (error.status().as_u16(), format!("{took}s")),
        })
    });
}

fn waits(rows: &str) {
    check_waits(Awaited::Ready, 20, rows);
}

fn waits_for_the_end(rows: &str) {
    check_waits(Awaited::Ended, 20, rows);
}

transcripts! { waits:
    a_wait_looks_once_a_second_until_the_target_is_ready
        "list by id: starting; list by id: unhealthy; list by id: healthy; list volumes
         => 200 `Some(true) None 2s`
         list by id: healthy; list volumes => 200 `Some(true) None 0s`
         list by id: running; list volumes => 200 `None None 0s`
         list by id: created; list by id: running; list volumes => 200 `None None 1s`"

    a_wait_tells_the_target_as_it_is_when_the_time_is_up
        "list by id: starting * 21; list volumes => 200 `Some(false) None 20s`"

    a_look_that_fails_is_repeated
        "list by id: starting; list by id: 400 planted * 2; list by id: healthy; list volumes
         => 200 `Some(true) None 3s`"

    one_that_has_ended_or_is_gone_is_not_waited_for
        "list by id: starting; list by id: exited; list volumes; inspect: exited 7
         => 200 `Some(7) 1s`
         list by id: starting; list by id: none => 404 `1s`
         list by id: running deployment=other => 404 `0s`"
}

transcripts! { waits_for_the_end:
    a_wait_for_the_end_tells_the_exit_code
        "list by id: running; list by id: exited; list volumes; inspect: exited 7
         => 200 `Some(7) 1s`
         list by id: starting; list by id: none => 404 `1s`
         list by id: running deployment=other => 404 `0s`"

    the_last_look_ends_by_the_time_of_the_answer
        "list by id: hangs * 5 => 504 `25s`"
}

#[test]
fn a_wait_ends_when_its_own_time_is_up() {
    let rows = "list by id: starting * 2; list volumes => 200 `Some(false) None 1s`";
    check_waits(Awaited::Ready, 1, rows);
    let rows = "list by id: starting; list by id: 400 planted * 3 => 500 `3s`";
    check_waits(Awaited::Ended, 3, rows);
}

/// A start, and the wait after it.
#[track_caller]
fn check_start(health: &str, rest: &str, word: &str, ready: Option<bool>) {
    let mut runs = container("running", 0, "");
    runs["State"]["Health"]["Status"] = health.into();
    let steps = format!("STARTED; inspect: 200 {runs}; {rest}");
    let target = run(steps, async |provisioner| {
        let started = provisioner.start(&order()).await.expect("it runs");
        let target = TargetView::new(&started.container, provisioner.config);
        let timeout = Duration::from_secs(20);
        provisioner.wait_until_ready(target, timeout).await
    });
    assert_eq!((target.state.word(), target.ready), (word, ready));
}

#[test]
fn a_start_that_waits_is_a_success_whatever_comes_of_the_wait() {
    let ready = "list by id: healthy; list volumes";
    check_start("starting", ready, "running", Some(true));
    check_start("healthy", "", "running", Some(true));
    check_start("none", "", "running", None);
    let looks = "list by id: starting * 21; list volumes";
    check_start("starting", looks, "running", Some(false));
    let gone = "list by id: starting; list by id: none";
    check_start("starting", gone, "ended", None);
    let hung = "list by id: hangs * 5";
    check_start("starting", hung, "running", Some(false));
}
