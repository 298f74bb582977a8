//! The removals of a reap on a Swarm, and which reap has the event.

use dynamic_access::reaper::{Scope, reap};

use crate::replies::SWARM;
use crate::rows::transcripts;
use crate::script::run;

transcripts! { &SWARM, "reap":
    a_reap_removes_old_secrets_without_a_service
        r#"list services: 1 vouched; list tasks: running; list secrets: 200 [
           {"ID":"in-use","CreatedAt":"2026-11-23T00:58:59Z","Spec":{"Name":"in-use",
           "Labels":{"dynamic-access.attempt":"00000000000000000000000000000000"}}},
           {"ID":"young","CreatedAt":"2026-11-23T00:59:10Z","Spec":{"Name":"young",
           "Labels":{"dynamic-access.attempt":"1"}}},
           {"ID":"left","CreatedAt":"2026-11-23T00:58:59Z","Spec":{"Name":"left",
           "Labels":{"dynamic-access.attempt":"2"}}}];
           delete secret => 200 ` 1 left over of 1;`"#

    // In the others, somebody has vouched for it since the list.
    a_reap_fences_what_never_started_and_spares_what_is_vouched_for
        r#"OLD: 0; list tasks: none; UNSTARTED; ENDED; list secrets
           => 200 `1 removed` `"code":"never_started"`
           OLD: 0; list tasks: none; (look up service: 1 vouched; LOOKED: running |
           UNSTARTED; STALE | look up service: 1; LOOKED: running; STALE); list secrets
           => 200 `0 removed`"#

    a_reap_ends_what_runs_and_nobody_was_told_of
        r#"OLD: 1; list tasks: running; look up service: 1; LOOKED: running; ENDED; list secrets
           => 200 `1 removed` `"code":"never_started"`
           (OLD: 1 vouched | list services: 1); list tasks: running; list secrets
           => 200 `0 removed`"#

    a_reap_removes_a_vouched_target_that_has_ended_or_was_forgotten
        "OLD: 1 vouched;
         list tasks: (none | failed shutdown /Status/Timestamp=2026-11-23T00:10:00Z);
         look up service: 1 vouched; LOOKED: none; ENDED; list secrets => 200 `1 removed`"

    a_target_whose_health_check_has_failed_is_told_as_unhealthy
        r#"OLD: 1 vouched; list tasks: failed shutdown /Status/Timestamp=2026-11-23T00:10:00Z:
           task: non-zero exit (7): dockerexec: unhealthy container;
           look up service: 1 vouched; LOOKED: none; ENDED; list secrets
           => 200 `1 removed` `"code":"unhealthy"` `"exit_code":7`"#

    // Six seconds of pauses, which double up to a second. The second reap finds it fenced.
    an_end_that_a_node_has_not_confirmed_is_left_and_no_event
        "EXPIRED: 1 vouched; list tasks: running; look up service: 1 vouched; update;
         LOOKED: running remove * 10; list secrets
         => 200 `0 removed, 0 failed, 1 left` `events []`
         EXPIRED: 0 vouched fenced; list tasks: running remove;
         look up service: 0 vouched fenced; LOOKED: running remove * 10; list secrets
         => 200 `0 removed, 0 failed, 1 left` `events []`"

    // Its node has confirmed the end after an earlier reap.
    the_reap_that_finishes_an_expiry_tells_it_as_one
        r#"EXPIRED: 0 vouched fenced; list tasks: none; look up service: 0 fenced;
           LOOKED: none; DELETED; list secrets => 200 `1 removed, 0 failed` `"code":"expired"`"#

    a_removal_that_another_request_has_finished_is_its_event
        "EXPIRED: 0 vouched fenced; list tasks: none; look up service: 0 fenced;
         LOOKED: none; delete service: 404 service x not found; list own secrets; list secrets
         => 200 `0 removed, 0 failed, 0 left` `events []`"

    // For a target that may run no more, a removal without force looks once more.
    a_withdrawn_start_is_told_as_never_started_by_whoever_removes_it
        r#"OLD: 0 fenced; list tasks: none; look up service: 0 fenced; LOOKED: none; LOOKED: none;
           DELETED; list secrets => 200 `1 removed` `"code":"never_started"`"#

    secrets_that_cannot_be_listed_keep_no_target_from_being_removed
        "OLD: 0; list tasks: none; UNSTARTED; ENDED; list secrets: 500 m * 3
         => 200 `1 removed` `notes [\"cannot list secrets`"
}

#[test]
fn one_that_cannot_be_ended_comes_after_the_others() {
    let (mut services, mut tasks) = (String::new(), Vec::new());
    for number in 0..4 {
        let expired = "0 vouched fenced /CreatedAt=2026-11-01T00:00:00Z";
        services += &format!("{expired} /ID={number:025} + ");
        tasks.push(format!("running remove /ServiceID={number:025}"));
    }
    let tasks = tasks.join(" + ");
    let calls = format!(
        "list services: {services}0 /CreatedAt=2026-11-01T00:00:00Z; list tasks: {tasks};
         UNSTARTED; ENDED; list secrets"
    );
    let scope = Scope {
        tries_max: 1,
        ..Scope::AFTER_ANSWER
    };
    let report = run(&SWARM, &calls, async |provisioner| {
        reap(&provisioner.backend, scope).await
    });
    assert_eq!(report.expect("a list").removed.len(), 1);
}
