//! First starts on a Swarm.

use crate::replies::SWARM;
use crate::rows::transcripts;

transcripts! { &SWARM, "start":
    a_start_is_vouched_for_once_its_task_was_seen_running
        "UPDATED; LOOKED: preparing; RUNS => 201"

    // The task runs after 20 ms, 2.2 s and 4.6 s.
    a_target_is_looked_at_again_after_the_time_that_its_task_took_three_seconds_at_most
        "UPDATED; LOOKED: preparing; RUNS => 201 `after 770ms`
         UPDATED; LOOKED: preparing * 48; RUNS => 201 `after 4.45`
         UPDATED; LOOKED: preparing * 60; RUNS => 201 `after 7.58`"

    a_vouch_that_meets_a_fence_is_no_success
        "UPDATED; LOOKED: running; SEEN; look up service: 1; STALE; look up service: 0 fenced
         => in_progress"

    a_fenced_service_is_not_started
        "WITH_SECRET; FENCED => in_progress"

    a_start_that_meets_the_allocation_of_its_ports_is_made_from_the_next_version
        "WITH_SECRET; CHECKED; STALE; CHECKED; update; RUNS => 201"

    a_start_that_meets_a_fence_is_not_made_again
        "WITH_SECRET; CHECKED; STALE; FENCED => in_progress"

    a_start_while_an_earlier_target_of_its_name_may_run_is_refused
        "create service; list unvouched services: 0;
         list tasks: running remove /ServiceID=onmlkjihgfedcba9876543210; ENDED_UNSTARTED
         => in_progress"

    // Five seconds, and nineteen.
    a_task_that_does_not_run_in_time_is_told_with_its_reason_and_taken_back
        "GIVEN_UP: pending nowhere: no suitable node (insufficient resources on 3 nodes)
         => no_node
         LATE: preparing nowhere => still_preparing
         LATE: (pending nowhere | assigned nowhere) => start_too_slow
         LATE: starting nowhere => unchecked"

    a_target_that_somebody_was_told_of_counts_by_its_task
        r#"[(max_targets=1 | max_targets=5, environments={"e":{"max_targets":1}})]
           create service; list unvouched services: 0;
           list tasks: running name=another /ServiceID=onmlkjihgfedcba9876543210;
           ENDED_UNSTARTED => 429"#

    // The forty-eighth look comes after two seconds.
    a_service_that_somebody_deletes_before_its_task_is_made_is_made_again
        "UPDATED; LOOKED: none * 48; look up service: 404 service x not found;
         find service: none; list tasks: none; find service by name: none; LOOKED: none;
         RUNS_ELSEWHERE => 201"

    a_lost_update_is_taken_back_unless_its_task_runs
        "WITH_SECRET; CHECKED; update: lost;
         find service: 1; LOOKED: preparing; look up service: 1; LOOKED: preparing; update;
         LOOKED: running remove; LOOKED: none; DELETED => 502
         WITH_SECRET; CHECKED; update: lost; SEEN; SEEN; VOUCHED => 201"

    a_new_leader_that_does_not_know_the_secret_yet_is_no_refusal
        "WITH_SECRET; CHECKED;
         update: 400 rpc error: code = InvalidArgument desc = secret not found: n;
         ENDED_UNSTARTED => no_leader"

    a_start_that_waits_for_a_health_check_names_it_and_its_interval
        r#"[container_patch={"ContainerSpec":{"Healthcheck":{"Interval":45000000000}}}]
           WITH_SECRET;
           look up service: 0 /Spec/TaskTemplate/ContainerSpec/Healthcheck={"Interval":45000000000};
           list nodes; update; LOOKED: starting nowhere * 118; ENDED_WITH: starting nowhere
           => unchecked `health check` `45 s in the patch`
           LATE: starting nowhere => unchecked `health check` `30 s unless`"#

    a_health_check_that_has_ended_a_target_or_may_have_is_named
        "UPDATED; LOOKED: starting nowhere;
         UNHEALTHY: failed shutdown: task: non-zero exit (143): dockerexec: unhealthy container
         => 409 `its health check, from the image`
         UPDATED; LOOKED: starting nowhere; UNHEALTHY: failed shutdown
         => 409 `or its health check has failed`"
}
