//! Stops on a Swarm.

use crate::replies::SWARM;
use crate::rows::transcripts;

transcripts! { &SWARM, "stop":
    a_stop_is_true_once_no_task_is_left
        r#"find service: 1 vouched; LOOKED: running; look up service: 1 vouched; STALE;
           look up service: 1 vouched; update; LOOKED: running remove; LOOKED: none;
           delete service;
           list own secrets: 200
           [{"ID":"s","CreatedAt":"2026-11-23T01:00:50Z","Spec":{"Name":"n"}}];
           delete secret => 200
           find service: none; list tasks: none => 200"#

    a_stop_is_not_true_while_a_node_may_run_the_task
        "STOPPING; LOOKED: running remove * 19; STOPPING; LOOKED: running remove * 10;
         STOPPING; LOOKED: running remove => 503
         // The last look only runs out of time.
         STOPPING; LOOKED: running remove * 19; STOPPING; LOOKED: running remove * 10;
         find service: hangs => 503 `being removed`
         // Somebody else has deleted it.
         DELETING; LOOKED: running remove * 19; DELETING; LOOKED: running remove * 10;
         DELETING; LOOKED: running remove => 503"

    a_swarm_that_has_missed_the_fence_gets_it_again
        "find service: 0 vouched fenced; LOOKED: running; look up service: 0 vouched fenced;
         LOOKED: running * 3; look up service: 0 vouched fenced; update; LOOKED: none; DELETED
         => 200"

    the_other_backends_ids_are_refused
        "stop 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef > => not_ours
         `target 0123456789ab`"
}
