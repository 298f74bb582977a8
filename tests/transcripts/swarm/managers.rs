//! Starts through managers that are older than the others and drop an option.

use super::*;

/// A target as a manager shows it that does not know `option`.
fn through_an_older_manager(option: &str) -> Steps {
    let mut service = service(1, &["vouched"]);
    let (object, member) = option.rsplit_once('/').expect("a path");
    let object = service["Spec"]["TaskTemplate"].pointer_mut(object);
    let object = object.expect("an object").as_object_mut();
    object.expect("members").remove(member).expect("an option");
    call("look up service", of_another(service))
}

#[test]
fn a_repeated_start_changes_nothing_through_a_manager_that_leaves_something_out() {
    for option in [
        "/ContainerSpec/Privileges",
        "/ContainerSpec/Init",
        "/Resources/Limits/Pids",
    ] {
        let steps = found() + seen_running() + through_an_older_manager(option);
        assert_eq!(check_refused(steps, "managers_differ").status(), 503);
    }
    // The next call may go to another manager.
    let older = call("list nodes", managers(["26.1.5", "20.10.24", "26.1.5"]));
    let looked_up = call("look up service", of_another(service(1, &["vouched"])));
    check_refused(found() + seen_running() + looked_up + older, "node_too_old");
}

#[test]
fn a_start_on_managers_that_leave_something_out_is_withdrawn_before_its_task_is_made() {
    let mut without_limits = service(0, &[]);
    without_limits["Spec"]["TaskTemplate"]["Resources"]["Limits"] = json!({});
    let looked_up = call("look up service", shows(without_limits));
    let steps = until_secret() + looked_up + cleaned_up(0, &none());
    let error = check_refused(steps, "managers_differ").to_string();
    assert!(
        error.contains("Resources.Limits.NanoCPUs")
            || error.contains("Resources.Limits.MemoryBytes"),
        "{error}"
    );
    let older = call("list nodes", managers(["26.1.5", "26.1.5", "24.0.9"]));
    let looked_up = call("look up service", shown(0, &[]));
    let steps = until_secret() + looked_up + older + cleaned_up(0, &none());
    check_refused(steps, "node_too_old");
}
