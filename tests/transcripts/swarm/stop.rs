//! Stops on a Swarm.

use dynamic_access::docker::TargetId;
use dynamic_access::error::TargetError;

use super::*;

#[track_caller]
fn check_stop(steps: Steps, status: u16) {
    let id = TargetId::parse(SERVICE).expect("an id");
    let outcome = on_swarm(steps, async |provisioner| provisioner.stop(&id).await);
    let outcome = outcome.map_or_else(|error| error.status().as_u16(), |_| 200);
    assert_eq!(outcome, status);
}

#[test]
fn a_stop_is_true_once_no_task_is_left() {
    let secrets = json!([{"ID": "s", "CreatedAt": "2026-11-23T01:00:50Z", "Spec": {"Name": "n"}}]);
    let steps = call("find service", one(1, &["vouched"]))
        + looked(task("running"))
        + call("look up service", shown(1, &["vouched"]))
        + call("update", out_of_sequence())
        + call("look up service", shown(1, &["vouched"]))
        + updated()
        + looked(leaving())
        + looked(none())
        + call("delete service", shows(""))
        + call("list own secrets", shows(secrets))
        + call("delete secret", done());
    check_stop(steps, 200);
    let nothing = call("find service", none()) + call("list tasks", none());
    check_stop(nothing, 200);
}

#[test]
fn a_stop_is_not_true_while_a_node_may_run_the_task() {
    let fenced = call("find service", one(0, &["vouched", "fenced"]))
        + looked(leaving())
        + call("look up service", shown(0, &["vouched", "fenced"]));
    // Somebody else has deleted it.
    let without_service = call("find service", none())
        + call("list tasks", leaving())
        + call("look up service", gone());
    for look in [fenced, without_service] {
        let tries = [19, 10, 1].map(|looks| look.clone() + looked(leaving()) * looks);
        check_stop(
            tries.into_iter().fold(no_call(), |all, some| all + some),
            503,
        );
    }
}

#[test]
fn a_swarm_that_has_missed_the_fence_gets_it_again() {
    let steps = call("find service", one(0, &["vouched", "fenced"]))
        + looked(task("running"))
        + call("look up service", shown(0, &["vouched", "fenced"]))
        + looked(task("running")) * 3
        + call("look up service", shown(0, &["vouched", "fenced"]))
        + updated()
        + looked(none())
        + deleted();
    check_stop(steps, 200);
}

#[test]
fn the_other_backends_ids_are_refused() {
    let of_container = TargetId::parse(ID).expect("an id");
    let outcome = on_swarm(no_call(), async |provisioner| {
        provisioner.stop(&of_container).await
    });
    assert_eq!(
        outcome,
        Err(Error::Target(TargetError::NotOurs(of_container)))
    );
    let of_service = TargetId::parse(SERVICE).expect("an id");
    let outcome = run(no_call(), async |provisioner| {
        provisioner.stop(&of_service).await
    });
    assert_eq!(
        outcome,
        Err(Error::Target(TargetError::NotOurs(of_service.clone())))
    );
    let shown = run(no_call(), async |provisioner| {
        provisioner.target(&of_service).await
    });
    assert_eq!(shown, Err(Error::Target(TargetError::NoSuchTarget)));
}
