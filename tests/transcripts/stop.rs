//! `/stop`.

use crate::rows::transcripts;

transcripts! { &[], "stop":
    a_grace_is_granted_once_and_only_to_what_runs
        "[stop_grace=3s] list by id: running; stop: 500 cannot stop; remove by force: lost;
         list by id: running; remove by force => 200
         [stop_grace=3s] list by id: exited; remove by force => 200"

    a_stop_is_two_calls_and_one_when_there_is_nothing
        "list by id: running; remove by force => 200
         list by id: none => 200"

    a_removal_that_is_unclear_is_settled_by_a_look
        "list by id: running; remove by force: (lost | 500 m | 409 removal is in progress);
         list by id: none => 200"

    a_stop_gives_up_after_three_failures
        "list by id: unreachable; list by id: lost; list by id: unreachable => 503"

    a_list_that_answers_more_than_was_asked_is_not_taken_at_its_word
        r#"list by id: other running /Names=["/another"] + running; remove by force => 200
           list by id: other running /Names=["/another"] => 200"#

    the_other_backends_ids_are_refused
        "stop 0123456789abcdefghijklmno > => not_ours `target 0123456789ab`
         show 0123456789abcdefghijklmno > => no_such_target"
}
