//! The waits of `/v1/targets`. Only the last look makes the list of renewals, if it has
//! found the target.

use crate::rows::transcripts;

transcripts! { &[], "wait 20s until ready":
    a_wait_looks_once_a_second_until_the_target_is_ready
        "list by id: starting; list by id: unhealthy; list by id: healthy; list volumes
         => 200 `ready: Some(true)` `exit_code: None` `after 2s`
         list by id: healthy; list volumes
         => 200 `ready: Some(true)` `exit_code: None` `after 0ns`
         list by id: running; list volumes => 200 `ready: None` `exit_code: None` `after 0ns`
         list by id: created; list by id: running; list volumes
         => 200 `ready: None` `exit_code: None` `after 1s`"

    a_wait_tells_the_target_as_it_is_when_the_time_is_up
        "list by id: starting * 21; list volumes
         => 200 `ready: Some(false)` `exit_code: None` `after 20s`
         wait 1s until ready > list by id: starting * 2; list volumes
         => 200 `ready: Some(false)` `exit_code: None` `after 1s`"

    a_look_that_fails_is_repeated_until_the_time_is_up
        "list by id: starting; list by id: 400 planted * 2; list by id: healthy; list volumes
         => 200 `ready: Some(true)` `exit_code: None` `after 3s`
         wait 3s until ended > list by id: starting; list by id: 400 planted * 3
         => 500 `after 3s`"

    one_that_has_ended_or_is_gone_is_not_waited_for
        "wait 20s until (ready | ended) > list by id: starting; list by id: none
         => 404 `after 1s`
         wait 20s until (ready | ended) > list by id: running deployment=other
         => 404 `after 0ns`
         list by id: starting; list by id: exited; list volumes; inspect: exited 7
         => 200 `exit_code: Some(7)` `after 1s`"

    a_wait_for_the_end_tells_the_exit_code
        "wait 20s until ended > list by id: running; list by id: exited; list volumes;
         inspect: exited 7 => 200 `exit_code: Some(7)` `after 1s`"

    the_last_look_ends_by_the_time_of_the_answer
        "wait 20s until ended > list by id: hangs * 5 => 504 `after 25s`"
}

transcripts! { &[], "start and wait":
    a_start_that_waits_is_a_success_whatever_comes_of_the_wait
        r#"STARTED; inspect: running /State/Health={"Status":"healthy"}
           => 200 `state: Running` `ready: Some(true)`
           STARTED; inspect: running /State/Health={"Status":"none"}
           => 200 `state: Running` `ready: None`
           STARTED_UNREADY; list by id: healthy; list volumes
           => 200 `state: Running` `ready: Some(true)`
           STARTED_UNREADY; list by id: starting * 21; list volumes
           => 200 `state: Running` `ready: Some(false)`
           STARTED_UNREADY; list by id: starting; list by id: none
           => 200 `state: Ended` `ready: None`
           STARTED_UNREADY; list by id: hangs * 5 => 200 `state: Running` `ready: Some(false)`"#
}
