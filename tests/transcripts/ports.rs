//! Targets with ports: their calls, and their endpoints.

use crate::replies::SWARM;
use crate::rows::transcripts;

transcripts! { &[("ports", r#"{"ssh":22}"#)], "start":
    a_start_with_ports_variables_an_owner_and_labels_makes_the_calls_of_one_without
        r#"[environments={"e":{"allow":["env"]}}, max_targets_per_owner=1]
           start {"environment":"e","secrets":{"a":"b"},"env":{"A":"b"},"owner":"ada","labels":{"course":"c1"}} >
           STARTED; inspect => 201"#

    a_port_that_is_taken_before_the_start_is_chosen_anew
        "PORT_TAKEN; STARTED; inspect => 201
         // After three of them, the caller gets a 503.
         PORT_TAKEN * 3 => 503"
}

transcripts! { &[], "list":
    a_list_of_an_engine_tells_the_endpoints
        r#"show > WITH_PORT: list by id; list volumes
           => 200 `endpoints ["ssh 127.0.0.1:40109/tcp"]` `address: Some("172.18.0.5")`
           WITH_PORT: list all; list volumes
           => 200 `1 targets` `endpoints ["ssh 127.0.0.1:40109/tcp"]`
           `address: Some("172.18.0.5")`"#
}

const ON_SWARM: &[(&str, &str)] = &[
    SWARM[0],
    SWARM[1],
    ("ports", r#"{"ssh":22}"#),
    ("publish_address", "0.0.0.0"),
];

transcripts! { ON_SWARM, "list":
    a_swarms_nodes_are_asked_only_where_they_are_the_answer
        r#"show > FOUND_WITH_PORT; NODE
           => 200 `endpoints ["ssh 192.0.2.21:40109/tcp"]` `address: None`
           [public_host=targets.example.com] show > FOUND_WITH_PORT
           => 200 `endpoints ["ssh targets.example.com:40109/tcp"]` `address: None`
           // Without published ports, there is no further call.
           [ports={}] show > find service: 1 vouched; LOOKED: running => 200 `endpoints []`"#

    a_target_is_shown_without_endpoints_while_its_node_is_not_known
        "LIST_WITH_PORT; list nodes: (none | 500 m * 3) => 200 `1 targets` `endpoints []`"

    the_page_tells_endpoints_with_the_list_of_nodes_that_it_shows
        r#"page > LIST_WITH_PORT; NODE
           => 200 `1 targets` `endpoints ["ssh 192.0.2.21:40109/tcp"]`"#
}
