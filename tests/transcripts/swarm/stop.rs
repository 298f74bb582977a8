//! Stops on a Swarm.

use dynamic_access::docker::TargetId;
use dynamic_access::error::TargetError;

use super::start::OUT_OF_SEQUENCE;
use super::*;

#[track_caller]
fn check_stop(steps: impl Into<Steps>, status: u16) {
    let id = TargetId::parse(SERVICE).expect("an id");
    let outcome = on_swarm(steps, async |provisioner| provisioner.stop(&id).await);
    let outcome = outcome.map_or_else(|error| error.status().as_u16(), |_| 200);
    assert_eq!(outcome, status);
}

#[test]
fn a_stop_is_true_once_no_task_is_left() {
    let secrets = json!([{"ID": "s", "CreatedAt": "2026-11-23T01:00:50Z", "Spec": {"Name": "n"}}]);
    let met = "find service: 1 vouched; list own tasks: running; look up service: 1 vouched";
    let fenced = "
        look up service: 1 vouched; update;
        list own tasks: running remove; list own tasks: none;
        delete service";
    let secrets = call("list own secrets", shows(secrets)) + "delete secret";
    check_stop(steps(met) + OUT_OF_SEQUENCE + fenced + secrets, 200);
    check_stop("find service: none; list tasks: none", 200);
}

#[test]
fn a_stop_is_not_true_while_a_node_may_run_the_task() {
    let fenced = "
        find service: 0 vouched fenced; list own tasks: running remove;
        look up service: 0 vouched fenced";
    // Somebody else has deleted it.
    let without_service = "
        find service: none; list tasks: running remove;
        look up service: 404 service x not found";
    for look in [fenced, without_service] {
        let tries = [19, 10, 1].map(|looks| steps(look) + looked("running remove") * looks);
        let [first, second, third] = tries;
        check_stop(first + second + third, 503);
    }
}

#[test]
fn a_swarm_that_has_missed_the_fence_gets_it_again() {
    let fenced = "
        find service: 0 vouched fenced; list own tasks: running;
        look up service: 0 vouched fenced";
    let again = "look up service: 0 vouched fenced; update; list own tasks: none";
    check_stop(steps(fenced) + looked("running") * 3 + again + DELETED, 200);
}

#[test]
fn the_other_backends_ids_are_refused() {
    let of_container = TargetId::parse(ID).expect("an id");
    let outcome = on_swarm("", async |provisioner| {
        provisioner.stop(&of_container).await
    });
    let not_ours = |id| Err(Error::Target(TargetError::NotOurs(id)));
    assert_eq!(outcome, not_ours(of_container));
    let of_service = TargetId::parse(SERVICE).expect("an id");
    let outcome = run("", async |provisioner| provisioner.stop(&of_service).await);
    assert_eq!(outcome, not_ours(of_service.clone()));
    let shown = run("", async |provisioner| {
        provisioner.target(&of_service).await
    });
    assert_eq!(shown, Err(Error::Target(TargetError::NoSuchTarget)));
}
