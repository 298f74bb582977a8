//! `POST /v1/targets/{id}/renew` on a Swarm.

use std::time::Duration;

use dynamic_access::docker::TargetId;

use super::*;

/// A service with a lifetime of two minutes, an hour at most, that was renewed for this
/// long.
fn renewed(seconds: u64) -> Value {
    let mut service = service("1 vouched");
    for (label, seconds) in [
        ("max-lifetime", 120),
        ("max-renewed", 3600),
        ("renewed", seconds),
    ] {
        let label = format!("dynamic-access.{label}");
        service["Spec"]["Labels"][label] = seconds.to_string().into();
    }
    service
}

#[test]
fn the_answer_shows_a_longer_renewal_by_another_request() {
    for (meanwhile, then, known) in [(1810, "update", 1811), (1811, "", 1811), (2400, "", 2400)] {
        let found = call("find service", list(&[renewed(0)])) + looked("running");
        let steps = found + looked_up_again(renewed(meanwhile)) + then;
        let target = on_swarm(steps, async |provisioner| {
            let id = TargetId::parse(SERVICE).expect("an id");
            provisioner.renew(&id, Duration::from_secs(1800)).await
        });
        let target = target.expect("it is renewed");
        assert_eq!(target.renewed, Duration::from_secs(known));
    }
}
