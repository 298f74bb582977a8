//! Lists of a Swarm: in parts if they are too long, and the health that they show.

use crate::replies::SWARM;
use crate::rows::{check, transcripts};

transcripts! { &SWARM, "start":
    a_list_without_the_service_just_created_is_repeated
        "create service;
         list unvouched services: none; list tasks: none; look up service: 0;
         list unvouched services: none; list tasks: none; look up service: 0;
         list unvouched services: 0; list tasks: none; create secret;
         CHECKED; update; RUNS => 201"

    // One part of them is too long itself.
    a_list_of_a_start_that_is_too_long_is_asked_for_in_parts
        "create service; list unvouched services: too long;
         list part of unvouched services: none * 15; list part of unvouched services: too long;
         list part of unvouched services: none * 15; list part of unvouched services: 0;
         list tasks: too long; list part of tasks: none * 16; create secret;
         CHECKED; update; RUNS => 201"
}

#[test]
fn a_deployment_that_may_be_large_is_listed_in_sixteen_parts() {
    let large = [SWARM[0], SWARM[1], ("max_targets", "2001")];
    let row = r#"
        list part of services: none * 15; list part of services: 1 vouched;
        list part of tasks: none * 4; list part of tasks: running; list part of tasks: none * 11
        => 200 `1 targets` `state: Running` `node: Some("n")`"#;
    check(&large, "list", row);
}

transcripts! { &SWARM, "list":
    a_list_of_a_reap_that_is_too_long_is_asked_for_in_parts
        "reap > list services: too long; list part of services: none * 16; list tasks: none;
         list secrets: too long; list part of secrets: none * 16 => 200 ` of 0;` `notes []`
         // Four digits are the most, so a part that is still too long ends in a fault.
         list services: too long; list part of services: too long * 4
         => 502 `longer than 10 MiB`"

    the_end_of_a_forgotten_target_is_not_asked_for
        "list services: 1 vouched; list tasks: none
         => 200 `1 targets` `state: Ended` `exit_code: None`"

    targets_are_told_by_the_ids_of_their_nodes_also_while_the_nodes_are_not_told
        r#"list services: 1 vouched; list tasks: running => 200 `1 targets` `node: Some("n")`
           show > SEEN => 200 `node: Some("n")`
           page > list services: 1 vouched; list tasks: running; list nodes: 500 m * 3
           => 200 `1 targets` `node: Some("n")` `nodes known: false`"#
}

transcripts! { &SWARM, "health":
    // A new leader does not know its nodes for a moment. An older worker does not matter
    // for the note. A manager handles the services of targets that run on workers.
    health_asks_for_a_node_and_the_network
        "list nodes: manager + manager + worker; ON_NETWORK => 200 `0 notes`
         list nodes: manager + worker (unknown | disconnected); ON_NETWORK => 200 `0 notes`
         list nodes: manager + worker + worker drain 24.0.9; ON_NETWORK => 200 `0 notes`
         list nodes: manager 28.5.2 + manager + worker; ON_NETWORK
         => 200 `1 notes` `26.1.5, 28.5.2`
         list nodes: (manager | worker drain | worker pause | worker drain unknown | worker down)
         => no_nodes `unhealthy`
         list nodes: (worker 24.0.9 | manager + manager 24.0.9 + worker) => node_too_old `unhealthy`
         list nodes: 503 rpc error: The swarm does not have a leader * 3 => no_leader `unhealthy`"
}
