//! `POST /v1/targets/{id}/renew` on a Swarm.

use std::time::Duration;

use super::*;

#[test]
fn the_answer_shows_a_longer_renewal_by_another_request() {
    for (meanwhile, then, known) in [(1810, "update", 1811), (1811, "", 1811), (2400, "", 2400)] {
        // A lifetime of two minutes, an hour at most.
        let found = "1 vouched max-lifetime=120 max-renewed=3600 renewed=";
        let looks = format!("find service: {found}0; LOOKED: running; THEIRS: {found}{meanwhile}");
        let target = on_swarm(format!("{looks}; {then}"), async |provisioner| {
            let lifetime = Duration::from_secs(1800);
            provisioner.renew(&own(&provisioner), lifetime).await
        });
        let target = target.expect("it is renewed");
        assert_eq!(target.renewed, Duration::from_secs(known));
    }
}
