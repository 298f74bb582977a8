//! The behaviour of a real Swarm, as far as the promises of a target could rest on it.
//!
//! Each reading describes a behaviour. The test shows all that are not true.

mod life;

use std::time::Duration;

use test_support::engine::filtered;
use test_support::prelude::*;

use crate::nodes::{NETWORK, Swarm, must};

/// A node is called down after 12 to 20 seconds, and is listened to again within a minute.
const NODE_BOUND: Duration = Duration::from_secs(120);

/// A label of a service that each task of it is found by.
const KEY: &str = "conformance";

/// What runs until it is asked to end, and then long enough to be seen.
const LINGERS: &str = "trap 'sleep 2; exit' TERM; sleep 600 & wait";

/// The path that lists objects with this value of the label.
fn labelled(what: &str, value: &str) -> String {
    filtered(what, &json!({"label": [format!("{KEY}={value}")]}))
}

#[test]
fn a_swarm_does_what_is_read_into_its_api() {
    let _alone = crate::alone();
    let swarm = Swarm::start(false);
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

    fn get(&self, path: &str) -> Answer {
        self.swarm.node(1).call("GET", path, None)
    }

    fn post(&self, node: u8, path: &str, body: &Value) -> Answer {
        self.swarm.node(node).call("POST", path, Some(body.clone()))
    }

    fn tasks(&self, name: &str) -> Vec<Value> {
        let list = self.get(&labelled("tasks", name)).json();
        list.as_array().expect("a list").clone()
    }

    fn task(&self, name: &str, state: &str) -> Value {
        let what = format!("a task of {name} that is {state}");
        wait_for(&what, || {
            let mut tasks = self.tasks(name).into_iter();
            tasks.find(|task| task["Status"]["State"] == state)
        })
    }

    fn create(&self, body: &Value) -> String {
        self.post(1, "/services/create", body).check(201).id()
    }

    fn delete(&self, id: &str) -> Answer {
        let path = format!("/services/{id}");
        self.swarm.node(2).call("DELETE", &path, None)
    }

    fn service_of(&self, id: &str) -> Value {
        self.get(&format!("/services/{id}")).json()
    }

    fn version(&self, id: &str) -> u64 {
        let version = &self.service_of(id)["Version"]["Index"];
        version.as_u64().expect("a version")
    }

    fn update(&self, node: u8, id: &str, version: u64, body: &Value) -> Answer {
        let path = format!("/services/{id}/update?version={version}");
        self.post(node, &path, body)
    }

    fn service(&self, name: &str, script: &str, replicas: u32) -> Value {
        json!({
            "Name": name,
            "Labels": {KEY: name},
            "TaskTemplate": {
                "ContainerSpec": {
                    "Image": self.swarm.image,
                    "Command": ["sh", "-c", script],
                    "Labels": {"of-container": name},
                },
                "RestartPolicy": {"Condition": "none"},
                "Networks": [{"Target": NETWORK}],
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
        wait_until("no task", || self.tasks(name).is_empty());
        self.is(what, first, "remove");
    }

    fn end(&mut self) {
        let body = self.service("end", LINGERS, 1);
        let id = self.create(&body);
        self.task("end", "running");
        let deleted = self.delete(&id);
        self.answers("a delete", &deleted, 200, "");
        let tasks = filtered("tasks", &json!({"service": [id]}));
        for (what, answer) in [
            ("a get", self.get(&format!("/services/{id}"))),
            ("another delete", self.delete(&id)),
            ("an update", self.update(1, &id, 1, &body)),
            ("a list of tasks by the service", self.get(&tasks)),
        ] {
            let what = format!("{what} after the delete");
            self.answers(&what, &answer, 404, "not found");
        }
        let mut next = self.service("end", "sleep 1", 0);
        next["Labels"][KEY] = json!("next");
        let next = self.post(1, "/services/create", &next);
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
        let mut body = self.service("limits", "sleep 600", 1);
        let huge = json!({"Limits": {"MemoryBytes": 1_u64 << 45}});
        body["TaskTemplate"]["Resources"] = huge;
        let id = self.create(&body);
        // Limits may be above the room.
        self.task("limits", "running");
        self.delete(&id);
    }

    fn cut_off(&mut self) {
        let mut body = self.service("cut", "sleep 600", 1);
        // Node 1 answers for the others in this test.
        let constraint = format!("node.id=={}", self.swarm.id_of(3));
        body["TaskTemplate"]["Placement"] = json!({"Constraints": [constraint]});
        let id = self.create(&body);
        self.task("cut", "running");
        must(self.swarm.cut(3));
        wait_within(NODE_BOUND, "a task that is to be shut down", || {
            let tasks = self.tasks("cut");
            (tasks[0]["DesiredState"] == "shutdown").then_some(())
        });
        self.is_running_alone("a task of a node that is cut off");
        self.delete(&id);
        wait_until("a task that is to be removed", || {
            let tasks = self.tasks("cut");
            tasks.iter().all(|task| task["DesiredState"] == "remove")
        });
        self.is_running_alone("the same after its service is deleted");
        must(self.swarm.heal(3));
        wait_within(NODE_BOUND, "the end of the task", || {
            // The node's return starts an election, during which no manager answers.
            let path = labelled("tasks", "cut");
            let answer = self.swarm.node(1).try_call("GET", &path)?;
            (answer.status == 200 && answer.json() == json!([])).then_some(())
        });
    }

    fn is_running_alone(&mut self, what: &str) {
        let tasks = self.tasks("cut").into_iter();
        let states = tasks.map(|task| task["Status"]["State"].clone());
        self.is(what, states.collect::<Value>(), json!(["running"]));
    }
}
