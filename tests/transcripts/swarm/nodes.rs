//! Starts on a Swarm that some nodes do not carry out.

use crate::replies::SWARM;
use crate::rows::transcripts;

transcripts! { &SWARM, "start":
    a_target_is_tried_on_each_node_that_is_left
        "TRIED: rejected shutdown: network x exists * 4; RUNS_ELSEWHERE => 201
         TRIED: rejected shutdown: invalid mount; NO_NODE => refused"

    a_rejection_is_told_if_there_is_no_other_node
        "TRIED: rejected shutdown: No such image: agent; NO_NODE => node_pull_failed
         TRIED: rejected shutdown: No such image: agent;
         GIVEN_UP: pending nowhere: no suitable node (2 nodes not available for new tasks)
         => no_node"

    // Sixteen seconds, and three.
    a_rejection_is_told_if_there_is_no_time_for_another_node
        "REJECTED_LATE; IN_NO_TIME: assigned nowhere => node_pull_failed
         REJECTED_LATE; IN_NO_TIME: pending nowhere: no suitable node (scheduling constraints)
         => node_pull_failed
         REJECTED_LATE; IN_NO_TIME: pending nowhere: no suitable node (1 node not available)
         => no_node"

    // If one node may take the target later, the refusal is not final, whatever the
    // others say.
    a_node_without_an_address_for_a_target_leaves_it_to_others
        "FULL; RUNS_ELSEWHERE => 201
         FULL; NO_NODE => no_room `no available IPv4`
         FULL; TRIED: rejected shutdown: invalid mount; NO_NODE => no_room `no available IPv4`"

    a_target_of_which_nothing_ran_is_started_again_with_its_token
        "create service: 409 name conflicts; find service by name: 1;
         LOOKED: failed shutdown 128: starting container failed: x; look up service: 1;
         LOOKED: failed shutdown 128: starting container failed: x; ENDED;
         find service by name: none; LOOKED: none; UPDATED; RUNS => 201"

    a_container_that_no_node_can_start_is_refused_as_by_an_engine
        "TRIED: failed shutdown 128: starting container failed: OCI runtime create failed:
         exec: /agent: no such file or directory;
         NO_NODE => refused `/agent`"

    a_pull_that_a_node_fails_may_pass_if_there_is_a_registry
        r#"TRIED: rejected shutdown: No such image: r.example.com/agent@sha256:0123; NO_NODE
           => node_pull_failed `registry_auth` `No such image: r.example.com/agent@sha256:0123`
           TRIED: rejected shutdown: toomanyrequests: You have reached your pull rate limit; NO_NODE
           => node_pull_failed `registry_auth` `toomanyrequests: You have reached your`
           TRIED: rejected shutdown: Head "https://r.example.com/v2/agent/manifests/sha256:0123":
           dial tcp: i/o timeout; NO_NODE
           => node_pull_failed `registry_auth` `dial tcp: i/o timeout`
           [agent_image=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef]
           TRIED: rejected shutdown: No such image: sha256:0123; NO_NODE => no_such_image"#
}
