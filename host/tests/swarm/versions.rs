//! A Swarm whose managers have two versions. The older one drops an option of a service that it
//! does not know, `NoNewPrivileges`.

use std::collections::BTreeSet;

use test_support::prelude::*;

use crate::nodes::{Swarm, must};
use crate::stage::{AGREED_BOUND, Stage, stop_in_the_end};

/// The option of a service that the older manager does not know.
const OPTION: &str = "/Spec/TaskTemplate/ContainerSpec/Privileges/NoNewPrivileges";

#[test]
fn an_older_manager_ends_and_doubles_no_target() {
    let _alone = crate::alone();
    let swarm = Swarm::start(true);
    let stage = Stage::new(&swarm).only_on(1);
    let newer = stage.server(1);
    let tokens = [unique("token"), unique("token")];
    let ids = [0, 1].map(|number| newer.start_target(&tokens[number]).unique_id());
    // The second has no vouch.
    forget_the_vouch(&stage, &ids[1]);
    let running = running(&stage);
    assert_eq!(running.len(), 2 * ids.len());
    let older = must(swarm.join_own());
    let version = swarm.node(older).version();
    assert!(
        version.starts_with("20."),
        "this machine's own Docker is to be that of Debian 12: {version}"
    );
    check_differs_in_one_option(&stage, older, &ids[0]);
    let servers = [newer, stage.server(older)];
    for server in &servers {
        for token in &tokens {
            check_refused(server, token);
        }
        check_refused(server, &unique("token"));
        server.check_code(&server.health(), 503, "node_too_old");
    }
    assert_eq!(self::running(&stage), running);
    // The refused start is withdrawn at once.
    assert_eq!(stage.list("services").len(), 2);
    for (server, id) in servers.iter().rev().zip(&ids) {
        stop_in_the_end(server, id);
    }
    stage.check_nothing_is_left();
}

/// Checks that a start is refused because of the older manager.
#[track_caller]
fn check_refused(server: &Server, token: &str) {
    let answer = server.start_target(token);
    let line = server.line_about(&answer);
    let code = line["code"].as_str().unwrap_or_default();
    let expected = [(500, "node_too_old"), (503, "managers_differ")];
    assert!(expected.contains(&(answer.status, code)), "{line}");
}

/// The tasks that live and the containers on the first node.
fn running(stage: &Stage<'_>) -> BTreeSet<String> {
    let tasks = stage.live_tasks().into_iter();
    let tasks = tasks.map(|task| task["ID"].as_str().expect("an id").to_owned());
    tasks.chain(stage.containers(1)).collect()
}

/// Takes back the vouch for a target.
fn forget_the_vouch(stage: &Stage<'_>, id: &str) {
    let (node, path) = (stage.swarm.node(1), format!("/services/{id}"));
    let found = node.call("GET", &path, None).json();
    let mut spec = found["Spec"].clone();
    spec["Labels"]["dynamic-access.vouched"] = "false".into();
    let update = format!("{path}/update?version={}", found["Version"]["Index"]);
    node.call("POST", &update, Some(spec)).check(200);
}

/// Checks that both managers show the same except for one option. A digest is then the same through
/// managers of two versions that know all options.
fn check_differs_in_one_option(stage: &Stage<'_>, older: u8, id: &str) {
    let [mut newer, older] = [1, older].map(|node| {
        let path = format!("/services/{id}");
        wait_within(AGREED_BOUND, "a service", || {
            let found = stage.swarm.node(node).try_call("GET", &path)?;
            (found.status == 200).then(|| found.json())
        })
    });
    assert_eq!(newer.pointer(OPTION), Some(&json!(true)));
    assert_eq!(older.pointer(OPTION), None);
    let option = OPTION.rsplit_once('/').expect("a path");
    let privileges = newer.pointer_mut(option.0).and_then(Value::as_object_mut);
    privileges.expect("privileges").remove(option.1);
    assert_eq!(told(&newer["Spec"]), told(&older["Spec"]));
}

/// A specification without empty members.
fn told(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| (name.clone(), told(value)));
            let is_told = |(_, value): &(_, Value)| *value != json!({}) && !value.is_null();
            members.filter(is_told).collect()
        }
        Value::Array(entries) => entries.iter().map(told).collect(),
        other => other.clone(),
    }
}
