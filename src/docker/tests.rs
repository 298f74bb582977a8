//! What each call reads from replies, in rows: a status, a body or the Engine's message,
//! and how the outcome begins.

use std::fmt::Debug;
use std::time::Duration;

use serde_json::{Value, json};

use super::call::Call;
use super::part::Part;
use super::reply::tests::reply;
use super::swarm::service::tests::{ID as SERVICE, id as service_id, shown};
use super::swarm::versioned::{self, Versioned};
use super::swarm::{node, secret, service, task};
use super::target::tests::id;
use super::{DeploymentId, Secret, label, list, network, query_encoded, stop, volume};

type Row<'a> = (u16, &'a str, &'a str);

/// The replies of other servers, which are a fault for every call.
const FOREIGN: [Row; 5] = [
    (200, "<html>", "Err"),
    (302, "", "Err"),
    (404, "<html>", "Err"),
    (404, r#"{"error":"x"}"#, "Err"),
    (409, "<html>", "Err"),
];

#[track_caller]
fn check<T: Debug>(call: &Call<T>, rows: &[Row]) {
    for (status, body, expected) in rows.iter().chain(&FOREIGN) {
        let message = json!({"message": body}).to_string();
        let is_whole = body.is_empty() || body.starts_with(['{', '[', '<']);
        let body = if is_whole { body } else { &*message };
        let outcome = format!("{:?}", call.read(&reply(*status, body)));
        assert!(outcome.starts_with(expected), "{status} {body}: {outcome}");
    }
}

/// Checks that these bodies are no lists.
#[track_caller]
fn check_no_list<T: Debug>(call: &Call<T>, bodies: &[&str]) {
    for body in ["", "{}", "[{}]"].iter().chain(bodies) {
        check(call, &[(200, body, "Err")]);
    }
    check(call, &[(404, "m", "Err(ListFailed"), (500, "m", "Err")]);
}

fn deployment() -> DeploymentId {
    DeploymentId::parse("da").expect("an id")
}

#[test]
fn a_query_carries_nothing_that_a_parser_takes_apart() {
    assert_eq!(
        query_encoded(r#"{"name":["^/a.b$"]}&x=%+é"#),
        "%7B%22name%22%3A%5B%22%5E%2Fa.b%24%22%5D%7D%26x%3D%25%2B%C3%A9"
    );
}

#[test]
fn what_does_not_run_has_stopped() {
    let call = stop::stop(&id(), Duration::from_secs(15));
    assert!(call.request.uri().to_string().ends_with("/stop?t=15"));
    check(
        &call,
        &[(204, "", "Ok"), (304, "", "Ok"), (404, "No such", "Ok")],
    );
    check(
        &call,
        &[(200, "", "Err"), (409, "m", "Err"), (500, "", "Err")],
    );
}

#[test]
fn a_network_is_there_if_one_has_the_whole_name() {
    let (there, absent) = ("Ok(Some", "Ok(None)");
    for (name, listed, outcome) in [
        ("n", &["n"][..], there),
        ("n", &["dynamic", "n", "n-node"], there),
        ("n", &[], absent),
        // An id is not a name either.
        ("n", &["nn", "n-node", "N", "/n", "bridge"], absent),
        // A start would say that it is ambiguous.
        ("n", &["n", "n"], "Err"),
        // Podman's default network.
        ("podman", &["bridge"], there),
        ("bridge", &["bridge"], there),
        ("bridge", &[], there),
        ("pod", &["bridge"], absent),
    ] {
        let networks = listed.iter().map(|name| json!({"Id": "n", "Name": name}));
        let body = Value::from_iter(networks).to_string();
        check(&network::find(name), &[(200, &body, outcome)]);
    }
    check_no_list(&network::find("n"), &[r#"{"Name":"n"}"#, r#"[{"Id":"n"}]"#]);
}

#[test]
fn a_network_isolates_if_the_engine_has_taken_the_option() {
    const OPTION: &str = "com.docker.network.bridge.enable_icc";
    for (options, isolates) in [
        (json!({OPTION: "false"}), true),
        (json!({OPTION: "0"}), true),
        (json!({OPTION: "true"}), false),
        (json!({OPTION: ""}), false),
        (json!({OPTION: false}), false),
        (json!({"isolate": "true"}), false),
    ] {
        let body = json!([{"Name": "n", "Options": options}]).to_string();
        let outcome = format!("Ok(Some(Network {{ isolates: {isolates} }}))");
        check(&network::find("n"), &[(200, &body, &outcome)]);
    }
}

#[test]
fn a_create_of_a_service_tells_failures_that_can_be_mended_from_others() {
    let made = json!({"ID": SERVICE, "Warnings": null}).to_string();
    let created = format!(r#"Ok(Created {{ id: TargetId("{SERVICE}")"#);
    check(
        &service::create(&Value::Null, None),
        &[
            (201, &made, &created),
            (409, "name conflicts", r#"Ok(NameTaken("name conflicts"))"#),
            (404, "network n not found", r#"Ok(NoSuchNetwork("n"))"#),
            (201, "{}", "Err"),
            (201, r#"{"ID":"short"}"#, "Err"),
            (400, "invalid", "Err"),
        ],
    );
}

#[test]
fn a_delete_of_a_service_tells_whether_it_was_there() {
    let gone = (404, "service x not found", "Ok(false)");
    let call = service::delete(&service_id());
    check(&call, &[(200, "", "Ok(true)"), gone, (500, "", "Err")]);
}

#[test]
fn a_list_without_an_id_or_a_time_is_a_fault() {
    let short = r#"[{"Id":"0123","State":"running","Created":0}]"#;
    check_no_list(&list::find_by_id(&id()), &[short]);
    check_no_list(&volume::list(&deployment()), &["[]", r#"{"Volumes":{}}"#]);
    let part = &Part::whole();
    check_no_list(&service::of_deployment(&deployment(), part), &[]);
    check_no_list(&node::list(), &[]);
    let task = |created: &str, service: &str| {
        let task = json!({
            "CreatedAt": created, "ServiceID": service,
            "Spec": {}, "Status": {"State": "new"},
        });
        json!([task]).to_string()
    };
    let (without_time, without_service) = (task("", SERVICE), task("2026-11-23T01:00:00Z", "x"));
    let bodies = [&*without_time, &without_service];
    check_no_list(&task::of_name("da-1"), &bodies);
    let without_time = r#"[{"ID":"s","CreatedAt":"","Spec":{"Name":"n"}}]"#;
    check_no_list(&secret::of_attempt("a"), &[without_time]);
}

#[test]
fn a_later_version_is_told_from_other_failures() {
    let found = versioned::inspect(&service_id()).read(&reply(200, &shown().to_string()));
    let found: Versioned = found.expect("a service").expect("it is there");
    let late = "rpc error: code = Unknown desc = update out of sequence";
    check(
        &found.fence(),
        &[
            (200, r#"{"Warnings":null}"#, "Ok(Done)"),
            (500, late, "Ok(OutOfSequence)"),
            (404, "service x not found", "Ok(Gone)"),
            (500, "m", "Err"),
        ],
    );
}

#[test]
fn a_service_that_no_update_can_change_is_nonsense_and_so_is_another() {
    let call = versioned::inspect(&service_id());
    // serde also reads a struct from a list of its members.
    let spec = &shown()["Spec"];
    let members = ["Name", "Labels", "TaskTemplate", "Mode"].map(|name| &spec[name]);
    for (path, value) in [
        ("/Spec", json!(members)),
        ("/Spec/TaskTemplate", json!([{"Image": "agent"}])),
        ("/Spec/TaskTemplate/ContainerSpec", json!(["agent"])),
        ("/Spec/TaskTemplate/Placement", json!("n")),
        ("/ID", json!("1123456789abcdefghijklmno")),
    ] {
        let mut body = shown();
        body["Spec"]["TaskTemplate"]["Placement"] = json!({});
        *body.pointer_mut(path).expect(path) = value;
        check(&call, &[(200, &body.to_string(), "Err(Nonsense(")]);
    }
    check(&call, &[(404, "service x not found", "Ok(None)")]);
}

#[test]
fn a_secret_is_sent_in_base64() {
    let labels = [(label::ATTEMPT, "a")];
    let call = secret::create("da-a-0", &labels, &Secret::new("planted"));
    let body: Value = serde_json::from_slice(call.request.body()).expect("JSON");
    let labels = json!({"dynamic-access.attempt": "a"});
    let expected = json!({"Name": "da-a-0", "Labels": labels, "Data": "cGxhbnRlZA=="});
    assert_eq!(body, expected);
    check(
        &call,
        &[
            (201, r#"{"ID":"s"}"#, r#"Ok(Id("s"))"#),
            (409, "already exists", "Ok(NameTaken)"),
            (201, "{}", "Err"),
            (400, "m", "Err"),
        ],
    );
}

#[test]
fn a_secret_in_use_is_not_deleted() {
    let call = secret::delete("s/../t");
    assert_eq!(call.request.uri().to_string(), "/secrets/s%2F..%2Ft");
    let gone = (404, "secret s not found", "Ok");
    let used = "secret 's' is in use by the following service: x";
    check(&call, &[(204, "", "Ok"), gone, (400, used, "Err")]);
}
