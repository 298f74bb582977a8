//! The life of one service: its secrets, its updates, its lists and its ports.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use test_support::engine::{filtered, networks};
use test_support::prelude::*;

use super::{KEY, LINGERS, Readings, labelled};
use crate::nodes::NETWORK;

impl Readings<'_> {
    fn secret(&self, name: &str, size: usize) -> Answer {
        let data = BASE64_STANDARD.encode(vec![b'x'; size]);
        let body = json!({"Name": name, "Labels": {KEY: "secret"}, "Data": data});
        self.post(1, "/secrets/create", &body)
    }

    pub fn life(&mut self) {
        let mut idle = self.service("life", LINGERS, 0);
        let port = json!({"Protocol": "tcp", "TargetPort": 7070, "PublishMode": "host"});
        idle["EndpointSpec"]["Ports"] = json!([port]);
        let created = self.post(2, "/services/create", &idle);
        self.answers("a create", &created, 201, "");
        let date = created.header("date").unwrap_or_default();
        let is_date = date.len() == 29 && date.ends_with(" GMT");
        self.holds("an answer has an HTTP date", is_date, &date.into());
        let id = created.id();
        let is_plain = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
        let is_id = id.len() == 25 && id.bytes().all(is_plain);
        self.holds("an id is 25 of 0-9a-z", is_id, &id.as_str().into());
        // The first version of a service is that of its create.
        wait_until(
            "another version, a moment after a create with a port",
            || {
                let service = self.service_of(&id);
                service["UpdatedAt"] != service["CreatedAt"]
            },
        );
        let again = self.post(3, "/services/create", &idle);
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
        let path = format!("/secrets/{secret}");
        let in_use = self.swarm.node(1).call("DELETE", &path, None);
        self.answers("a delete of a secret in use", &in_use, 400, "is in use");
        self.updates(&id, &mut running, &task);
        self.lists(&task);
        self.network(&task);
        let shown = self.service_of(&id)["Spec"]["EndpointSpec"].clone();
        let sent = running["EndpointSpec"].clone();
        self.is("a service shows its ports as sent", shown, sent);
        running["Mode"]["Replicated"]["Replicas"] = json!(0);
        let fenced = self.update(1, &id, self.version(&id), &running);
        self.answers("a fence", &fenced, 200, "");
        self.vanishes("a task behind a fence is to be removed", "life");
        self.delete(&id);
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
        let listed = self.get(&labelled("secrets", "secret")).json();
        let count = listed.as_array().map(Vec::len);
        self.is("secrets by a label", count, 2);
        let has_no_data = !listed.to_string().contains("\"Data\"");
        self.holds("a secret is listed without data", has_no_data, &listed);
        made.id()
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
            let mut filters = json!({"label": labels, "name": [name]});
            let members = filters.as_object_mut().expect("an object");
            members.retain(|_, values| !matches!(values[0].as_str(), None | Some("")));
            let what = format!("{of} by {filters}");
            let list = self.get(&filtered(of, &filters)).json();
            let count = list.as_array().map(Vec::len);
            self.holds(&what, count == Some(found), &list);
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

    fn network(&mut self, task: &Value) {
        let node = self.swarm.node_of(task["NodeID"].as_str().expect("an id"));
        let id = task["Status"]["ContainerStatus"]["ContainerID"].as_str();
        let node = self.swarm.node(node);
        let container = node.inspect(id.expect("an id"));
        let path = format!("/networks/{NETWORK}");
        let network = node.call("GET", &path, None).json();
        let icc = network["Options"]["com.docker.network.bridge.enable_icc"].clone();
        self.is("a network keeps its containers apart", icc, "false");
        let listed = node.call("GET", &networks(NETWORK), None).json();
        let mut found = listed.as_array().into_iter().flatten();
        let found = found.find(|network| network["Name"] == NETWORK);
        let id = container["Id"].as_str().expect("an id");
        let is_short = found.is_some_and(|network| !network.to_string().contains(id));
        let what = "a network is found by its name, without its containers";
        self.holds(what, is_short, &listed);
    }
}
