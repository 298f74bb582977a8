//! Each call to a real Engine is lost in each way, once in a visit: whatever the first answer is, a
//! retry succeeds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use test_support::fault_proxy::Fault;
use test_support::prelude::*;

const FULL: &str = r#"{"message":"no space left on device"}"#;

const FAULTS: [Fault; 7] = [
    Fault::CutBefore,
    Fault::CutAfter,
    Fault::CutAmid,
    Fault::AnsweredBefore("500 Failed", FULL),
    Fault::AnsweredAfter("500 Failed", FULL),
    Fault::AnsweredAfter("502 Bad Gateway", "<html>Bad Gateway</html>"),
    Fault::AnsweredAfter("200 OK", "<html>It works!</html>"),
];

/// The calls of a visit, by parts of their request lines: a start creates, lists and starts, and a
/// stop lists by the id and removes.
const CALLS: [&str; 5] = [
    "POST /containers/create?",
    "GET /containers/json?",
    "/start",
    "filters=%7B%22id%22",
    "DELETE /containers/",
];

/// Repeats a webhook until it succeeds.
fn insist(fault: Fault, call: impl Fn() -> Answer) -> Answer {
    wait_for("a success", || {
        let answer = call();
        let may_pass = matches!(answer.status, 502..=504);
        assert!(answer.status == 200 || may_pass, "{fault:?} {answer:?}");
        (answer.status == 200).then_some(answer)
    })
}

/// Starts and stops a target, with a fault for the first call like this.
fn check_visit(engine: &RealEngine, call: &'static str, fault: Fault) {
    let deployment = Deployment::new(engine);
    let has_failed = Arc::new(AtomicBool::new(false));
    let fails = has_failed.clone();
    let proxy = FakeEngine::before(engine.socket(), move |seen| {
        match seen.contains(call) && !fails.swap(true, Ordering::SeqCst) {
            true => fault,
            false => Fault::None,
        }
    });
    let server = deployment.server_through(&proxy, &[]);
    let token = unique("token");
    let started = insist(fault, || {
        let answer = server.start_target(&token);
        if answer.status != 200 {
            deployment.check_empty();
        }
        answer
    });
    let id = started.unique_id();
    deployment.check_has(&[&id]);
    assert_eq!(engine.state(&id).as_deref(), Some("running"));
    insist(fault, || server.stop_target(&id)).check_done();
    deployment.check_empty();
    assert!(has_failed.load(Ordering::SeqCst), "{call} was never made");
}

on_each_engine!(
    a_visit_whose_calls_are_lost_makes_one_target_and_leaves_nothing,
    a_call_that_is_delayed_beyond_its_limit_is_settled_by_a_look,
);

fn a_visit_whose_calls_are_lost_makes_one_target_and_leaves_nothing(engine: &RealEngine) {
    at_once(FAULTS.len(), |number| {
        for call in CALLS {
            check_visit(engine, call, FAULTS[number]);
        }
    });
}

fn a_call_that_is_delayed_beyond_its_limit_is_settled_by_a_look(engine: &RealEngine) {
    let delayed = Fault::Delayed(Duration::from_secs(6));
    check_visit(engine, "GET /containers/json?", delayed);
}
