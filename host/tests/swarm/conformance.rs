//! What a Swarm does, as far as the promises of a target could rest on it, seen on a real one.
//!
//! One table holds what a Swarm does; a difference fails the test.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use test_support::engine::{filtered, networks};
use test_support::http::Answer;
use test_support::wait::{wait_for, wait_within};

use crate::nodes::{NETWORK, Swarm};
use crate::stage::listing;

/// A node is called down after 12 to 20 seconds, and is listened to again within a minute.
const NODE_BOUND: Duration = Duration::from_secs(120);

/// A label of a service that each task of it is found by.
const KEY: &str = "conformance";

/// The observation, and what a Swarm does.
const READINGS: &[(&str, &str)] = &[
    ("create", "201"),
    ("id of a service", "25 of 0-9a-z"),
    (
        "create with a name in use, on another manager",
        "409 name conflicts",
    ),
    ("tasks of a service without replicas", "none"),
    ("secret create", "201"),
    ("secret create with a name in use", "409 already exists"),
    (
        "secret without data",
        "400 larger than 0 and less than 512000",
    ),
    ("secret of 511999 bytes", "201"),
    (
        "secret of 512000 bytes",
        "400 larger than 0 and less than 512000",
    ),
    ("secret in a list", "without data"),
    ("update with the version seen", "200"),
    (
        "update with a version used, on another manager",
        "500 update out of sequence",
    ),
    ("delete of a secret in use", "400 is in use"),
    ("update without a change", "another version"),
    (
        "version a moment after a create with a port",
        "another version",
    ),
    ("version while a task changes its state", "stays"),
    (
        "update of a label alone",
        "another version, same task, running",
    ),
    ("tasks by a label of the service at their start", "found"),
    ("tasks by a label that the service got later", "none"),
    ("tasks by a label of the container", "none"),
    ("tasks by the beginning of a label", "none"),
    ("labels in a task", "those of the container"),
    ("services by a label", "found"),
    ("services by two labels of theirs", "found"),
    ("services by a label of theirs and another", "none"),
    ("services by the beginning of a label", "none"),
    ("services by the beginning of the name", "found"),
    ("services by a label and the beginning of the name", "found"),
    (
        "tasks by a label and the beginning of their service's name",
        "found",
    ),
    ("secrets by a label and the beginning of the name", "found"),
    ("tasks by a label and the beginning of another name", "none"),
    ("Date", "an HTTP date"),
    ("CreatedAt", "RFC 3339, in UTC"),
    (
        "what arrives in a container",
        "limits, capabilities, init, log, no new privileges",
    ),
    ("ports in a task", "tcp 7070 on a free port"),
    ("ports in the service", "as sent"),
    ("address of a manager", "advertised, with its port"),
    ("its network", "on the targets' network, kept apart"),
    ("networks by the name", "found, without its containers"),
    ("fence", "200"),
    ("task behind a fence", "remove, then gone"),
    ("delete", "200"),
    ("get after delete", "404 not found"),
    ("delete again", "404 not found"),
    ("update after delete", "404 not found"),
    ("tasks by service after delete", "404 not found"),
    ("create with the name of a deleted one", "201"),
    ("tasks by label after delete", "remove, then gone"),
    ("task that ends with 7", "failed, exit code 7, alone"),
    ("task that ends with 0", "complete, exit code 0, alone"),
    ("image that no node has", "rejected: No such image"),
    ("limits above the room", "running"),
    ("reservations above the room", "pending: no suitable node"),
    (
        "task of a node that is cut off",
        "running, to be shutdown, alone",
    ),
    (
        "the same after its service is deleted",
        "running, to be remove",
    ),
    ("the same when the node is back", "gone"),
    ("list after the Engine was killed and restarted", "200"),
];

#[test]
fn a_swarm_does_what_is_read_into_its_api() {
    let _alone = crate::alone();
    let swarm = Swarm::start();
    let mut readings = Readings {
        swarm: &swarm,
        seen: BTreeMap::new(),
    };
    readings.life();
    readings.end();
    readings.failures();
    readings.cut_off();
    let seen = readings.seen;
    let differences: Vec<_> = READINGS
        .iter()
        .filter(|(what, expected)| seen.get(what).map(String::as_str) != Some(*expected))
        .map(|(what, expected)| (what, expected, seen.get(what)))
        .collect();
    assert!(differences.is_empty(), "{differences:#?}");
    assert_eq!(seen.len(), READINGS.len(), "{seen:#?}");
}

struct Readings<'a> {
    swarm: &'a Swarm,
    seen: BTreeMap<&'static str, String>,
}

impl Readings<'_> {
    fn saw(&mut self, what: &'static str, seen: impl Into<String>) {
        self.seen.insert(what, seen.into());
    }

    /// The status, with the part of the message that is expected if it is there.
    fn answered(&mut self, what: &'static str, answer: &Answer) {
        let expected = READINGS.iter().find(|reading| reading.0 == what);
        let part = expected.and_then(|reading| reading.1.split_once(' '));
        let seen = match part {
            Some((_, part)) if answer.body.contains(part) => format!("{} {part}", answer.status),
            _ if answer.status < 300 => answer.status.to_string(),
            _ => format!("{} {}", answer.status, answer.body),
        };
        self.saw(what, seen);
    }

    fn count(&mut self, what: &'static str, list: &[Value]) {
        let seen = if list.is_empty() { "none" } else { "found" };
        self.saw(what, seen);
    }

    fn call(&self, node: u8, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.swarm.node(node).call(method, path, body.cloned())
    }

    fn list(&self, what: &str, key: &str, value: &str) -> Vec<Value> {
        let answer = self.call(1, "GET", &listing(what, key, &[value]), None);
        answer.json().as_array().expect("a list").clone()
    }

    fn tasks(&self, name: &str) -> Vec<Value> {
        self.list("tasks", "label", &format!("{KEY}={name}"))
    }

    fn task(&self, name: &str, state: &str) -> Value {
        let what = format!("a task of {name} that is {state}");
        wait_for(&what, || {
            let tasks = self.tasks(name).into_iter();
            tasks
                .into_iter()
                .find(|task| task["Status"]["State"] == state)
        })
    }

    fn create(&self, body: &Value) -> String {
        let answer = self.call(1, "POST", "/services/create", Some(body));
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["ID"].as_str().expect("an id").to_owned()
    }

    fn delete(&self, id: &str) -> Answer {
        self.call(2, "DELETE", &format!("/services/{id}"), None)
    }

    fn version(&self, id: &str) -> u64 {
        let service = self.call(1, "GET", &format!("/services/{id}"), None).json();
        service["Version"]["Index"].as_u64().expect("a version")
    }

    fn update(&self, node: u8, id: &str, version: u64, body: &Value) -> Answer {
        let path = format!("/services/{id}/update?version={version}");
        self.call(node, "POST", &path, Some(body))
    }

    fn secret(&self, name: &str, size: usize) -> Answer {
        use base64::Engine as _;
        let data = base64::engine::general_purpose::STANDARD.encode(vec![b'x'; size]);
        let body = json!({"Name": name, "Labels": {KEY: "secret"}, "Data": data});
        self.call(1, "POST", "/secrets/create", Some(&body))
    }

    /// A service with the limits of a target.
    fn service(&self, name: &str, script: &str, replicas: u32) -> Value {
        json!({
            "Name": name,
            "Labels": {KEY: name},
            "TaskTemplate": {
                "ContainerSpec": {
                    "Image": self.swarm.image,
                    "Command": ["sh", "-c", script],
                    "Labels": {"of-container": name},
                    "Init": true,
                    "CapabilityDrop": ["ALL"],
                    "CapabilityAdd": ["CAP_KILL"],
                    "Privileges": {"NoNewPrivileges": true},
                },
                "Resources": {
                    "Limits": {"NanoCPUs": 500_000_000, "MemoryBytes": 64 << 20, "Pids": 64},
                },
                "RestartPolicy": {"Condition": "none"},
                "Networks": [{"Target": NETWORK}],
                "LogDriver": {"Name": "json-file", "Options": {"max-size": "1m"}},
            },
            "Mode": {"Replicated": {"Replicas": replicas}},
            "EndpointSpec": {"Mode": "dnsrr"},
        })
    }

    /// The desired state of a task that is on its way out, then its end.
    fn vanishes(&mut self, what: &'static str, name: &str) {
        let first = wait_for("a task on its way out", || {
            let tasks = self.tasks(name);
            let Some(task) = tasks.first() else {
                return Some("gone".to_owned());
            };
            let desired = task["DesiredState"].as_str()?;
            (desired != "running").then(|| desired.to_owned())
        });
        wait_for("no task", || self.tasks(name).is_empty().then_some(()));
        self.saw(what, format!("{first}, then gone"));
    }

    fn life(&mut self) {
        let mut idle = self.service("life", "sleep 600", 0);
        let port = json!({"Protocol": "tcp", "TargetPort": 7070, "PublishMode": "host"});
        idle["EndpointSpec"]["Ports"] = json!([port]);
        let created = self.call(2, "POST", "/services/create", Some(&idle));
        self.answered("create", &created);
        self.saw("Date", date(&created));
        let id = created.json()["ID"].as_str().expect("an id").to_owned();
        self.saw("id of a service", form(&id));
        self.allocated(&id);
        let again = self.call(3, "POST", "/services/create", Some(&idle));
        self.answered("create with a name in use, on another manager", &again);
        let tasks = self.tasks("life");
        self.count("tasks of a service without replicas", &tasks);
        let secret = self.secrets();
        let mut running = idle;
        running["Mode"]["Replicated"]["Replicas"] = json!(1);
        running["TaskTemplate"]["ContainerSpec"]["Secrets"] = json!([{
            "File": {"Name": "token", "UID": "0", "GID": "0", "Mode": 0o400},
            "SecretID": secret,
            "SecretName": "token",
        }]);
        let version = self.version(&id);
        let updated = self.update(1, &id, version, &running);
        self.answered("update with the version seen", &updated);
        let late = self.update(2, &id, version, &running);
        self.answered("update with a version used, on another manager", &late);
        let version = self.version(&id);
        let task = self.task("life", "running");
        let moved = changed(version, self.version(&id));
        self.saw("version while a task changes its state", moved);
        let in_use = self.call(1, "DELETE", &format!("/secrets/{secret}"), None);
        self.answered("delete of a secret in use", &in_use);
        self.updates(&id, &mut running, &task);
        self.lists(&task);
        self.container(&task);
        self.ports(&id, &running, &task);
        running["Mode"]["Replicated"]["Replicas"] = json!(0);
        let fenced = self.update(1, &id, self.version(&id), &running);
        self.answered("fence", &fenced);
        self.vanishes("task behind a fence", "life");
        self.delete(&id);
    }

    /// The first version of a service is that of its create.
    fn allocated(&mut self, id: &str) {
        let path = format!("/services/{id}");
        let is_later = || {
            let service = self.call(1, "GET", &path, None).json();
            (service["UpdatedAt"] != service["CreatedAt"]).then_some("another version")
        };
        let seen = wait_for("the allocation of its port", is_later);
        self.saw("version a moment after a create with a port", seen);
    }

    fn secrets(&mut self) -> String {
        let made = self.secret("token", 5);
        self.answered("secret create", &made);
        let again = self.secret("token", 5);
        self.answered("secret create with a name in use", &again);
        let empty = self.secret("empty", 0);
        self.answered("secret without data", &empty);
        let large = self.secret("large", 511_999);
        self.answered("secret of 511999 bytes", &large);
        let larger = self.secret("larger", 512_000);
        self.answered("secret of 512000 bytes", &larger);
        let listed = self.list("secrets", "label", &format!("{KEY}=secret"));
        let has_data = listed
            .iter()
            .any(|secret| secret["Spec"].get("Data").is_some());
        let seen = match (listed.len(), has_data) {
            (2, false) => "without data".to_owned(),
            other => format!("{other:?}"),
        };
        self.saw("secret in a list", seen);
        made.json()["ID"].as_str().expect("an id").to_owned()
    }

    fn updates(&mut self, id: &str, running: &mut Value, task: &Value) {
        let version = self.version(id);
        self.update(1, id, version, running);
        let moved = changed(version, self.version(id));
        self.saw("update without a change", moved);
        let version = self.version(id);
        running["Labels"]["later"] = json!("yes");
        self.update(1, id, version, running);
        let moved = changed(version, self.version(id));
        // A task that is replaced shows it at once: the next one is made in the same second.
        let deadline = Instant::now() + Duration::from_secs(3);
        let mut same = true;
        while same && Instant::now() < deadline {
            let tasks = self.tasks("life");
            same = matches!(&tasks[..], [only] if only["ID"] == task["ID"]
                && only["Status"]["State"] == "running" && only["DesiredState"] == "running");
            std::thread::sleep(Duration::from_millis(100));
        }
        let tasks = if same {
            "same task, running"
        } else {
            "other tasks"
        };
        self.saw("update of a label alone", format!("{moved}, {tasks}"));
    }

    fn lists(&mut self, task: &Value) {
        for (what, of, key, value) in [
            (
                "tasks by a label of the service at their start",
                "tasks",
                "label",
                "conformance=life",
            ),
            (
                "tasks by a label that the service got later",
                "tasks",
                "label",
                "later=yes",
            ),
            (
                "tasks by a label of the container",
                "tasks",
                "label",
                "of-container=life",
            ),
            (
                "tasks by the beginning of a label",
                "tasks",
                "label",
                "conformance=li",
            ),
            ("services by a label", "services", "label", "later=yes"),
            (
                "services by the beginning of a label",
                "services",
                "label",
                "later=ye",
            ),
            (
                "services by the beginning of the name",
                "services",
                "name",
                "li",
            ),
        ] {
            let list = self.list(of, key, value);
            self.count(what, &list);
        }
        for (what, label) in [
            ("services by two labels of theirs", "later=yes"),
            ("services by a label of theirs and another", "later=no"),
        ] {
            let path = listing("services", "label", &["conformance=life", label]);
            let list = self.call(1, "GET", &path, None).json();
            self.count(what, list.as_array().expect("a list"));
        }
        for (what, of, label, name) in [
            (
                "services by a label and the beginning of the name",
                "services",
                "conformance=life",
                "li",
            ),
            (
                "tasks by a label and the beginning of their service's name",
                "tasks",
                "conformance=life",
                "li",
            ),
            (
                "secrets by a label and the beginning of the name",
                "secrets",
                "conformance=secret",
                "tok",
            ),
            (
                "tasks by a label and the beginning of another name",
                "tasks",
                "conformance=life",
                "la",
            ),
        ] {
            let path = filtered(of, &json!({"label": [label], "name": [name]}));
            let list = self.call(1, "GET", &path, None).json();
            self.count(what, list.as_array().expect("a list"));
        }
        let of_task = &task["Labels"];
        let of_container = &task["Spec"]["ContainerSpec"]["Labels"];
        let seen = match (of_task, of_container) {
            (none, own) if *none == json!({}) && *own == json!({"of-container": "life"}) => {
                "those of the container".to_owned()
            }
            other => format!("{other:?}"),
        };
        self.saw("labels in a task", seen);
        let made = task["CreatedAt"].as_str().unwrap_or_default();
        let is_utc = made.as_bytes().get(10) == Some(&b'T') && made.ends_with('Z');
        self.saw("CreatedAt", if is_utc { "RFC 3339, in UTC" } else { made });
    }

    fn container(&mut self, task: &Value) {
        let node = self.swarm.node_of(task["NodeID"].as_str().expect("an id"));
        let id = task["Status"]["ContainerStatus"]["ContainerID"].as_str();
        let path = format!("/containers/{}/json", id.expect("an id"));
        let container = self.call(node, "GET", &path, None).json();
        let host = &container["HostConfig"];
        let arrived = host["NanoCpus"] == 500_000_000
            && host["Memory"] == 64 << 20
            && host["PidsLimit"] == 64
            && host["CapDrop"] == json!(["ALL"])
            && host["CapAdd"] == json!(["CAP_KILL"])
            && host["Init"] == true
            && host["LogConfig"] == json!({"Type": "json-file", "Config": {"max-size": "1m"}})
            && host["SecurityOpt"] == json!(["no-new-privileges=true"]);
        let seen = match arrived {
            true => "limits, capabilities, init, log, no new privileges".to_owned(),
            false => host.to_string(),
        };
        self.saw("what arrives in a container", seen);
        let network = self
            .call(node, "GET", &format!("/networks/{NETWORK}"), None)
            .json();
        let icc = &network["Options"]["com.docker.network.bridge.enable_icc"];
        let networks = container["NetworkSettings"]["Networks"].as_object();
        let alone = networks.is_some_and(|all| all.len() == 1 && all.contains_key(NETWORK));
        let seen = match alone && icc == "false" {
            true => "on the targets' network, kept apart".to_owned(),
            false => format!("{networks:?} {network}"),
        };
        self.saw("its network", seen);
        self.network(node, &container["Id"]);
    }

    /// Where a task and its node are, which an endpoint is made of.
    fn ports(&mut self, id: &str, sent: &Value, task: &Value) {
        let port = &task["Status"]["PortStatus"]["Ports"][0];
        let is_free = port["PublishedPort"]
            .as_u64()
            .is_some_and(|port| port > 1024);
        let seen = match is_free && port["Protocol"] == "tcp" && port["TargetPort"] == 7070 {
            true => "tcp 7070 on a free port".to_owned(),
            false => task["Status"].to_string(),
        };
        self.saw("ports in a task", seen);
        let service = self.call(1, "GET", &format!("/services/{id}"), None).json();
        let shown = &service["Spec"]["EndpointSpec"];
        let is_same = *shown == sent["EndpointSpec"];
        let seen = if is_same {
            "as sent".to_owned()
        } else {
            shown.to_string()
        };
        self.saw("ports in the service", seen);
        let node = self.swarm.node_of(task["NodeID"].as_str().expect("an id"));
        let path = format!("/nodes/{}", self.swarm.id_of(node));
        let shown = self.call(1, "GET", &path, None).json();
        let told = shown["ManagerStatus"]["Addr"].as_str().unwrap_or_default();
        let host = self.swarm.address(node).ip().to_string();
        let seen = match told.rsplit_once(':') {
            Some((address, _)) if address == host => "advertised, with its port".to_owned(),
            _ => shown.to_string(),
        };
        self.saw("address of a manager", seen);
    }

    /// What a list shows of the network, and of a container that is on it.
    fn network(&mut self, node: u8, container: &Value) {
        let all = self.call(node, "GET", &networks(NETWORK), None).json();
        let mut all = all.as_array().into_iter().flatten();
        let found = all.find(|network| network["Name"] == NETWORK);
        let id = container.as_str().expect("an id");
        let seen = match found {
            Some(network) if !network.to_string().contains(id) => "found, without its containers",
            Some(_) => "found, with its containers",
            None => "not found",
        };
        self.saw("networks by the name", seen);
    }

    fn end(&mut self) {
        let body = self.service("end", "sleep 600", 1);
        let id = self.create(&body);
        self.task("end", "running");
        let deleted = self.delete(&id);
        self.answered("delete", &deleted);
        let path = format!("/services/{id}");
        let get = self.call(1, "GET", &path, None);
        self.answered("get after delete", &get);
        let again = self.delete(&id);
        self.answered("delete again", &again);
        let late = self.update(1, &id, 1, &body);
        self.answered("update after delete", &late);
        let tasks = self.call(1, "GET", &listing("tasks", "service", &[&id]), None);
        self.answered("tasks by service after delete", &tasks);
        let mut next = self.service("end", "sleep 1", 0);
        next["Labels"][KEY] = json!("next");
        let next = self.call(1, "POST", "/services/create", Some(&next));
        self.answered("create with the name of a deleted one", &next);
        self.vanishes("tasks by label after delete", "end");
    }

    fn failures(&mut self) {
        for (what, name, script, state) in [
            ("task that ends with 7", "seven", "exit 7", "failed"),
            ("task that ends with 0", "zero", "exit 0", "complete"),
        ] {
            self.create(&self.service(name, script, 1));
            let task = self.task(name, state);
            let code = &task["Status"]["ContainerStatus"]["ExitCode"];
            // A second task would be made within the default delay of five seconds.
            std::thread::sleep(Duration::from_secs(6));
            let alone = if self.tasks(name).len() == 1 {
                "alone"
            } else {
                "again"
            };
            self.saw(what, format!("{state}, exit code {code}, {alone}"));
        }
        let missing = format!("sha256:{}", "0".repeat(64));
        let mut body = self.service("missing", "true", 1);
        body["TaskTemplate"]["ContainerSpec"]["Image"] = json!(missing);
        self.create(&body);
        let error = self.task("missing", "rejected")["Status"]["Err"].to_string();
        self.saw(
            "image that no node has",
            reason("rejected", "No such image", &error),
        );
        let huge = 1_u64 << 45;
        let mut body = self.service("limits", "sleep 600", 1);
        body["TaskTemplate"]["Resources"] = json!({"Limits": {"MemoryBytes": huge}});
        let id = self.create(&body);
        self.task("limits", "running");
        self.saw("limits above the room", "running");
        self.delete(&id);
        let mut body = self.service("room", "sleep 600", 1);
        body["TaskTemplate"]["Resources"] = json!({"Reservations": {"MemoryBytes": huge}});
        let id = self.create(&body);
        let error = wait_for("the scheduler's reason", || {
            let task = self.task("room", "pending");
            task["Status"]["Err"].as_str().map(str::to_owned)
        });
        self.saw(
            "reservations above the room",
            reason("pending", "no suitable node", &error),
        );
        self.delete(&id);
    }

    fn cut_off(&mut self) {
        let mut body = self.service("cut", "sleep 600", 1);
        // Node 1 answers for the others in this test.
        let constraint = format!("node.id=={}", self.swarm.id_of(3));
        body["TaskTemplate"]["Placement"] = json!({"Constraints": [constraint]});
        let id = self.create(&body);
        self.task("cut", "running");
        self.swarm.cut(3);
        wait_within(NODE_BOUND, "a task that is to be shut down", || {
            let tasks = self.tasks("cut");
            (tasks[0]["DesiredState"] == "shutdown").then_some(())
        });
        let seen = self.states("cut");
        self.saw("task of a node that is cut off", format!("{seen}, alone"));
        self.delete(&id);
        wait_for("a task that is to be removed", || {
            let tasks = self.tasks("cut");
            tasks
                .iter()
                .all(|task| task["DesiredState"] == "remove")
                .then_some(())
        });
        let seen = self.states("cut");
        self.saw("the same after its service is deleted", seen);
        self.swarm.heal(3);
        wait_within(NODE_BOUND, "the end of the task", || {
            // The node's return starts an election, during which no manager answers.
            let path = listing("tasks", "label", &[&format!("{KEY}=cut")]);
            let answer = self.swarm.node(1).try_call("GET", &path)?;
            (answer.status == 200 && answer.json() == json!([])).then_some(())
        });
        self.saw("the same when the node is back", "gone");
        self.swarm.kill(2);
        self.swarm.restart(2);
        let listed = wait_within(NODE_BOUND, "a list on the restarted manager", || {
            let answer = self.swarm.node(2).try_call("GET", "/services")?;
            (answer.status == 200).then_some(answer)
        });
        self.answered("list after the Engine was killed and restarted", &listed);
    }

    fn states(&self, name: &str) -> String {
        let state = |task: &Value| {
            let (state, desired) = (&task["Status"]["State"], &task["DesiredState"]);
            format!("{state}, to be {desired}").replace('"', "")
        };
        let all: Vec<_> = self.tasks(name).iter().map(state).collect();
        all.join("; ")
    }
}

fn changed(before: u64, after: u64) -> &'static str {
    match after == before {
        true => "stays",
        false => "another version",
    }
}

fn reason(state: &str, part: &str, error: &str) -> String {
    match error.contains(part) {
        true => format!("{state}: {part}"),
        false => format!("{state}: {error}"),
    }
}

fn form(id: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
    match id.len() == 25 && id.bytes().all(is_plain) {
        true => "25 of 0-9a-z".to_owned(),
        false => id.to_owned(),
    }
}

fn date(answer: &Answer) -> String {
    match answer.header("date") {
        Some(date) if date.len() == 29 && date.ends_with(" GMT") => "an HTTP date".to_owned(),
        other => format!("{other:?}"),
    }
}
