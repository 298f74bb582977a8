//! Starts through managers that are older than the others and drop an option.

use super::*;

#[test]
fn a_repeated_start_changes_nothing_through_a_manager_that_leaves_something_out() {
    for option in [
        "/ContainerSpec/Privileges",
        "/ContainerSpec/Init",
        "/Resources/Limits/Pids",
    ] {
        let mut service = service("1 vouched attempt=theirs");
        let (object, member) = option.rsplit_once('/').expect("a path");
        let object = service["Spec"]["TaskTemplate"].pointer_mut(object);
        let object = object.expect("an object").as_object_mut();
        object.expect("members").remove(member).expect("an option");
        let looked_up = call("look up service", shows(service));
        let steps = steps(FOUND) + SEEN_RUNNING + looked_up;
        assert_eq!(check_refused(steps, "managers_differ").status(), 503);
    }
    // The next call may go to another manager.
    let older = call("list nodes", managers(["26.1.5", "20.10.24", "26.1.5"]));
    let looked_up = "look up service: 1 vouched attempt=theirs";
    let steps = steps(FOUND) + SEEN_RUNNING + looked_up + older;
    check_refused(steps, "node_too_old");
}

#[test]
fn a_start_on_managers_that_leave_something_out_is_withdrawn_before_its_task_is_made() {
    let mut without_limits = service("0");
    without_limits["Spec"]["TaskTemplate"]["Resources"]["Limits"] = json!({});
    let looked_up = call("look up service", shows(without_limits));
    let begun = steps(UNTIL_SECRET) + looked_up + cleaned_up(0, "none");
    let error = check_refused(begun, "managers_differ").to_string();
    assert!(
        error.contains("Resources.Limits.NanoCPUs")
            || error.contains("Resources.Limits.MemoryBytes"),
        "{error}"
    );
    let older = call("list nodes", managers(["26.1.5", "26.1.5", "24.0.9"]));
    let looked_up = steps(UNTIL_SECRET) + "look up service: 0" + older;
    check_refused(looked_up + cleaned_up(0, "none"), "node_too_old");
}
