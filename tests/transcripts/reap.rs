//! `/reap`, and the reaping after an answer.

use crate::rows::{check, transcripts};

transcripts! { &[], "reap":
    only_what_has_outlived_its_lifetime_is_removed_by_force
        r#"list all: created + running + exited
               + created age=95661 + exited age=95661 + running age=95395661;
           list volumes; inspect: exited 3 00:01:01; remove; remove by force; remove;
           list volumes
           => 200 `3 removed, 0 failed, 0 left, 0 left over of 6;` `notes []`
           `"code":"ended"` `"code":"never_started"`
           `"exit_code":3} {"request":"id","event":"target.reap","outcome":"success","code":"expired"`"#

    what_has_just_ended_or_cannot_be_inspected_stays
        "list all: exited age=95661;
         inspect: (exited 3 00:55:01 | 404 No such container | 500 m * 3 | 200 {} * 3 | lost * 3);
         list volumes => 200 `0 removed, 0 failed, 0 left, 0 left over of 1;` `notes []`"
}

transcripts! { &[], "reap after an answer":
    what_another_replica_takes_is_no_failure_and_a_failure_is_told
        r#"list all: created age=95661; remove: (409 removal is already in progress |
           500 cannot remove container x as it is running); list volumes
           => 200 `0 removed, 0 failed, 0 left, 0 left over of 1; events [], notes []`
           list all: created age=95661; remove: 500 busy; list volumes
           => 200 `0 removed, 1 failed, 0 left, 0 left over of 1;` `notes []`
           `"code":"never_started"` `"error":"500 Internal Server Error: busy"`"#

    what_was_gone_before_takes_no_place_and_is_no_event
        r#"list all: created age=95661 + created age=95661 + created age=95661
               + created age=95661 + created age=95661;
           remove: 404 No such container * 4; remove; list volumes
           => 200 `1 removed, 0 failed, 0 left, 0 left over of 5;` `notes []`
           `"code":"never_started"`"#

    an_expiry_whose_removal_has_failed_half_way_stays_one
        r#"list all: dead age=95395661; list volumes; remove by force; list volumes
           => 200 `1 removed, 0 failed, 0 left, 0 left over of 1;` `notes []`
           `"code":"expired"`"#
}

/// A removal that hangs takes a second, and leaves time for the others.
#[test]
fn a_tail_removes_four_at_most_and_tries_sixteen() {
    let old = |state, count| vec![format!("{state} age=95661"); count].join(" + ");
    let (few, many, ended) = (old("created", 6), old("created", 17), old("exited", 17));
    let rows = format!(
        "list all: {few}; remove * 4; list volumes => 200 `4 removed, 0 failed, 2 left,`
         `notes [\"left for the next reap: 2\"]`
         list all: {many}; remove: (500 busy | hangs) * 16; list volumes
         => 200 `0 removed, 16 failed, 1 left,` `notes [\"left for the next reap: 1\"]`
         list all: {ended}; inspect: exited 3 00:55:01 * 16; list volumes
         => 200 `0 removed, 0 failed, 1 left,` `notes [\"left for the next reap: 1\"]`"
    );
    check(&[], "reap after an answer", &rows);
}
