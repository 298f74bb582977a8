//! `/services/{id}` (Engine API, ServiceInspect and ServiceUpdate).

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::service::Service;
use super::{label, template};
use crate::docker::call::{CHANGE, Call};
use crate::docker::{Reply, TargetId, bodiless, json as with_json, with_registry_auth};
use crate::fault::Fault;
use crate::secret::Secret;

/// A service with everything that an update needs.
#[derive(Debug, Clone)]
pub struct Versioned {
    pub(crate) service: Service,
    version: u64,
    spec: Value,
}

/// The objects of a specification that updates change.
const CHANGED: [&str; 5] = [
    "",
    "/Labels",
    "/TaskTemplate",
    "/TaskTemplate/ContainerSpec",
    "/TaskTemplate/Placement",
];

/// A file with a secret in a service's containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretReference {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) path: String,
    /// The id of the user who may read it.
    pub(crate) owner: u32,
}

impl Versioned {
    /// The template of its task.
    pub fn template(&self) -> &Value {
        &self.spec["TaskTemplate"]
    }

    /// Checks that a manager shows the service as it was started. If the manager left
    /// something out, an update would change it, and the Swarm would replace the task. A
    /// service of an earlier version of this server passes.
    pub fn check_whole(&self) -> Result<(), Fault> {
        let started = self.service.labels.get(label::TEMPLATE);
        match started.is_none_or(|digest| *digest == template::digest(&self.spec)) {
            true => Ok(()),
            false => Err(Fault::Altered(
                "a manager shows a changed service".to_owned(),
            )),
        }
    }

    /// Checks that a manager shows the whole template in a body of ServiceCreate.
    pub fn check_has_all_of(&self, body: &Value) -> Result<(), Fault> {
        match template::missing(&body["TaskTemplate"], self.template()) {
            None => Ok(()),
            Some(path) => Err(Fault::Altered(format!(
                "a manager has left {path} out of the service"
            ))),
        }
    }

    /// The update with which a Swarm runs a task with these secrets, on none of the nodes
    /// in `avoid`.
    pub fn start(
        mut self,
        secrets: &[SecretReference],
        avoid: &[String],
        auth: Option<&Secret>,
    ) -> Call<Updated> {
        let files = secrets.iter().map(|secret| {
            json!({
                "File": {
                    "Name": secret.path,
                    "UID": secret.owner.to_string(),
                    "GID": "0",
                    "Mode": 0o400,
                },
                "SecretID": secret.id,
                "SecretName": secret.name,
            })
        });
        if !secrets.is_empty() {
            self.spec["TaskTemplate"]["ContainerSpec"]["Secrets"] = files.collect();
        }
        if !avoid.is_empty() {
            let placement = &mut self.spec["TaskTemplate"]["Placement"]["Constraints"];
            let own = placement.as_array().cloned().unwrap_or_default();
            let others = avoid.iter().map(|node| format!("node.id!={node}").into());
            *placement = own.into_iter().chain(others).collect();
        }
        let digest = template::digest(&self.spec);
        self.spec["Labels"][label::TEMPLATE] = digest.into();
        self.scaled_to(1).update(auth)
    }

    /// The update that vouches for the target: a caller may hear that it runs.
    pub fn vouch(self) -> Call<Updated> {
        self.labelled(label::VOUCHED, "true").update(None)
    }

    /// The update that records up to which age the target may run.
    pub fn renew(self, lifetime: Duration) -> Call<Updated> {
        let seconds = lifetime.as_secs().to_string();
        self.labelled(label::RENEWED, &seconds).update(None)
    }

    /// The update that takes the task back and prevents every later start.
    pub fn fence(self) -> Call<Updated> {
        let fenced = self.labelled(label::FENCED, "true");
        fenced.scaled_to(0).update(None)
    }

    fn scaled_to(mut self, replicas: u64) -> Self {
        self.spec["Mode"] = json!({"Replicated": {"Replicas": replicas}});
        self
    }

    fn labelled(mut self, label: &str, value: &str) -> Self {
        self.spec["Labels"][label] = value.into();
        self
    }

    /// The credentials of the last update stay unless there are new ones.
    fn update(self, auth: Option<&Secret>) -> Call<Updated> {
        let id = self.service.id.as_str();
        let path = format!("/services/{id}/update?version={}", self.version);
        let request = with_registry_auth(with_json(Method::POST, &path, &self.spec), auth);
        Call::change("update", request, CHANGE, updated)
    }
}

/// The outcome of an update that a Swarm understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Updated {
    /// It took effect.
    Done,
    /// Another update came after the version that this one was made from.
    OutOfSequence,
    /// The service is gone.
    Gone,
}

/// Reads a service to update it; `None` if it is gone.
pub fn inspect(id: &TargetId) -> Call<Option<Versioned>> {
    let path = format!("/services/{}", id.as_str());
    let id = id.clone();
    Call::look("service", bodiless(Method::GET, &path), move |reply| {
        reply.found(|| {
            let service: Service = reply.json()?;
            let body: Value = reply.json()?;
            let version = body["Version"]["Index"].as_u64();
            // The path also accepts a name or a prefix of an id.
            if service.id != id {
                return Err(Fault::Nonsense("not the service asked for".to_owned()));
            }
            let spec = without_nulls(&body["Spec"]);
            // serde also reads a struct from a list.
            let is_object = |path: &&str| spec.pointer(path).is_none_or(Value::is_object);
            if !CHANGED.iter().all(is_object) {
                return Err(Fault::Nonsense("a service without objects".to_owned()));
            }
            Ok(Versioned {
                service,
                version: version.ok_or_else(|| reply.lacks("Version"))?,
                spec,
            })
        })
    })
}

/// A spec without null members, which a Swarm treats as absent.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(_, member)| !member.is_null())
            .map(|(key, member)| (key.clone(), without_nulls(member)))
            .collect(),
        Value::Array(entries) => entries.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

fn updated(reply: &Reply) -> Result<Updated, Fault> {
    match reply.status() {
        200 => reply.json::<Value>().map(|_| Updated::Done),
        404 if reply.is_engines() => Ok(Updated::Gone),
        // The status is 500.
        _ if reply.says(&["update out of sequence"]) => Ok(Updated::OutOfSequence),
        _ => Err(reply.fault()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::service::tests::{id, shown};
    use super::*;
    use crate::docker::reply::tests::reply;

    fn versioned() -> Versioned {
        let found = inspect(&id()).read(&reply(200, &shown().to_string()));
        found.expect("a service").expect("it is there")
    }

    fn body(call: &Call<Updated>) -> Value {
        serde_json::from_slice(call.request.body()).expect("JSON")
    }

    #[test]
    fn an_update_changes_what_it_is_for() {
        let reference = SecretReference {
            id: "s".to_owned(),
            name: "n".to_owned(),
            path: "/run/f".to_owned(),
            owner: 1000,
        };
        let start = body(&versioned().start(&[reference], &[], None));
        let mut expected = shown()["Spec"].clone();
        expected["TaskTemplate"]["ContainerSpec"] = json!({
            "Image": "agent",
            "Secrets": [{
                "File": {"Name": "/run/f", "UID": "1000", "GID": "0", "Mode": 256},
                "SecretID": "s",
                "SecretName": "n",
            }],
        });
        expected["Labels"]["dynamic-access.template"] = template::digest(&expected).into();
        assert_eq!(start, expected);
        let elsewhere = body(&versioned().start(&[], &["n".to_owned()], None));
        let placement = &elsewhere["TaskTemplate"]["Placement"];
        assert_eq!(*placement, json!({"Constraints": ["node.id!=n"]}));
        for (update, label, replicas) in [
            (versioned().fence(), "dynamic-access.fenced", 0),
            (versioned().vouch(), "dynamic-access.vouched", 1),
        ] {
            let body = body(&update);
            assert_eq!(body["Mode"]["Replicated"]["Replicas"], replicas);
            assert_eq!(body["Labels"][label], "true");
            assert_eq!(body["Labels"]["dynamic-access.name"], "da-1");
        }
    }
}
