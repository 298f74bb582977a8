//! Starts through managers that are older than the others and drop an option.

use crate::replies::SWARM;
use crate::rows::transcripts;

transcripts! { &SWARM, "start":
    a_repeated_start_changes_nothing_through_a_manager_that_leaves_something_out
        "REPEATED; look up service: 1 vouched attempt=theirs
         (/Spec/TaskTemplate/ContainerSpec/Privileges | /Spec/TaskTemplate/ContainerSpec/Init |
         /Spec/TaskTemplate/Resources/Limits/Pids)=null
         => managers_differ
         // The next call may go to another manager.
         REPEATED; look up service: 1 vouched attempt=theirs;
         list nodes: manager + manager 20.10.24 + manager => node_too_old"

    a_start_on_managers_that_leave_something_out_is_withdrawn_before_its_task_is_made
        "WITH_SECRET; look up service: 0 /Spec/TaskTemplate/Resources/Limits={}; ENDED_UNSTARTED
         => managers_differ `Resources.Limits.`
         WITH_SECRET; look up service: 0; list nodes: manager + manager + manager 24.0.9;
         ENDED_UNSTARTED => node_too_old"
}
