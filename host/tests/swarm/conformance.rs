//! The behaviour of a real Swarm, as far as the promises of a target could rest on it.
//!
//! Each reading describes a behaviour. The test shows all that are not true.

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

#[test]
fn a_swarm_does_what_is_read_into_its_api() {
    let _alone = crate::alone();
    let swarm = Swarm::start();
    let mut readings = Readings {
        swarm: &swarm,
        wrong: Vec::new(),
    };
    readings.life();
    readings.end();
    readings.failures();
    readings.cut_off();
    assert!(readings.wrong.is_empty(), "{:#?}", readings.wrong);
}

struct Readings<'a> {
    swarm: &'a Swarm,
    /// The readings that are not true, with what was seen instead.
    wrong: Vec<String>,
}

impl Readings<'_> {
    fn holds(&mut self, what: &str, is_true: bool, seen: &Value) {
        if !is_true {
            self.wrong.push(format!("{what}: {seen}"));
        }
    }

    fn is(&mut self, what: &str, seen: impl Into<Value>, expected: impl Into<Value>) {
        let seen = seen.into();
        self.holds(what, seen == expected.into(), &seen);
    }

    /// The status, with a part of the message.
    fn answers(&mut self, what: &str, answer: &Answer, status: u16, part: &str) {
        let is_true = answer.status == status && answer.body.contains(part);
        self.holds(what, is_true, &format!("{answer:?}").into());
    }

    fn finds(&mut self, what: &str, path: &str, count: usize) {
        let list = self.call(1, "GET", path, None).json();
        let found = list.as_array().map_or(usize::MAX, Vec::len);
        self.holds(what, found == count, &list);
    }

    fn call(&self, node: u8, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.swarm.node(node).call(method, path, body.cloned())
    }

    fn tasks(&self, name: &str) -> Vec<Value> {
        let path = listing("tasks", "label", &[&format!("{KEY}={name}")]);
        let answer = self.call(1, "GET", &path, None).json();
        answer.as_array().expect("a list").clone()
    }

    fn task(&self, name: &str, state: &str) -> Value {
        let what = format!("a task of {name} that is {state}");
        wait_for(&what, || {
            let mut tasks = self.tasks(name).into_iter();
            tasks.find(|task| task["Status"]["State"] == state)
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

    /// A task that is to be removed, and then gone.
    fn vanishes(&mut self, what: &str, name: &str) {
        let first = wait_for("a task on its way out", || {
            let tasks = self.tasks(name);
            let desired = tasks.first().map(|task| task["DesiredState"].clone());
            Some(desired.unwrap_or_default()).filter(|desired| desired != "running")
        });
        wait_for("no task", || self.tasks(name).is_empty().then_some(()));
        self.is(what, first, "remove");
    }

    fn life(&mut self) {
        let mut idle = self.service("life", "sleep 600", 0);
        let port = json!({"Protocol": "tcp", "TargetPort": 7070, "PublishMode": "host"});
        idle["EndpointSpec"]["Ports"] = json!([port]);
        let created = self.call(2, "POST", "/services/create", Some(&idle));
        self.answers("a create", &created, 201, "");
        let date = created.header("date").unwrap_or_default();
        let is_date = date.len() == 29 && date.ends_with(" GMT");
        self.holds("an answer has an HTTP date", is_date, &date.into());
        let id = created.json()["ID"].as_str().expect("an id").to_owned();
        let is_plain = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
        let is_id = id.len() == 25 && id.bytes().all(is_plain);
        self.holds("an id is 25 of 0-9a-z", is_id, &id.as_str().into());
        self.is_allocated(&id);
        let again = self.call(3, "POST", "/services/create", Some(&idle));
        let what = "a create with a name in use, on another manager";
        self.answers(what, &again, 409, "name conflicts");
        let tasks = self.tasks("life");
        self.is("a service without replicas has no task", tasks, json!([]));
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
        self.answers("an update with the version seen", &updated, 200, "");
        let late = self.update(2, &id, version, &running);
        let what = "an update with a version used, on another manager";
        self.answers(what, &late, 500, "update out of sequence");
        let version = self.version(&id);
        let task = self.task("life", "running");
        let after = self.version(&id);
        self.is("a task's new state leaves the version", after, version);
        let in_use = self.call(1, "DELETE", &format!("/secrets/{secret}"), None);
        self.answers("a delete of a secret in use", &in_use, 400, "is in use");
        self.updates(&id, &mut running, &task);
        self.lists(&task);
        self.container(&task);
        self.ports(&id, &running, &task);
        running["Mode"]["Replicated"]["Replicas"] = json!(0);
        let fenced = self.update(1, &id, self.version(&id), &running);
        self.answers("a fence", &fenced, 200, "");
        self.vanishes("a task behind a fence is to be removed", "life");
        self.delete(&id);
    }

    /// The first version of a service is that of its create.
    fn is_allocated(&self, id: &str) {
        let path = format!("/services/{id}");
        wait_for(
            "another version, a moment after a create with a port",
            || {
                let service = self.call(1, "GET", &path, None).json();
                (service["UpdatedAt"] != service["CreatedAt"]).then_some(())
            },
        );
    }

    fn secrets(&mut self) -> String {
        let size = "larger than 0 and less than 512000";
        let made = self.secret("token", 5);
        for (what, name, bytes, status, part) in [
            ("a name in use", "token", 5, 409, "already exists"),
            ("no data", "empty", 0, 400, size),
            ("511999 bytes", "large", 511_999, 201, ""),
            ("512000 bytes", "larger", 512_000, 400, size),
        ] {
            let answer = self.secret(name, bytes);
            self.answers(&format!("a secret with {what}"), &answer, status, part);
        }
        let path = listing("secrets", "label", &[&format!("{KEY}=secret")]);
        self.finds("secrets by a label", &path, 2);
        let listed = self.call(1, "GET", &path, None).json();
        let has_no_data = !listed.to_string().contains("\"Data\"");
        self.holds("a secret is listed without data", has_no_data, &listed);
        made.json()["ID"].as_str().expect("an id").to_owned()
    }

    fn updates(&mut self, id: &str, running: &mut Value, task: &Value) {
        let before = self.version(id);
        self.update(1, id, before, running);
        let version = self.version(id);
        let what = "an update without a change makes another version";
        self.holds(what, version != before, &version.into());
        running["Labels"]["later"] = json!("yes");
        self.update(1, id, version, running);
        let after = self.version(id);
        let what = "an update of a label alone makes another version";
        self.holds(what, after != version, &after.into());
        // A task that is replaced shows it at once: the next one is made in the same second.
        let deadline = Instant::now() + Duration::from_secs(3);
        let mut same = true;
        while same && Instant::now() < deadline {
            let tasks = self.tasks("life");
            same = matches!(&tasks[..], [only] if only["ID"] == task["ID"]
                && only["Status"]["State"] == "running" && only["DesiredState"] == "running");
            std::thread::sleep(Duration::from_millis(100));
        }
        let tasks = self.tasks("life").into();
        self.holds("an update of a label leaves the task", same, &tasks);
    }

    fn lists(&mut self, task: &Value) {
        let (own, later) = ("conformance=life", "later=yes");
        for (of, labels, name, found) in [
            // A task has the labels that its service had when it was made.
            ("tasks", &[own][..], "", 1),
            ("tasks", &[later], "", 0),
            ("tasks", &["of-container=life"], "", 0),
            // Labels are compared whole, and names by their beginning.
            ("tasks", &["conformance=li"], "", 0),
            ("services", &[later], "", 1),
            ("services", &["later=ye"], "", 0),
            ("services", &[], "li", 1),
            // All filters must fit. The name of a task is that of its service.
            ("services", &[own, later], "", 1),
            ("services", &[own, "later=no"], "", 0),
            ("services", &[own], "li", 1),
            ("tasks", &[own], "li", 1),
            ("tasks", &[own], "la", 0),
            ("secrets", &["conformance=secret"], "tok", 1),
        ] {
            let mut filters = json!({});
            if !labels.is_empty() {
                filters["label"] = json!(labels);
            }
            if !name.is_empty() {
                filters["name"] = json!([name]);
            }
            self.finds(
                &format!("{of} by {filters}"),
                &filtered(of, &filters),
                found,
            );
        }
        let of_task = task["Labels"].clone();
        self.is("a task has no labels", of_task, json!({}));
        let of_container = task["Spec"]["ContainerSpec"]["Labels"].clone();
        let own = json!({"of-container": "life"});
        self.is("a task shows those of the container", of_container, own);
        let made = task["CreatedAt"].as_str().unwrap_or_default();
        let is_utc = made.as_bytes().get(10) == Some(&b'T') && made.ends_with('Z');
        self.holds("CreatedAt is of RFC 3339, in UTC", is_utc, &made.into());
    }

    fn container(&mut self, task: &Value) {
        let node = self.swarm.node_of(task["NodeID"].as_str().expect("an id"));
        let id = task["Status"]["ContainerStatus"]["ContainerID"].as_str();
        let path = format!("/containers/{}/json", id.expect("an id"));
        let container = self.call(node, "GET", &path, None).json();
        for (option, expected) in [
            ("NanoCpus", json!(500_000_000)),
            ("Memory", json!(64 << 20)),
            ("PidsLimit", json!(64)),
            ("CapDrop", json!(["ALL"])),
            ("CapAdd", json!(["CAP_KILL"])),
            ("Init", json!(true)),
            (
                "LogConfig",
                json!({"Type": "json-file", "Config": {"max-size": "1m"}}),
            ),
            ("SecurityOpt", json!(["no-new-privileges=true"])),
        ] {
            let seen = container["HostConfig"][option].clone();
            self.is(&format!("{option} of a container"), seen, expected);
        }
        let joined = &container["NetworkSettings"]["Networks"];
        let all = joined.as_object();
        let alone = all.is_some_and(|all| all.len() == 1 && all.contains_key(NETWORK));
        self.holds("a container is on its network alone", alone, joined);
        let path = format!("/networks/{NETWORK}");
        let network = self.call(node, "GET", &path, None).json();
        let icc = network["Options"]["com.docker.network.bridge.enable_icc"].clone();
        self.is("a network keeps its containers apart", icc, "false");
        let listed = self.call(node, "GET", &networks(NETWORK), None).json();
        let mut found = listed.as_array().into_iter().flatten();
        let found = found.find(|network| network["Name"] == NETWORK);
        let id = container["Id"].as_str().expect("an id");
        let is_short = found.is_some_and(|network| !network.to_string().contains(id));
        let what = "a network is found by its name, without its containers";
        self.holds(what, is_short, &listed);
    }

    /// Where a task and its node are, which an endpoint is made of.
    fn ports(&mut self, id: &str, sent: &Value, task: &Value) {
        let port = &task["Status"]["PortStatus"]["Ports"][0];
        let is_free = port["PublishedPort"].as_u64() > Some(1024);
        let is_own = port["Protocol"] == "tcp" && port["TargetPort"] == 7070;
        let what = "a task has tcp 7070 on a free port";
        self.holds(what, is_free && is_own, &task["Status"]);
        let service = self.call(1, "GET", &format!("/services/{id}"), None).json();
        let shown = service["Spec"]["EndpointSpec"].clone();
        let sent = sent["EndpointSpec"].clone();
        self.is("a service shows its ports as sent", shown, sent);
        let node = self.swarm.node_of(task["NodeID"].as_str().expect("an id"));
        let path = format!("/nodes/{}", self.swarm.id_of(node));
        let shown = self.call(1, "GET", &path, None).json();
        let told = shown["ManagerStatus"]["Addr"].as_str().unwrap_or_default();
        let address = told.rsplit_once(':').map(|(address, _)| address);
        let host = self.swarm.address(node).ip().to_string();
        let what = "a manager shows the address that it advertises, with its port";
        self.holds(what, address == Some(&host), &shown);
    }

    fn end(&mut self) {
        let body = self.service("end", "sleep 600", 1);
        let id = self.create(&body);
        self.task("end", "running");
        let deleted = self.delete(&id);
        self.answers("a delete", &deleted, 200, "");
        let get = self.call(1, "GET", &format!("/services/{id}"), None);
        let again = self.delete(&id);
        let late = self.update(1, &id, 1, &body);
        let tasks = self.call(1, "GET", &listing("tasks", "service", &[&id]), None);
        for (what, answer) in [
            ("a get", get),
            ("another delete", again),
            ("an update", late),
            ("a list of tasks by the service", tasks),
        ] {
            let what = format!("{what} after the delete");
            self.answers(&what, &answer, 404, "not found");
        }
        let mut next = self.service("end", "sleep 1", 0);
        next["Labels"][KEY] = json!("next");
        let next = self.call(1, "POST", "/services/create", Some(&next));
        let what = "a create with the name of a deleted one";
        self.answers(what, &next, 201, "");
        self.vanishes("a task of a deleted service is to be removed", "end");
    }

    fn failures(&mut self) {
        for (name, script, state, code) in [
            ("seven", "exit 7", "failed", 7),
            ("zero", "exit 0", "complete", 0),
        ] {
            self.create(&self.service(name, script, 1));
            let task = self.task(name, state);
            let told = task["Status"]["ContainerStatus"]["ExitCode"].clone();
            self.is(&format!("a task after {script}"), told, code);
            // A second task would be made within the default delay of five seconds.
            std::thread::sleep(Duration::from_secs(6));
            let tasks = self.tasks(name).len();
            self.is(&format!("tasks after {script}"), tasks, 1);
        }
        let missing = format!("sha256:{}", "0".repeat(64));
        let mut body = self.service("missing", "true", 1);
        body["TaskTemplate"]["ContainerSpec"]["Image"] = json!(missing);
        self.create(&body);
        let error = self.task("missing", "rejected")["Status"]["Err"].clone();
        let is_told = error.to_string().contains("No such image");
        self.holds("an image that no node has", is_told, &error);
        let huge = 1_u64 << 45;
        let mut body = self.service("limits", "sleep 600", 1);
        body["TaskTemplate"]["Resources"] = json!({"Limits": {"MemoryBytes": huge}});
        let id = self.create(&body);
        // Limits may be above the room.
        self.task("limits", "running");
        self.delete(&id);
        let mut body = self.service("room", "sleep 600", 1);
        body["TaskTemplate"]["Resources"] = json!({"Reservations": {"MemoryBytes": huge}});
        let id = self.create(&body);
        let error = wait_for("the scheduler's reason", || {
            let task = self.task("room", "pending");
            task["Status"]["Err"].as_str().map(str::to_owned)
        });
        let is_told = error.contains("no suitable node");
        self.holds("reservations above the room", is_told, &error.into());
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
        self.is_running_alone("a task of a node that is cut off");
        self.delete(&id);
        wait_for("a task that is to be removed", || {
            let tasks = self.tasks("cut");
            let mut tasks = tasks.iter();
            let are_leaving = tasks.all(|task| task["DesiredState"] == "remove");
            are_leaving.then_some(())
        });
        self.is_running_alone("the same after its service is deleted");
        self.swarm.heal(3);
        wait_within(NODE_BOUND, "the end of the task", || {
            // The node's return starts an election, during which no manager answers.
            let path = listing("tasks", "label", &[&format!("{KEY}=cut")]);
            let answer = self.swarm.node(1).try_call("GET", &path)?;
            (answer.status == 200 && answer.json() == json!([])).then_some(())
        });
        self.swarm.kill(2);
        self.swarm.restart(2);
        wait_within(NODE_BOUND, "a list on the restarted manager", || {
            let answer = self.swarm.node(2).try_call("GET", "/services")?;
            (answer.status == 200).then_some(())
        });
    }

    fn is_running_alone(&mut self, what: &str) {
        let states: Value = self
            .tasks("cut")
            .iter()
            .map(|task| task["Status"]["State"].clone())
            .collect();
        self.is(what, states, json!(["running"]));
    }
}
