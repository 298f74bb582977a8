//! Renewals: a label of the service, which any manager updates.

use std::time::Duration;

use test_support::prelude::*;

use crate::stage::Stage;

/// The lifetime of targets without a renewal, and time for a busy machine.
const EXPIRED_BOUND: Duration = Duration::from_secs(90);

/// The id of a new target that lives a minute.
fn short_lived(server: &Server) -> String {
    let order = order_with(json!({"lifetime": "1m"}));
    server.order(&order).check(201).id()
}

pub fn a_renewed_target_outlives_its_lifetime(stage: &Stage<'_>) {
    let [first, second] = [1, 2].map(|node| stage.server(node));
    let renewed = short_lived(&first);
    for (server, lifetime) in [(&second, "30m"), (&first, "1h")] {
        let answer = server.renew(&renewed, lifetime).check(200).json();
        // Whatever manager is asked shows it.
        let shown = first.target("GET", &renewed).json();
        assert_eq!(shown["expires"], answer["expires"]);
    }
    // The update has replaced no task.
    assert_eq!(stage.list("tasks").len(), 1);
    let twin = short_lived(&second);
    wait_within(EXPIRED_BOUND, "the end of a lifetime", || {
        let due = first.reaped_ids("/reap?dry_run=1");
        due.contains(&twin).then_some(())
    });
    // A reap leaves a target whose node takes longer to confirm its end to the next one.
    let removed = wait_within(EXPIRED_BOUND, "its removal", || {
        Some(first.reaped_ids("/reap")).filter(|removed| !removed.is_empty())
    });
    assert_eq!(removed, [twin]);
    assert_eq!(stage.live_tasks().len(), 1);
    stage.place_of(&renewed);
    first.stop_target(&renewed).check(200);
    first.renew(&renewed, "30m").check(404);
}
