//! Repeated starts on a Swarm.

use crate::replies::SWARM;
use crate::rows::transcripts;

transcripts! { &SWARM, "start":
    a_repeated_start_finds_its_target_although_a_new_one_would_be_refused
        "create service: 404 network targets not found;
         find service by name: 1; LOOKED: running; SEEN; VOUCHED => 200
         [service_urls=https://other]
         find service by name: 1; LOOKED: running; SEEN; VOUCHED => 200
         create service: 404 network targets not found;
         find service by name: none; LOOKED: none => no_such_network"

    // Whether somebody has vouched for it or not: a fence that has happened meanwhile
    // makes the update fail. In the last, it is a target of an earlier version.
    a_repeated_start_vouches_for_what_runs
        "REPEATED; THEIRS: (1 | 1 vouched); update => 200
         REPEATED; THEIRS: 1 vouched /Spec/Labels/dynamic-access.template=null; update => 200
         REPEATED; THEIRS: 1 vouched;
         update: 503 rpc error: The swarm does not have a leader => no_leader"

    repeated_starts_that_meet_each_vouch_for_it
        "REPEATED; THEIRS: 1 vouched; STALE; THEIRS: 1 vouched; STALE;
         THEIRS: 1 vouched; update => 200"
}
