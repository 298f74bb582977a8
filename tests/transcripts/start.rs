//! `/start`.

use crate::rows::transcripts;

transcripts! { &[], "start":
    a_start_is_five_calls
        "STARTED; inspect => 201
         // It runs already.
         WRITTEN; start: 304; inspect => 201"

    a_create_whose_answer_is_lost_is_found_by_its_name
        "create: (lost | 201 <html> | 201 {\"Id\":\"short\"} | 500 m); list by name: created;
         list all: created; archive; start; inspect => 201"

    a_create_that_was_lost_on_its_way_is_sent_again
        "create: lost; list by name: none; STARTED; inspect => 201"

    a_create_that_was_not_sent_is_not_looked_for
        "create: unreachable => 503"

    a_create_is_sent_three_times_at_most
        "create: lost; list by name: none; create: lost; list by name: none;
         create: lost; list by name: none => 502"

    an_abandoned_container_is_removed_without_force_and_made_anew
        "TAKEN; list by name: (created attempt=theirs age=61 | dead); remove;
         list by name: none; STARTED; inspect => 201"

    a_name_that_cannot_be_used_is_told_why
        "TAKEN; list by name: exited; inspect: exited 127 => 409
         TAKEN; list by name: running (service-url=https://other | environment-id=other) => 422
         // The same id in another case is the same payload.
         TAKEN; list by name: running environment-id=E; inspect; stats: 3 => 200
         TAKEN; list by name: running (deployment=other | name=other) => 500"

    a_look_that_fails_is_made_three_times
        "create; list all: (lost | unreachable | 500 m | hangs) * 2; list all: none;
         archive; start; inspect => 201
         // Docker's containerd store says 404 while an image is broken.
         create; list all: 404 content digest sha256:0123: not found * 2; list all: none;
         archive; start; inspect => 201
         create; list all: (lost | 404 content digest sha256:0123: not found) * 3;
         CLEANED => 502
         // The Engine refuses the same call again.
         create; list all: 400 invalid filter; CLEANED => 500"

    a_list_that_is_too_long_is_asked_for_in_parts
        "// One part of them is too long itself.
         create; list all: too long; list part: none * 15; list part: too long;
         list part: none * 15; list part: created; archive; start; inspect => 201
         // Four digits are the most.
         create; list all: too long; list part: too long * 4; CLEANED
         => 502 `call list` `10 MiB` `labels of its image` `max_targets` not `docker_url`"

    a_list_that_answers_more_than_was_asked_is_not_taken_at_its_word
        "TAKEN; list by name: other running /Names=[\"/another\"] + running age=9999;
         inspect => 200"

    a_start_that_fails_is_cleaned_up_without_force
        "WRITTEN; start: (400 no such file | 404 network not found); CLEANED => 500
         WRITTEN; start: (500 OCI runtime create failed | lost); CLEANED => 502
         WRITTEN; start: hangs; CLEANED => 504"

    a_start_whose_answer_is_lost_may_have_succeeded
        "WRITTEN; start: lost; list by id: running; inspect => 201
         WRITTEN; start: lost; list by id: created; remove: 409 container is running;
         list by id: running; inspect => 201
         WRITTEN; start: lost; list by id: exited; inspect: exited 127 => 409"

    a_target_that_ends_at_once_is_no_success
        "(STARTED | WRITTEN; start: lost; list by id: running); inspect: exited 127
         => 409 `exit code 127`
         TAKEN; list by name: running; (inspect; stats: 0; inspect | inspect): exited 127
         => 409 `exit code 127`
         (STARTED | WRITTEN; start: lost; list by id: running);
         inspect: (404 No such container | removing | dead) => 409
         TAKEN; list by name: running; (inspect; stats: 0; inspect | inspect):
         (404 No such container | removing | dead) => 409
         // Nobody knows whether it runs.
         (STARTED | WRITTEN; start: lost; list by id: running); inspect: lost * 3 => 502
         TAKEN; list by name: running; (inspect; stats: 0; inspect | inspect): lost * 3 => 502
         // One lost look is repeated.
         (STARTED | WRITTEN; start: lost; list by id: running); inspect: lost; inspect => 201
         TAKEN; list by name: running; inspect; stats: 0; inspect: lost; inspect => 200"

    a_container_that_a_late_look_shows_is_removed_too
        "create: lost; list by name: lost * 3; list by name: created; CLEANED => 502
         create: lost; list by name: lost * 3;
         list by name: created (attempt=theirs | deployment=other) => 502"

    an_engine_whose_containerd_is_down_is_not_taken_for_a_swarm_without_a_leader
        "create: 500 rpc error: code = Unavailable desc = connection error: refused;
         list by name: none => 502 `the Engine failed`
         create: 500 failed to create shim task: context deadline exceeded;
         list by name: none => 502 `the Engine failed`"

    a_limit_of_none_refuses_new_targets_and_keeps_those_that_run
        r#"[max_targets=0] COUNTED; CLEANED => 429
           [max_targets=0] TAKEN; FOUND => 200
           [environments={"e":{"max_targets":0}}] COUNTED; CLEANED => 429
           [environments={"e":{"max_targets":0}}] TAKEN; FOUND => 200"#

    an_environments_own_limit_counts_its_targets_alone
        r#"[max_targets=5, environments={"e":{"max_targets":1}}]
           create; list all: created + other running environment-id=another;
           archive; start; inspect => 201
           [max_targets=5, environments={"e":{"max_targets":1}}]
           create; list all: created + other running environment-id=(e | E); CLEANED => 429"#

    a_token_that_cannot_be_delivered_ends_the_start
        r#"COUNTED; archive: 400 container rootfs is marked read-only; CLEANED => 500
           COUNTED; archive: (500 no space left on device | lost); CLEANED => 502
           // Only an empty 200 is an Engine's.
           COUNTED; archive: (204 | 302 | 200 <html> | 404 <html> | 404 {"error":"x"} | 409 <html>);
           CLEANED => 502
           COUNTED; archive: hangs; CLEANED => 504"#

    a_token_in_the_environment_needs_no_call_of_its_own
        "[token_delivery=env] COUNTED; start; inspect => 201"

    a_container_that_is_pruned_before_it_runs_is_made_again
        "COUNTED; GONE: archive; WRITTEN; GONE: start; STARTED; inspect => 201
         WRITTEN; GONE: start; WRITTEN; GONE: start; WRITTEN; GONE: start => 503"

    a_missing_network_is_told_with_the_command_that_creates_it
        "create: (404 | 500) unable to find network with name or ID dynamic-access:
         network not found; list by name: none
         => 500 `docker network create --opt com.docker.network.bridge.enable_icc=false dynamic`
         WRITTEN; start: (404 | 500) network dynamic-access not found; CLEANED
         => 500 `docker network create --opt com.docker.network.bridge.enable_icc=false dynamic`"

    of_several_networks_the_missing_one_is_told
        r#"[container_patch={"NetworkingConfig":{"EndpointsConfig":{"second":{}}}}]
           WRITTEN; start: 404 network second not found; CLEANED
           => 500 `the Engine has no network second;`
           [container_patch={"NetworkingConfig":{"EndpointsConfig":{"second":{}}}}]
           WRITTEN; start: 404 network fedcba98765432100123456789abcdef not found; CLEANED
           => 500 `the Engine has no network dynamic-access;`"#

    a_network_without_room_and_an_address_in_use_are_told_as_such
        "WRITTEN; start: 403 no available IPv4 addresses on this network's address pools: t (0123);
         CLEANED => 429
         WRITTEN; start: 500 adding interface veth1 to bridge br-0 failed: exchange full;
         CLEANED => 429
         WRITTEN; start: 403 Address already in use; CLEANED
         => 500 `Address already in use` not `proxy`"

    a_limit_that_would_not_hold_ends_the_start
        "create: warns Your kernel does not support memory limit capabilities or the cgroup is
         not mounted. Limitation discarded.; CLEANED => 500
         create: warns Your kernel does not support PIDs limit capabilities or the cgroup is
         not mounted. PIDs limit discarded.; CLEANED => 500
         create: warns Resource limits are not supported and ignored on cgroups V1 rootless systems;
         CLEANED => 500
         create: warns Your kernel does not support swap limit capabilities or the cgroup is
         not mounted. Memory limited without swap.;
         list all: none; archive; start; inspect
         => 201 `warnings [\"another\", \"Your kernel does not support swap`"

    an_image_is_not_pulled_for_a_target_that_has_no_place
        "[PULLING] NO_IMAGE; list all: other running; list by name: none => 429
         [max_targets=0, PULLING] TO_PULL; list by name: none => 429"

    an_image_that_is_not_there_is_pulled_once
        r#"[PULLING] TO_PULL; pull: 200 {"status":"Downloaded"}; STARTED; inspect => 201"#

    an_image_that_cannot_be_had_is_told_why
        r#"[PULLING] TO_PULL; pull: 500 unauthorized: authentication required;
           list by name: none => 500
           [PULLING] TO_PULL; pull: 200 {"error":"unexpected EOF"}; list by name: none => 502"#

    an_image_without_a_registry_is_never_pulled
        "[image_pull=missing, agent_image=team/agent] TO_PULL; list by name: none => 500"

    a_name_that_is_taken_is_waited_for_until_it_is_listed_or_free
        "UNLISTED * 19; UNKNOWN; FOUND => 200
         // In between, a list shows the container of another start, which has failed.
         UNLISTED; UNKNOWN; list by name: created attempt=theirs * 18; list by name: none;
         STARTED; inspect => 201
         UNLISTED * 19; STARTED; inspect => 201
         create: (404 | 500) name is not reserved; list by name: none; STARTED; inspect => 201"

    // A third and a tenth of the two seconds that the start of another request may have
    // taken.
    a_target_of_two_processes_is_inspected_early_and_any_other_after_the_whole_pause
        r#"TAKEN; list by name: running; inspect; stats: 2 => 200 `after 200ms`
           TAKEN; list by name: running; inspect; stats: (1 | 0 | 200 {} | 403 not allowed |
           200 {"pids_stats":{"current":-5}} | 404 {"pids_stats":{"current":3}}); inspect => 200 `after 736.`
           TAKEN; list by name: running; inspect; stats: hangs; inspect => 200 `after 736.`"#
}
